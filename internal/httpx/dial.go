package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// secondFamily is how long the first address family has before the second is tried beside it (RFC 8305 section 5
// recommends 250 ms).
const secondFamily = 250 * time.Millisecond

// connect opens a TCP connection to the first of the addresses that answers.
func (x *exchange) connect(ctx context.Context, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	conn, err := x.client.dial(ctx, addrs, port)
	x.mark(probe.Connect)
	if err != nil {
		return nil, connectFault(err)
	}
	addr := address(conn)
	x.record.Address = netip.AddrPortFrom(addr, port).String()
	x.trail.went(x.client.reserved, addr)
	return conn, nil
}

// dial tries the addresses of the first family one after another and, when that takes too long, those of the second
// beside them.
func (c *Client) dial(ctx context.Context, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	first, second := families(addrs)
	if len(second) == 0 {
		return c.dialEach(ctx, first, port)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type dialed struct {
		conn *net.TCPConn
		err  error
	}
	race := func(addrs []netip.Addr) <-chan dialed {
		done := make(chan dialed, 1)
		go func() {
			conn, err := c.dialEach(ctx, addrs, port)
			done <- dialed{conn, err}
		}()
		return done
	}
	// loser waits for the other racer, which the cancelled context ends, and hangs up if it got through all the same.
	loser := func(other <-chan dialed) {
		cancel()
		if other == nil {
			return
		}
		if late := <-other; late.conn != nil {
			_ = late.conn.Close()
		}
	}
	head := time.NewTimer(secondFamily)
	defer head.Stop()
	one, two := race(first), (<-chan dialed)(nil)
	var failed error
	for {
		select {
		case <-head.C:
			if two == nil && failed == nil {
				two = race(second)
			}
		case won := <-one:
			if won.err == nil {
				loser(two)
				return won.conn, nil
			}
			if one = nil; failed != nil {
				return nil, failed
			}
			if failed = won.err; two == nil {
				two = race(second)
			}
		case won := <-two:
			if won.err == nil {
				loser(one)
				return won.conn, nil
			}
			if two = nil; failed != nil {
				return nil, failed
			}
			failed = won.err
		}
	}
}

// families splits addresses into those of the family of the first one and the others.
func families(addrs []netip.Addr) (first, second []netip.Addr) {
	for i, addr := range addrs {
		if addr.Is4() != addrs[0].Is4() {
			first = append(first, addrs[:i]...)
			for _, rest := range addrs[i:] {
				if rest.Is4() == addrs[0].Is4() {
					first = append(first, rest)
				} else {
					second = append(second, rest)
				}
			}
			return first, second
		}
	}
	return addrs, nil
}

// dialEach tries addresses one after another; each gets its share of the time that is left. It returns the first error.
func (c *Client) dialEach(ctx context.Context, addrs []netip.Addr, port uint16) (*net.TCPConn, error) {
	var first error
	for i, addr := range addrs {
		dialer := c.dialer
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
