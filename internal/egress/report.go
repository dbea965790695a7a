package egress

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Report is what went through a proxy.
type Report struct {
	In, Out      int64 // bytes from servers and to them, as their sockets carried them; TLS included
	Conns        []Conn
	Refused      []Refusal
	Blocked      int  // tunnels and requests to hosts of Options.Block
	OverBytes    bool // more than MaxBytes: everything was cut
	OverRequests bool // more than MaxRequests: what came after was refused
}

// Conn is one connection to a server, or the attempt. Its real durations and what shaping added are apart; a customer
// waits for their sum.
type Conn struct {
	Host         string // as the browser asked for it, lower-case, without port
	Port         uint16
	Address      string // ip:port that answered; empty when none did
	Start        time.Time
	Resolve      time.Duration // that the look-up took; 0 without one, or when the visit had the answer already
	ResolveAdded time.Duration
	Connect      time.Duration // that the TCP handshake took, all attempts together
	ConnectAdded time.Duration
	In, Out      int64        // bytes from the server and to it
	Error        probe.Reason // why there is no connection; probe.NotMeasured is a lack of the agent's own
	Detail       string       // of the error
	Cut          bool         // the end of the visit came first: Error says what was being waited for
}

// Refusal is an address that a page wanted and must not have.
type Refusal struct {
	Host    string
	Port    uint16
	Address string // ip:port that was refused, the first of several
	Reason  probe.Reason
	Detail  string
}

// Failure returns why the last attempt to connect to a host, in any spelling that a URL may have, ended without a
// connection, refused ones included. It returns nothing when it did not, or when there was none.
func (r *Report) Failure(host string, port uint16) (reason probe.Reason, detail string) {
	host, _ = parseHost(strings.Trim(host, "[]"))
	for i := len(r.Refused) - 1; i >= 0; i-- {
		if refused := &r.Refused[i]; refused.Host == host && refused.Port == port {
			return refused.Reason, refused.Detail
		}
	}
	for i := len(r.Conns) - 1; i >= 0; i-- {
		if conn := &r.Conns[i]; conn.Host == host && conn.Port == port {
			return conn.Error, conn.Detail
		}
	}
	return "", ""
}

// book is where the connections of a visit are written down.
type book struct {
	requests     atomic.Int64
	blocked      atomic.Int64
	overBytes    atomic.Bool
	overRequests atomic.Bool

	mu      sync.Mutex
	entries []*entry
	refused []Refusal
}

// entry is a connection that goes on.
type entry struct {
	in, out atomic.Int64
	conn    Conn // guarded by the book's mutex
}

// admit counts a tunnel or a request, and returns whether it may be made.
func (b *book) admit(most int) bool {
	if b.requests.Add(1) <= int64(most) {
		return true
	}
	b.overRequests.Store(true)
	return false
}

// open begins a connection.
func (b *book) open(t target) *entry {
	e := &entry{conn: Conn{Host: t.host, Port: t.port, Start: time.Now()}}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
	return e
}

// note changes what is known of a connection.
func (b *book) note(e *entry, change func(*Conn)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&e.conn)
}

// refuse turns a connection into a refusal.
func (b *book) refuse(e *entry, addr netip.AddrPort, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.entries {
		if b.entries[i] == e {
			b.entries = append(b.entries[:i], b.entries[i+1:]...)
			break
		}
	}
	b.refused = append(b.refused, Refusal{e.conn.Host, e.conn.Port, addr.String(), probe.AddressForbidden, detail})
}

func (b *book) report() Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := Report{
		Conns:        make([]Conn, len(b.entries)),
		Refused:      append([]Refusal(nil), b.refused...),
		Blocked:      int(b.blocked.Load()),
		OverBytes:    b.overBytes.Load(),
		OverRequests: b.overRequests.Load(),
	}
	for i, e := range b.entries {
		r.Conns[i] = e.conn
		r.Conns[i].In, r.Conns[i].Out = e.in.Load(), e.out.Load()
		r.In += r.Conns[i].In
		r.Out += r.Conns[i].Out
	}
	return r
}
