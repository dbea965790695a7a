package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// exchange is one request on one connection of its own. It travels through resty in the context of the request, so that
// the transport can leave in it what an http.Response has no room for.
type exchange struct {
	client *Client
	url    *url.URL
	text   string // of url
	method string
	header http.Header
	body   []byte
	trail  *trail
	follow bool      // a redirect will be followed, so its body is not waited for
	keep   bool      // the connection is held behind the header of its response
	first  bool      // no exchange went before it on its way, nor did the one that it repeats
	quic   bool      // by HTTP/3
	alt    authority // that is connected to instead of that of the URL; zero for none
	pinned *pin      // address of the host that is connected to; nil for any

	last       time.Time // when the phase that runs now began
	record     probe.Exchange
	status     int
	respHeader http.Header
	content    []byte // body as transferred
	chain      *chainFacts
	held       *Held // the connection that was kept; nil when none was
	err        error
}

type exchangeKey struct{}

// mark ends a phase that began where the last one ended: phases add up to the duration by construction.
func (x *exchange) mark(p probe.Phase) {
	now := time.Now()
	x.record.Phases.Add(p, now.Sub(x.last))
	x.last = now
}

// prepare returns the hook that undoes what resty adds to a request: a user agent and a guessed content type. The header
// that is sent is the exchange's; net/http's client gets to see an empty one, because it would only make copies of it.
func prepare() resty.PreRequestHook {
	empty := make(http.Header)
	return func(_ *resty.Client, req *http.Request) error {
		req.Header = empty
		return nil
	}
}

// transport is the http.RoundTripper below resty: one connection, one exchange.
type transport struct{}

var (
	errNoExchange = errors.New("request without an exchange")
	errEnded      = errors.New("exchange ended early") // never shown: the exchange knows why
)

// RoundTrip makes the exchange that the context of the request carries and reads the body to its end. The response has
// no body: the exchange has it.
func (transport) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errNoExchange
	}
	req.Header, req.Close = x.header, !x.keep
	if host := x.header["Host"]; len(host) > 0 {
		req.Host = host[0]
	}
	setBody(req, x.body)
	resp, err := x.run(req.Context(), req)
	if err != nil {
		x.err = err
		return nil, errEnded
	}
	resp.Body = http.NoBody
	resp.Request = req
	return resp, nil
}

// run goes through the phases.
func (x *exchange) run(ctx context.Context, req *http.Request) (*http.Response, error) {
	x.last = time.Now()
	addrs, err := x.resolve(ctx, x.host())
	if err != nil {
		return nil, err
	}
	if x.quic {
		return x.runQUIC(ctx, req, addrs)
	}
	tcp, err := x.connect(ctx, addrs)
	if err != nil {
		return nil, err
	}
	guard := newGuard(ctx, tcp)
	defer func() {
		if x.held != nil {
			guard.release()
			_ = tcp.SetKeepAliveConfig(keepAlive()) // fails on a closed connection only, and then the next read says so
			return
		}
		guard.close()
	}()
	if x.url.Scheme == "http" {
		return x.speak(req, tcp, HTTP1)
	}
	conn, protocol, err := x.handshake(ctx, tcp)
	if err != nil {
		return nil, err
	}
	resp, err := x.speak(req, conn, protocol)
	if err == nil && x.held == nil {
		_ = conn.Close() // says goodbye (RFC 8446 section 6.1); after a failure nobody may be there to take it
	}
	return resp, err
}

// runQUIC goes through the phases of HTTP/3.
func (x *exchange) runQUIC(ctx context.Context, req *http.Request, addrs []netip.Addr) (*http.Response, error) {
	line, err := x.dialQUIC(ctx, addrs)
	if err != nil {
		return nil, err
	}
	defer line.Close()
	return x.http3(ctx, req, line)
}

// speak sends the request and reads the response in the protocol that was agreed on.
func (x *exchange) speak(req *http.Request, conn net.Conn, protocol string) (*http.Response, error) {
	if x.keep {
		return x.hold(req, conn)
	}
	buffers, ok := x.client.buffers.Get().(*buffers)
	if !ok {
		buffers = newBuffers()
	}
	defer x.client.buffers.Put(buffers)
	defer buffers.release()
	buffers.reset(conn, headerLimit)
	if protocol == HTTP2 {
		return x.http2(req, buffers)
	}
	return x.http1(req, buffers)
}

// host returns the host to connect to.
func (x *exchange) host() string {
	if x.alt.host != "" {
		return x.alt.host
	}
	return x.url.Hostname()
}

// port returns the port to connect to.
func (x *exchange) port() uint16 {
	if x.alt.port != 0 {
		return x.alt.port
	}
	return port(x.url)
}

// port returns the port of a URL with a checked scheme.
func port(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// address returns the address that a connection goes to.
func address(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
