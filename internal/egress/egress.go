// Package egress is the way out of a browser: a forward proxy of its own for each visit, which makes the line as slow as a
// customer's, counts what really goes over it, and refuses addresses that no page has business with.
//
// # Shaping
//
// Time is added, never replaced, as a slow line does it: everything in flight is Delay/2 late in each direction, in order,
// and does not keep the next bytes from setting off, so that a longer way is no narrower one; all connections of the visit
// share one rate per direction, in turns. On top come the round trips that a customer's browser makes before it can ask: one of
// Delay for the look-up of a name that the visit has not looked up yet, one for the TCP handshake. Those of TLS happen
// by themselves. What servers and names really take stays in all of it, so a server that gets slower is seen to.
// Addresses that are written as such, localhost and Options.Hosts are looked up nowhere and wait for nothing. Rates count
// payload, neither packet headers nor TCP's slow start.
//
// # Policy
//
// Whatever name or spelling a page uses, the address it leads to is judged and then connected to, without a second
// look-up. Only global addresses are let through, and with AllowPrivate private and loopback ones. Link-local, metadata,
// multicast and other special addresses never are: it is content that asks, not the operator. Ports are left to the
// browser, which refuses the ones of other protocols itself (Fetch standard, port blocking). Browsers carry no credential
// for a proxy that its pages could not use as well, so the proxy listens on loopback only, on a port that lives as
// long as the visit.
//
// # Failures
//
// What cannot be reached is an error in the browser as it is without a proxy, not a page: a tunnel is refused with a status
// (net::ERR_TUNNEL_CONNECTION_FAILED), a plain request gets no answer (net::ERR_EMPTY_RESPONSE); the Report has the reason.
// Hosts that the operator blocks are answered with 403, and are no failures.
//
// It may import httpx and the domain. It does not look into tunnels, cache, log, or change what it carries, except for what
// a request says to a proxy.
package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// Defaults of Options.
const (
	DefaultMaxBytes    = 50 << 20 // twenty times the median page (HTTP Archive, 2024)
	DefaultMaxRequests = 2000
)

// maxClients is how many connections a browser may hold at a time. Chromium took 101 for a page with 100 hosts.
const maxClients = 512

// Options say what a proxy makes of the line. The zero value shapes nothing and lets global addresses through.
type Options struct {
	Delay        time.Duration     // added round-trip time; 0 adds none
	Down, Up     int64             // bit/s towards the browser and away from it, of all connections together; 0 is no limit
	Resolver     httpx.Resolver    // for names; the zero value is the system's
	AllowPrivate bool              // let private and loopback addresses through
	Hosts        map[string]string // ip:port by "name" or "name:port", known without a look-up and not judged; for tests
	Block        []string          // hosts that are not connected to, "*.example.com" is all below example.com
	MaxBytes     int64             // both directions together, until everything is cut; 0 is DefaultMaxBytes
	MaxRequests  int               // tunnels and plain requests, until they are refused; 0 is DefaultMaxRequests
}

// patience is how long the proxy waits for others.
type patience struct {
	resolve time.Duration // for the answer to a look-up
	dial    time.Duration // for a connection
	head    time.Duration // for the head of a request, once it began
	parting time.Duration // for a browser to end its side of a connection when the other one has ended
	idle    time.Duration // for anything to move over a connection in either direction
}

// usual returns what holds for browsers: as long as systems ask two servers for a name twice each (resolv.conf), send
// five SYN packets, and no visit takes longer than the last one.
func usual() patience {
	return patience{20 * time.Second, 20 * time.Second, 10 * time.Second, 2 * time.Second, 2 * time.Minute}
}

// Proxy is the way out of one visit. It is safe for concurrent use.
type Proxy struct {
	opts     Options
	patience patience
	listener *net.TCPListener
	self     netip.AddrPort
	gate     *httpx.Gate
	names    *names
	down, up lane
	book     book
	buffers  sync.Pool // of *[]byte, chunk long
	clients  atomic.Int64
	moved    atomic.Int64 // bytes in both directions

	ctx     context.Context // of the visit: every look-up and dial ends with it
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	ended bool
	held  map[io.Closer]struct{}
}

// Open starts a proxy on a free port of 127.0.0.1. Close ends it.
func Open(opts Options) (*Proxy, error) { return open(opts, usual()) }

func open(opts Options, patience patience) (*Proxy, error) {
	if opts.Delay < 0 || opts.Down < 0 || opts.Up < 0 || opts.MaxBytes < 0 || opts.MaxRequests < 0 {
		return nil, errors.New("egress: delay, rates and limits: want none below 0")
	}
	for _, pattern := range opts.Block {
		if err := CheckPattern(pattern); err != nil {
			return nil, fmt.Errorf("egress: %w", err)
		}
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = DefaultMaxBytes
	}
	if opts.MaxRequests == 0 {
		opts.MaxRequests = DefaultMaxRequests
	}
	known, err := newNames(opts, patience.resolve)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("egress: listening on loopback: %w", err)
	}
	p := &Proxy{
		opts:     opts,
		patience: patience,
		listener: listener,
		self:     listener.Addr().(*net.TCPAddr).AddrPort(),
		gate:     httpx.NewGate(opts.AllowPrivate),
		names:    known,
		down:     lane{rate: opts.Down},
		up:       lane{rate: opts.Up},
		held:     map[io.Closer]struct{}{},
	}
	p.buffers.New = func() any { b := make([]byte, chunk); return &b }
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.accept)
	return p, nil
}

// Address returns the host:port that the browser is told, such as 127.0.0.1:40123.
func (p *Proxy) Address() string { return p.self.String() }

// Close cuts all connections and waits until nothing of the proxy runs any more. More than one call does no harm.
func (p *Proxy) Close() {
	p.end()
	_ = p.listener.Close()
	p.running.Wait()
}

// Report returns what has happened so far. It is complete after Close.
func (p *Proxy) Report() Report { return p.book.report() }

// Blocks reports whether the operator's list has the host.
func (p *Proxy) Blocks(host string) bool { return blocked(p.opts.Block, host) }

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, or a client that went at once
			if !pause(p.ctx.Done(), 5*time.Millisecond) {
				return
			}
		case p.clients.Load() >= maxClients || !p.hold(conn):
			_ = conn.Close()
		default:
			p.clients.Add(1)
			p.running.Go(func() {
				defer p.clients.Add(-1)
				defer p.release(conn)
				newSession(p, newPatient(conn, p.patience.idle)).serve()
			})
		}
	}
}

// hold keeps a connection that the end of the visit has to close. It returns false when that has come already.
func (p *Proxy) hold(c io.Closer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.held[c] = struct{}{}
	}
	return !p.ended
}

// forget lets go of a connection that was held.
func (p *Proxy) forget(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.held, c)
}

// release closes a connection that was held.
func (p *Proxy) release(c io.Closer) {
	p.forget(c)
	_ = c.Close()
}

// end cuts everything that is under way and lets nothing new begin.
func (p *Proxy) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.cancel()
	for c := range p.held {
		_ = c.Close()
	}
}

// count adds bytes that went over a server's socket, and ends the visit when they are too many.
func (p *Proxy) count(n int) {
	if p.moved.Add(int64(n)) > p.opts.MaxBytes && p.book.overBytes.CompareAndSwap(false, true) {
		p.end()
	}
}

// pause waits, unless done is closed first.
func pause(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}
