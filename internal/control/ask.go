package control

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resendAfter is when a DNS question that got no answer is sent again: one lost packet must not look like blindness.
const resendAfter = 300 * time.Millisecond

// askTCP returns nil when something at the address accepts or refuses a connection: either took a working network.
func askTCP(ctx context.Context, address string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		return conn.Close()
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// askPorts asks an address on several ports at once: any answer will do.
func askPorts(ctx context.Context, address netip.Addr, ports []uint16) error {
	neighbours := make([]neighbour, len(ports))
	for i, port := range ports {
		at := netip.AddrPortFrom(address, port).String()
		neighbours[i] = neighbour{name: at, ask: func(ctx context.Context) error { return askTCP(ctx, at) }}
	}
	if ask(ctx, neighbours) == "" {
		return fmt.Errorf("no answer from %s on ports %v", address, ports)
	}
	return nil
}

// askDNS asks a resolver for the name servers of the root, which every resolver knows. Any answer will do, an error or
// a closed port too. RFC 1035, section 4.1.
func askDNS(ctx context.Context, resolver netip.AddrPort) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "udp", resolver.String())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is buffered
	stop := context.AfterFunc(ctx, func() {
		conn.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection needs no deadline
	})
	defer stop()
	id := uint16(rand.Uint32()) //nolint:gosec // the socket is connected: a guess of the id is not what protects it
	question, err := rootQuestion(id)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if _, err := conn.Write(question); err != nil {
			return refused(err)
		}
		err := readAnswer(conn, id, time.Now().Add(resendAfter))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return refused(err)
		}
	}
	return ctx.Err()
}

func rootQuestion(id uint16) ([]byte, error) {
	message := dnsmessage.Message{
		Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{
			Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeNS, Class: dnsmessage.ClassINET,
		}},
	}
	return message.Pack()
}

// readAnswer reads until a response to the question comes or the deadline passes.
func readAnswer(conn net.Conn, id uint16, deadline time.Time) error {
	if err := conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	buffer := make([]byte, 512)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		var parser dnsmessage.Parser
		if header, err := parser.Start(buffer[:n]); err == nil && header.Response && header.ID == id {
			return nil
		}
	}
}

// refused turns "port unreachable" into an answer: the machine is there.
func refused(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return err
}
