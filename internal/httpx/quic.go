package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Numbers of RFC 9114.
const (
	http3NoError     = 0x100 // H3_NO_ERROR, section 8.1
	maxPeerStreams   = 8     // control and QPACK streams of the server, and a few that mean nothing (sections 6.2, 7.2.8)
	noServerRequests = -1    // a server opens no bidirectional streams (section 6.1)
)

// quicLine is a QUIC connection (RFC 9000) on a socket of its own.
type quicLine struct {
	socket    *socket
	transport *quic.Transport
	conn      *quic.Conn
}

// Close says goodbye, waits until nothing runs any more, and gives the socket back.
func (l *quicLine) Close() {
	if l.conn != nil {
		_ = l.conn.CloseWithError(http3NoError, "") // the exchange is over; there is nobody to tell
	}
	_ = l.transport.Close()
	_ = l.socket.Close()
}

// dialQUIC makes the handshake with the first of the addresses that answers, one after another. QUIC makes connection and
// keys in one, so all of it is the phase TLS, and there is no other.
func (x *exchange) dialQUIC(ctx context.Context, addrs []netip.Addr) (*quicLine, error) {
	line, err := x.dialEachQUIC(ctx, addrs)
	if err != nil {
		x.mark(probe.TLS)
		return nil, err
	}
	state := line.conn.ConnectionState().TLS
	err = x.verify(state.ServerName, &state)
	x.mark(probe.TLS)
	if err != nil {
		line.Close()
		return nil, err
	}
	return line, nil
}

// dialEachQUIC gives every address its share of the time that is left, as dialEach does. It returns the first error.
func (x *exchange) dialEachQUIC(ctx context.Context, addrs []netip.Addr) (*quicLine, error) {
	to := x.port()
	var first error
	for i, addr := range addrs {
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if deadline, ok := ctx.Deadline(); ok && i < len(addrs)-1 {
			attempt, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(len(addrs)-i))
		}
		remote := netip.AddrPortFrom(addr, to)
		line, err := x.dialOneQUIC(attempt, remote)
		cancel()
		if err == nil {
			x.record.Address = remote.String()
			x.trail.went(x.client.reserved, addr)
			return line, nil
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

func (x *exchange) dialOneQUIC(ctx context.Context, remote netip.AddrPort) (*quicLine, error) {
	dialer := x.client.dialer
	udp, err := dialer.DialUDP(ctx, "udp", netip.AddrPort{}, remote)
	if err != nil {
		return nil, connectFault(err)
	}
	line := &quicLine{socket: &socket{udp: udp, remote: net.UDPAddrFromAddrPort(remote)}}
	line.transport = &quic.Transport{Conn: line.socket}
	config := x.client.tls.base.Clone()
	config.ServerName, config.MinVersion, config.NextProtos = x.serverName(), tls.VersionTLS13, []string{HTTP3}
	// The context has the deadline: the limits of the library must not end anything earlier, however long it is.
	patience := x.client.opts.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline), time.Millisecond) + time.Second
	}
	line.conn, err = line.transport.Dial(ctx, line.socket.remote, config, &quic.Config{
		HandshakeIdleTimeout:  patience,
		MaxIdleTimeout:        patience,
		MaxIncomingStreams:    noServerRequests,
		MaxIncomingUniStreams: maxPeerStreams,
	})
	if err != nil {
		line.Close()
		return nil, quicHandshakeFault(err, line.socket.heard.Load())
	}
	return line, nil
}

// quicHandshakeFault says why there is no connection. heard says whether anything came at all.
func quicHandshakeFault(err error, heard bool) error {
	transport, isTransport := errors.AsType[*quic.TransportError](err)
	_, versions := errors.AsType[*quic.VersionNegotiationError](err)
	_, reset := errors.AsType[*quic.StatelessResetError](err)
	switch {
	case ours(err):
		return fmt.Errorf("connecting: %w", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return faultf(probe.ConnectRefused, "connecting by QUIC: nothing listens on this UDP port")
	case isTransport && transport.Remote && transport.ErrorCode == quic.ConnectionRefused:
		return faultf(probe.ConnectRefused, "connecting by QUIC: the server refuses connections")
	case isTransport && transport.ErrorCode == cryptoError+alertNoProtocol:
		return faultf(probe.TLSALPN, "client and server share no application protocol, want %s", HTTP3)
	case versions:
		return faultf(probe.TLSHandshake, "client and server share no version of QUIC")
	case reset:
		return faultf(probe.TLSHandshake, "connection reset during the QUIC handshake")
	case (timedOut(err) || errors.Is(err, context.DeadlineExceeded)) && heard:
		return faultf(probe.TLSTimeout, "QUIC handshake not complete in time")
	case timedOut(err), errors.Is(err, context.DeadlineExceeded):
		return faultf(probe.ConnectTimeout, "connecting by QUIC: no answer in time")
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return connectFault(err)
	}
	return faultf(probe.TLSHandshake, "QUIC handshake: %s", probe.Clip(err.Error(), maxFieldValue))
}

// cryptoError is what TLS alerts are added to in error codes of QUIC (RFC 9001 section 4.8).
const cryptoError = 0x100

// socket is a UDP socket that talks to one address only, so that the system tells when nothing listens there. The
// library is not shown that it is one: it would complain on standard error about buffers that it finds too small.
type socket struct {
	udp    *net.UDPConn
	remote *net.UDPAddr
	heard  atomic.Bool // something came
}

// ReadFrom reads one datagram.
func (s *socket) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := s.udp.Read(p)
	if err == nil {
		s.heard.Store(true)
	}
	return n, s.remote, err
}

// WriteTo writes one datagram to the address that the socket talks to.
func (s *socket) WriteTo(p []byte, _ net.Addr) (int, error) { return s.udp.Write(p) }

// Close closes the socket.
func (s *socket) Close() error { return s.udp.Close() }

// LocalAddr returns the near end.
func (s *socket) LocalAddr() net.Addr { return s.udp.LocalAddr() }

// SetDeadline bounds reads and writes.
func (s *socket) SetDeadline(t time.Time) error { return s.udp.SetDeadline(t) }

// SetReadDeadline bounds reads.
func (s *socket) SetReadDeadline(t time.Time) error { return s.udp.SetReadDeadline(t) }

// SetWriteDeadline bounds writes.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.udp.SetWriteDeadline(t) }

// SetReadBuffer asks for room for datagrams that nobody has read, in bytes.
func (s *socket) SetReadBuffer(bytes int) error { return s.udp.SetReadBuffer(bytes) }

// SetWriteBuffer asks for room for datagrams that are not sent yet, in bytes.
func (s *socket) SetWriteBuffer(bytes int) error { return s.udp.SetWriteBuffer(bytes) }
