package probetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// QUICFaults returns all services that misbehave by QUIC. Their targets ask by HTTP/3 alone.
func QUICFaults() []Fault {
	return append(quicHandshakeFaults(), http3Faults()...)
}

// quicHandshakeFaults are services that nobody gets a connection to, or not one to believe.
func quicHandshakeFaults() []Fault {
	datagrams := func(answer func(question []byte) []byte) func(testing.TB) Target {
		return func(tb testing.TB) Target {
			tb.Helper()
			return Target{URL: "https://" + serveUDP(tb, answer) + "/", HTTP3: "only"}
		}
	}
	return []Fault{
		{Name: "QUIC: black hole", Start: datagrams(func([]byte) []byte { return nil }), Want: probe.ConnectTimeout, Hangs: true},
		{Name: "QUIC: closed port", Start: ClosedHTTP3, Want: probe.ConnectRefused},
		{Name: "QUIC: not there, only TCP is", Start: http2Only, Want: probe.ConnectRefused},
		{Name: "QUIC: junk", Start: datagrams(func([]byte) []byte { return []byte("what is this?") }), Want: probe.TLSTimeout, Hangs: true},
		{Name: "QUIC: its own first packet", Start: datagrams(bytes.Clone), Want: probe.TLSTimeout, Hangs: true},
		{Name: "QUIC: unknown version", Start: datagrams(otherVersions), Want: probe.TLSHandshake},
		{Name: "QUIC: refused", Start: quicWith(nil, func(tr *quic.Transport) {
			tr.ConnContext = func(context.Context, *quic.ClientInfo) (context.Context, error) { return nil, net.ErrClosed }
		}, nil), Want: probe.ConnectRefused},
		{Name: "QUIC: no common protocol", Start: quicWith(func(c *tls.Config) { c.NextProtos = []string{"doq"} }, nil, nil), Want: probe.TLSALPN},
		{Name: "QUIC: client certificate wanted", Start: quicWith(func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, nil, nil), Want: probe.TLSHandshake},
		{Name: "QUIC: expired certificate", Start: func(tb testing.TB) Target {
			tb.Helper()
			root := newRoot(tb, "Test Root")
			cert := root.issue(tb, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
			return serveHTTP3(tb, root.file(tb), listenUDP(tb), &tls.Config{Certificates: []tls.Certificate{cert}}, welcome)
		}, Want: probe.TLSExpired, Chain: true},
		{Name: "QUIC: closed after the handshake", Start: quicWith(nil, nil, func(conn *quic.Conn, _ *quic.Stream) {
			_ = conn.CloseWithError(0x100, "")
		}), Want: probe.ConnectionClosed},
		{Name: "QUIC: stateless reset", Start: forgetful, Want: probe.ConnectionReset},
	}
}

// http3Faults are services that agree on HTTP/3 and then break it, or do nothing.
func http3Faults() []Fault {
	answer := func(frames ...[]byte) func(testing.TB) Target {
		return quicWith(nil, nil, func(conn *quic.Conn, stream *quic.Stream) {
			_, _ = stream.Write(bytes.Join(frames, nil))
			_ = stream.Close()
			<-conn.Context().Done()
		})
	}
	begin := func(frames ...[]byte) func(testing.TB) Target {
		return quicWith(nil, nil, func(conn *quic.Conn, stream *quic.Stream) {
			_, _ = stream.Write(bytes.Join(frames, nil))
			<-conn.Context().Done()
		})
	}
	again := func(begin, more []byte) func(testing.TB) Target {
		return quicWith(nil, nil, func(_ *quic.Conn, stream *quic.Stream) {
			_, err := stream.Write(begin)
			for err == nil {
				_, err = stream.Write(more)
			}
		})
	}
	const data, headers, grease = 0x0, 0x1, 0x21
	good := http3Frame(headers, http3Block(":status", "200", "content-type", "text/html; charset=utf-8"))
	return []Fault{
		{Name: "HTTP/3: no answer", Start: SilentHTTP3, Want: probe.ResponseTimeout, Hangs: true},
		{Name: "HTTP/3: 1xx and no answer", Start: begin(http3Frame(headers, http3Block(":status", "103"))), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "HTTP/3: ended without an answer", Start: answer(), Want: probe.ConnectionClosed},
		{Name: "HTTP/3: stream reset", Start: quicWith(nil, nil, func(conn *quic.Conn, stream *quic.Stream) {
			stream.CancelWrite(0x102)
			<-conn.Context().Done()
		}), Want: probe.ConnectionReset},
		{Name: "HTTP/3: HTTP/1.1 answer", Start: answer([]byte(goodAnswer)), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: body without a header", Start: answer(http3Frame(data, []byte(goodBody))), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: settings as an answer", Start: answer(http3Frame(0x4, nil)), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: broken header compression", Start: answer(http3Frame(headers, []byte("\xff\xff\xff\xff\xff"))), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: no status", Start: answer(http3Frame(headers, http3Block("content-type", "text/html"))), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: field in upper case", Start: answer(http3Frame(headers, http3Block(":status", "200", "X-Shout", "y"))), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: cut in the header", Start: answer(good[:len(good)-3]), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: header hangs", Start: begin(good[:len(good)-3]), Want: probe.ResponseTimeout, Hangs: true},
		{Name: "HTTP/3: huge header", Start: begin([]byte{headers, 0xbf, 0xff, 0xff, 0xff}), Want: probe.HeaderTooLarge},
		{Name: "HTTP/3: endless unknown frames", Start: again(nil, bytes.Repeat(http3Frame(grease, []byte("?")), 64)), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: endless 1xx", Start: again(nil, http3Frame(headers, http3Block(":status", "103"))), Want: probe.ResponseMalformed},
		{Name: "HTTP/3: body hangs", Start: begin(good, http3Frame(data, []byte(goodBody))), Want: probe.BodyTimeout, Hangs: true},
		{Name: "HTTP/3: body cut in a frame", Start: answer(good, http3Frame(data, []byte(goodBody))[:20]), Want: probe.BodyTruncated},
		{Name: "HTTP/3: endless body", Start: again(good, http3Frame(data, make([]byte, 4<<10))), Want: probe.BodyTooLarge},
		{Name: "HTTP/3: status 500", Start: answer(http3Frame(headers, http3Block(":status", "500", "content-type", "text/html"))), Want: assert.StatusUnexpected},
	}
}

// ClosedHTTP3 returns a target on whose UDP port nothing listens.
func ClosedHTTP3(tb testing.TB) Target {
	tb.Helper()
	return Target{URL: "https://" + closedUDP(tb) + "/", HTTP3: "only"}
}

// SilentHTTP3 starts a server that takes the request by HTTP/3 and never says anything.
func SilentHTTP3(tb testing.TB) Target {
	tb.Helper()
	return quicWith(nil, nil, func(conn *quic.Conn, _ *quic.Stream) { <-conn.Context().Done() })(tb)
}

// http3Frame returns a frame (RFC 9114 section 7.1).
func http3Frame(kind uint64, payload []byte) []byte {
	frame := quicvarint.Append(quicvarint.Append(nil, kind), uint64(len(payload)))
	return append(frame, payload...)
}

// http3Block returns a header block of names and values.
func http3Block(fields ...string) []byte {
	var block bytes.Buffer
	encoder := qpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(qpack.HeaderField{Name: fields[i], Value: fields[i+1]}) // a bytes.Buffer takes everything
	}
	return block.Bytes()
}

// otherVersions answers a first packet with the versions that it should have: none that anybody knows (RFC 8999 section 6).
func otherVersions(initial []byte) []byte {
	const begin = 5 // a byte of flags, and the version
	if len(initial) < begin+1 || initial[0]&0x80 == 0 {
		return nil
	}
	to := initial[begin:]
	to, rest := to[:1+int(to[0])], to[1+int(to[0]):]
	from := rest[:1+int(rest[0])]
	return bytes.Join([][]byte{{0x80, 0, 0, 0, 0}, from, to, {0x1a, 0x2a, 0x3a, 0x4a}}, nil)
}

// quicWith starts a server that reads the beginning of a request and does as it is told with it. edit and tune may be nil.
func quicWith(edit func(*tls.Config), tune func(*quic.Transport), serve func(*quic.Conn, *quic.Stream)) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		root := newRoot(tb, "Test Root")
		config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}, NextProtos: []string{"h3"}}
		if edit != nil {
			edit(config)
		}
		socket := listenUDP(tb)
		transport := &quic.Transport{Conn: socket}
		if tune != nil {
			tune(transport)
		}
		listener, err := transport.Listen(config, nil)
		if err != nil {
			tb.Fatal(err)
		}
		var serving sync.WaitGroup
		serving.Go(func() { acceptQUIC(&serving, listener, serve) })
		tb.Cleanup(func() {
			_ = listener.Close()
			_ = transport.Close()
			_ = socket.Close()
			serving.Wait()
		})
		return Target{URL: "https://" + socket.LocalAddr().String() + "/", CAFile: root.file(tb), HTTP3: "only"}
	}
}

// acceptQUIC serves the first stream of every connection until the listener is closed.
func acceptQUIC(serving *sync.WaitGroup, listener *quic.Listener, serve func(*quic.Conn, *quic.Stream)) {
	for {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return
		}
		serving.Go(func() {
			stream, err := conn.AcceptStream(context.Background())
			if err != nil {
				return
			}
			if _, err := stream.Read(make([]byte, 1)); err == nil && serve != nil {
				serve(conn, stream)
			}
		})
	}
}

// forgetful starts a server that loses its memory once a request came, as one does that is started again: all that it
// can say to what comes is that it knows nothing of it (RFC 9000 section 10.3). A client that only waits would not hear of
// it, so it is asked once more in the client's name.
func forgetful(tb testing.TB) Target {
	tb.Helper()
	root := newRoot(tb, "Test Root")
	config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}, NextProtos: []string{"h3"}}
	socket := listenUDP(tb)
	key := quic.StatelessResetKey{1, 2, 3}
	heard := &again{PacketConn: socket}
	first := &quic.Transport{Conn: heard, StatelessResetKey: &key, ConnectionIDLength: idSize}
	second := &quic.Transport{Conn: heard, StatelessResetKey: &key, ConnectionIDLength: idSize}
	listener, err := first.Listen(config, nil)
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return
		}
		_, _ = conn.AcceptStream(context.Background())
		heard.forget()
		_ = first.Close() // says nothing to the client
		heard.replay()
		_, _ = second.Listen(config, nil)
	})
	tb.Cleanup(func() {
		_ = first.Close()
		serving.Wait()
		_ = second.Close()
		_ = socket.Close()
	})
	return Target{URL: "https://" + socket.LocalAddr().String() + "/", CAFile: root.file(tb), HTTP3: "only"}
}

const (
	idSize = 8  // bytes of the connection identifiers that a forgetful server gives out
	worth  = 64 // bytes of a packet that is answered by a reset: the answer is shorter than it (RFC 9000 section 10.3)
)

// again remembers by which connection identifier the client last spoke to the server, and can let it speak once more.
// Which packet that was does not matter: a client may send its request together with the end of the handshake, and change
// the identifier right after it.
type again struct {
	net.PacketConn

	mu     sync.Mutex
	packet []byte // of a connection, unreadable, and long enough to be worth an answer
	from   net.Addr
	forgot bool
	due    bool
}

// forget makes every packet of a connection that comes from now on worth an answer.
func (a *again) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgot = true
}

func (a *again) replay() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = true
}

func (a *again) ReadFrom(p []byte) (int, net.Addr, error) {
	a.mu.Lock()
	if a.due {
		a.due = false
		defer a.mu.Unlock()
		return copy(p, a.packet), a.from, nil
	}
	a.mu.Unlock()
	n, from, err := a.PacketConn.ReadFrom(p)
	id := serverID(p[:n])
	if err != nil || id == nil {
		return n, from, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.packet, a.from = make([]byte, worth), from
	a.packet[0] = 0x40 // a short header (RFC 9000 section 17.3)
	copy(a.packet[1:], id)
	if a.forgot {
		n = copy(p, a.packet)
	}
	return n, from, nil
}

// serverID returns the server's own identifier in a client's packet: one with a short header, or one of the handshake
// (RFC 9000 section 17.2.4). It is nil for those before, whose identifier the client made up.
func serverID(packet []byte) []byte {
	const begin = 6 // flags, version and size of the identifier
	switch {
	case len(packet) > idSize && packet[0]&0x80 == 0:
		return packet[1 : 1+idSize]
	case len(packet) > begin+idSize && packet[0]&0xb0 == 0xa0 && packet[begin-1] == idSize:
		return packet[begin : begin+idSize]
	}
	return nil
}

// http3Only starts a service that is there by HTTP/3 alone, for those who ask by TCP.
func http3Only(tb testing.TB) Target {
	tb.Helper()
	target := HealthyHTTP3(tb)
	target.HTTP3 = ""
	return target
}

// http2Only starts a service that is there by TCP alone, for those who ask by HTTP/3.
func http2Only(tb testing.TB) Target {
	tb.Helper()
	discard := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	for range 10 { // somebody else may have the UDP port
		target := HealthyHTTP(tb)
		address := netip.MustParseAddrPort(strings.TrimSuffix(strings.TrimPrefix(target.URL, "https://"), "/"))
		if conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(address), discard); err == nil { // see closedUDP
			tb.Cleanup(func() { _ = conn.Close() })
			target.HTTP3 = "only"
			return target
		}
	}
	tb.Fatal("no port is free in both protocols")
	return Target{}
}

// serveUDP answers every datagram as it is told, until the test ends; nil is no answer. Nothing is there by TCP.
func serveUDP(tb testing.TB, answer func(question []byte) []byte) (address string) {
	tb.Helper()
	socket := listenUDPOnly(tb)
	var serving sync.WaitGroup
	serving.Go(func() {
		question := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(question)
			if err != nil {
				return
			}
			if text := answer(question[:n]); text != nil {
				_, _ = socket.WriteTo(text, from)
			}
		}
	})
	tb.Cleanup(func() {
		_ = socket.Close()
		serving.Wait()
	})
	return socket.LocalAddr().String()
}
