package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// secondFamily is how long the first address family has before the second is tried beside it (RFC 8305 section 5
// recommends 250 ms).
const secondFamily = 250 * time.Millisecond

// connect opens a TCP connection to the first of the addresses that answers.
func (x *exchange) connect(ctx context.Context, addrs []netip.Addr) (*net.TCPConn, error) {
	to := port(x.url)
	conn, err := dial(ctx, x.client.dialer, addrs, to)
	x.mark(probe.Connect)
	if err != nil {
		return nil, connectFault(err)
	}
	addr := address(conn)
	x.record.Address = netip.AddrPortFrom(addr, to).String()
	x.trail.went(x.client.reserved, addr)
	return conn, nil
}

// dial tries the addresses of the first family one after another and, when that fails or takes too long, those of the
// second beside them (RFC 8305).
func dial(ctx context.Context, dialer net.Dialer, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	first, second := families(addrs)
	if len(second) == 0 {
		return dialEach(ctx, dialer, first, port)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	race := &race{results: make(chan dialed, 2)}
	race.start(func() (*net.TCPConn, error) { return dialEach(ctx, dialer, first, port) })
	startSecond := sync.OnceFunc(func() {
		race.start(func() (*net.TCPConn, error) { return dialEach(ctx, dialer, second, port) })
	})
	head := time.NewTimer(secondFamily)
	defer head.Stop()
	for race.running > 0 {
		select {
		case <-head.C:
			startSecond()
		case result := <-race.results:
			if race.take(result); race.won != nil {
				cancel() // the loser ends at once, and is waited for
				continue
			}
			startSecond()
		}
	}
	if race.won != nil {
		return race.won, nil
	}
	return nil, race.failed
}

// race is two attempts to connect, of which one is kept. Its owner takes as many results as it started attempts.
type race struct {
	results chan dialed
	running int
	won     *net.TCPConn
	failed  error // the first one
}

type dialed struct {
	conn *net.TCPConn
	err  error
}

func (r *race) start(attempt func() (*net.TCPConn, error)) {
	r.running++
	go func() {
		conn, err := attempt()
		r.results <- dialed{conn, err}
	}()
}

func (r *race) take(result dialed) {
	r.running--
	switch {
	case result.err != nil && r.failed == nil:
		r.failed = result.err
	case result.err == nil && r.won == nil:
		r.won = result.conn
	case result.err == nil:
		_ = result.conn.Close() // came second
	}
}

// families splits addresses into those of the family of the first one and the others.
func families(addrs []netip.Addr) (first, second []netip.Addr) {
	other := func(addr netip.Addr) bool { return addr.Is4() != addrs[0].Is4() }
	if !slices.ContainsFunc(addrs, other) {
		return addrs, nil
	}
	for _, addr := range addrs {
		if other(addr) {
			second = append(second, addr)
		} else {
			first = append(first, addr)
		}
	}
	return first, second
}

// dialEach tries addresses one after another; each gets its share of the time that is left. It returns the first error.
func dialEach(ctx context.Context, dialer net.Dialer, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	var first error
	for i, addr := range addrs {
		dialer := dialer
		if deadline, ok := ctx.Deadline(); ok && i < len(addrs)-1 {
			dialer.Timeout = time.Until(deadline) / time.Duration(len(addrs)-i)
		}
		conn, err := dialer.DialTCP(ctx, "tcp", netip.AddrPort{}, netip.AddrPortFrom(addr, port))
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil || ours(err) {
			break
		}
	}
	return nil, first
}

func connectFault(err error) error {
	switch {
	case ours(err):
		return fmt.Errorf("connecting: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED), wasReset(err):
		return faultf(probe.ConnectRefused, "connecting: %s", bare(err))
	case timedOut(err), errors.Is(err, syscall.ETIMEDOUT):
		return faultf(probe.ConnectTimeout, "connecting: no answer in time")
	}
	return faultf(probe.ConnectUnreachable, "connecting: %s", bare(err))
}
