package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// maxAddresses is how many of the addresses of a name are tried.
const maxAddresses = 20

// names knows what a visit has looked up. As in a browser, an answer is good for the whole visit, and who asks while a
// question is under way waits for its answer. It is safe for concurrent use.
type names struct {
	resolver httpx.Resolver
	patience time.Duration
	delay    time.Duration
	hosts    map[string]netip.AddrPort // by name, or name:port

	mu    sync.Mutex
	asked map[string]*answer
}

// answer is what a look-up gave; it is there when done is closed.
type answer struct {
	done  chan struct{}
	addrs []netip.Addr
	added time.Duration
	err   error
}

// place is where a target is.
type place struct {
	addrs   []netip.Addr
	port    uint16
	trusted bool          // told by the owner of the proxy: not to be judged
	took    time.Duration // that the look-up took
	added   time.Duration // on top
}

func newNames(opts Options, patience time.Duration) (*names, error) {
	n := &names{
		resolver: opts.Resolver, patience: patience, delay: opts.Delay,
		hosts: map[string]netip.AddrPort{}, asked: map[string]*answer{},
	}
	for name, address := range opts.Hosts {
		addr, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, fmt.Errorf("address %q of host %q, want ip:port", address, name)
		}
		n.hosts[strings.ToLower(name)] = addr
	}
	return n, nil
}

// find returns where a target is.
func (n *names) find(ctx context.Context, t target) (place, error) {
	for _, key := range []string{t.String(), t.host} {
		if known, ok := n.hosts[key]; ok {
			return place{addrs: []netip.Addr{known.Addr()}, port: known.Port(), trusted: true}, nil
		}
	}
	if addr, err := netip.ParseAddr(t.host); err == nil {
		return place{addrs: []netip.Addr{addr}, port: t.port}, nil
	}
	if t.host == "localhost" || strings.HasSuffix(t.host, ".localhost") { // RFC 6761 section 6.3
		loopback := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
		return place{addrs: loopback, port: t.port}, nil
	}
	start := time.Now()
	a := n.ask(ctx, t.host)
	took := time.Since(start)
	added := min(a.added, took) // who comes late waits for the end of it
	return place{addrs: a.addrs, port: t.port, took: took - added, added: added}, a.err
}

// ask looks a name up, once in a visit.
func (n *names) ask(ctx context.Context, host string) *answer {
	n.mu.Lock()
	a, known := n.asked[host]
	if !known {
		a = &answer{done: make(chan struct{})}
		n.asked[host] = a
	}
	n.mu.Unlock()
	if !known {
		n.lookUp(ctx, host, a)
		close(a.done)
		return a
	}
	<-a.done // whoever asks first has the same context
	return a
}

// lookUp asks the resolver. An answer of any kind is on its way for one round trip more.
func (n *names) lookUp(ctx context.Context, host string, a *answer) {
	patience, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	a.addrs, a.err = n.resolver.Lookup(patience, host)
	if a.err == nil && len(a.addrs) == 0 {
		a.err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	a.addrs = a.addrs[:min(len(a.addrs), maxAddresses)]
	if n.delay == 0 || patience.Err() != nil {
		return
	}
	start := time.Now()
	pause(ctx.Done(), n.delay)
	a.added = time.Since(start)
}

// String returns host:port.
func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }
