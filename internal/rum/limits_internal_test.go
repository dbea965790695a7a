package rum

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// networkOf returns the n-th network.
func networkOf(n int) netip.Prefix {
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], uint32(n)<<8)
	return netip.PrefixFrom(netip.AddrFrom4(address), 24)
}

func TestLimits_RememberWhoWasSeenLast(t *testing.T) {
	l, now := newLimits(), time.Now()
	for n := range 3 * maxNetworks {
		if n >= maxNetworks {
			l.seen(networkOf(0), now) // comes again and again
		}
		l.seen(networkOf(n), now).bucket.tokens = 1
	}
	if len(l.networks) != maxNetworks || l.order.Len() != maxNetworks {
		t.Fatalf("%d networks in %d places are remembered, want %d", len(l.networks), l.order.Len(), maxNetworks)
	}
	for _, test := range []struct {
		name   string
		n      int
		tokens float64
	}{
		{"the last", 3*maxNetworks - 1, 1},
		{"one that came again", 0, 1},
		{"the first that is remembered", 2*maxNetworks + 1, 1},
		{"the last that is forgotten", 2 * maxNetworks, networkBurst},
	} {
		if got := l.seen(networkOf(test.n), now).bucket.tokens; got != test.tokens {
			t.Errorf("%s has %v tokens, want %v", test.name, got, test.tokens)
		}
	}
	for prefix, at := range l.networks {
		if n := at.Value.(*network); n.prefix != prefix {
			t.Errorf("%s leads to %s", prefix, n.prefix)
		}
	}
}

func TestLimits_AllocateNothingWhenFull(t *testing.T) {
	l, now, n := newLimits(), time.Now(), 0
	for ; n < 2*maxNetworks; n++ {
		l.seen(networkOf(n), now)
	}
	if allocations := testing.AllocsPerRun(10_000, func() {
		n++
		l.admit(networkOf(n), now)
	}); allocations > 0 {
		t.Errorf("a new network takes %v allocations, want none", allocations)
	}
}

// TestLimits_AdmitNoMoreThanTheRate floods for a minute from more networks than are remembered.
func TestLimits_AdmitNoMoreThanTheRate(t *testing.T) {
	l, start, admitted := newLimits(), time.Now(), 0
	l.global.at = start
	const each = 100 * time.Microsecond
	for n := range int(time.Minute / each) {
		if _, ok := l.admit(networkOf(n), start.Add(time.Duration(n)*each)); ok {
			admitted++
		}
	}
	if want := globalBurst + 60*globalRate; admitted < want-1 || admitted > want {
		t.Errorf("%d beacons are admitted within a minute, want %d", admitted, want)
	}
}
