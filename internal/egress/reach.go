package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxDetail bounds details, in bytes.
const maxDetail = 200

// reach connects to a target as a customer's browser does: look-up, judgement, handshake. Why it did not come to a
// connection is returned and is in the report.
func (p *Proxy) reach(t target) (stream, probe.Reason) {
	e := p.book.open(t)
	to, err := p.names.find(p.ctx, t)
	p.book.note(e, func(c *Conn) { c.Resolve, c.ResolveAdded = to.took, to.added })
	if err != nil {
		reason, detail := httpx.ResolveReason(t.host, err)
		return nil, p.miss(e, err, probe.DNSTimeout, reason, detail)
	}
	addrs, why := p.judge(to)
	if len(addrs) == 0 {
		p.book.refuse(e, netip.AddrPortFrom(to.addrs[0], to.port), why)
		return nil, probe.AddressForbidden
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.patience.dial)
	defer cancel()
	start := time.Now()
	conn, err := p.gate.Dial(ctx, addrs, to.port)
	took := time.Since(start)
	p.book.note(e, func(c *Conn) { c.Connect = took })
	if err != nil {
		reason, detail := httpx.ConnectReason(err)
		return nil, p.miss(e, err, probe.ConnectTimeout, reason, detail)
	}
	return p.shake(e, conn)
}

// shake adds the round trip of the handshake to a new connection, and makes it as long as the customer's line.
func (p *Proxy) shake(e *entry, conn *net.TCPConn) (stream, probe.Reason) {
	ready := p.hold(conn)
	start := time.Now()
	if ready && p.opts.Delay > 0 {
		ready = pause(p.ctx.Done(), p.opts.Delay)
		added := time.Since(start)
		p.book.note(e, func(c *Conn) { c.ConnectAdded = added })
	}
	var server stream = &socket{patient: newPatient(conn, p.patience.idle), proxy: p, entry: e}
	if ready && (p.opts.Delay > 0 || p.opts.Down > 0 || p.opts.Up > 0) {
		server = newWire(p, server)
	}
	if ready = ready && p.hold(server); !ready {
		_ = server.Close()
		return nil, p.miss(e, context.Canceled, probe.ConnectTimeout, probe.ConnectTimeout, "")
	}
	p.forget(conn)
	p.book.note(e, func(c *Conn) { c.Address = conn.RemoteAddr().String() })
	return server, ""
}

// miss writes down why there is no connection. The end of the visit is nobody's fault: what was waited for hung.
func (p *Proxy) miss(e *entry, err error, hung, reason probe.Reason, detail string) probe.Reason {
	cut := errors.Is(err, context.Canceled) || p.ctx.Err() != nil
	if cut {
		reason, detail = hung, "no answer when the visit ended"
	}
	p.book.note(e, func(c *Conn) { c.Error, c.Detail, c.Cut = reason, probe.Clip(detail, maxDetail), cut })
	return reason
}

// judge returns the addresses that may be connected to, or why the first one may not.
func (p *Proxy) judge(to place) (allowed []netip.Addr, why string) {
	for _, addr := range to.addrs {
		reach := p.gate.Forbids(addr)
		switch {
		case to.trusted:
			reach = ""
		case addr.IsLoopback() && to.port == p.self.Port():
			reach = "the proxy's own"
		}
		if reach == "" {
			allowed = append(allowed, addr)
		} else if why == "" {
			why = "address " + addr.String() + " is " + reach
		}
	}
	return allowed, why
}
