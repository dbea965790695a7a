package rum

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// How many beacons may come a second, and at once after a while without any: from everybody, and from one network. Behind
// one address of a mobile network or a company are many customers; more than 20 of them leave a page within a second
// seldom.
const (
	globalRate, globalBurst   = 200, 400
	networkRate, networkBurst = 5, 20
	// maxNetworks are remembered; the one that was seen longest ago is forgotten, and could have had its burst again
	// anyway unless there are more than the global rate has room for.
	maxNetworks = 10_000
)

// bucket holds tokens that come back at a rate up to a burst.
type bucket struct {
	tokens float64
	at     time.Time // when tokens was right
}

func (b *bucket) refill(now time.Time, rate, burst float64) {
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.tokens = min(burst, b.tokens+rate*elapsed.Seconds())
		b.at = now
	}
}

// limits says whether a beacon may come now. Its memory is bounded by maxNetworks.
type limits struct {
	mu       sync.Mutex // guards everything below
	global   bucket
	networks map[netip.Prefix]*list.Element
	order    *list.List // of *network, the one seen last in front
}

// network is one that was seen.
type network struct {
	prefix netip.Prefix
	bucket bucket
}

func newLimits() *limits {
	return &limits{global: bucket{tokens: globalBurst}, networks: make(map[netip.Prefix]*list.Element), order: list.New()}
}

// admit takes a beacon from a network in, or says why not. What is not taken in uses nothing up: a network that floods
// leaves the rate of all to the others.
func (l *limits) admit(from netip.Prefix, now time.Time) (refused outcome, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.global.refill(now, globalRate, globalBurst)
	if l.global.tokens < 1 {
		return busy, false
	}
	n := l.seen(from, now)
	n.bucket.refill(now, networkRate, networkBurst)
	if n.bucket.tokens < 1 {
		return tooOften, false
	}
	l.global.tokens--
	n.bucket.tokens--
	return 0, true
}

// seen returns what is remembered of a network, from now on if it is new.
func (l *limits) seen(from netip.Prefix, now time.Time) *network {
	at, known := l.networks[from]
	switch {
	case known:
		l.order.MoveToFront(at)
	case l.order.Len() < maxNetworks:
		at = l.order.PushFront(&network{})
	default:
		at = l.order.Back()
		l.order.MoveToFront(at)
		delete(l.networks, at.Value.(*network).prefix)
	}
	n := at.Value.(*network)
	if !known {
		*n = network{prefix: from, bucket: bucket{tokens: networkBurst, at: now}}
		l.networks[from] = at
	}
	return n
}
