package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Endpoint is where Open leads.
type Endpoint struct {
	Host      string // name or address
	Port      uint16
	Secure    bool     // TLS, with the options of the client
	Protocols []string // offered by ALPN; none offers none
}

// String returns host:port.
func (e Endpoint) String() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// ParseEndpoint reads host:port, an IPv6 address in brackets. Without a port it is fallback, unless that is 0.
func ParseEndpoint(text string, fallback uint16) (Endpoint, error) {
	u, err := ParseURL("https://" + text)
	switch {
	case strings.ContainsAny(text, "@/?# "), err != nil:
		return Endpoint{}, errors.New("want host:port, without anything else")
	case u.Port() == "" && fallback == 0:
		return Endpoint{}, fmt.Errorf("%q has no port, want host:port", text)
	case u.Port() == "":
		return Endpoint{Host: u.Hostname(), Port: fallback}, nil
	}
	return Endpoint{Host: u.Hostname(), Port: port(u)}, nil
}

// Line is a connection to a service that does not speak HTTP, and what opening it showed. It is used by one goroutine, and
// whoever opened it closes it.
type Line struct {
	// Conn is open, has the deadline of the context that it was opened with and is interrupted when that is cancelled;
	// nil when Reason is set.
	Conn   net.Conn
	Reason probe.Reason // why there is no connection; empty when there is one
	Detail string       // of the reason, for people

	Start               time.Time // when resolving or connecting began
	NotBefore, NotAfter time.Time // validity of the certificate that ends first, also when it is not trusted; zero without TLS

	x      *exchange
	guard  *guard // nil while there is no connection
	cancel context.CancelFunc
}

// Open resolves and connects and, where the endpoint is secure, makes the TLS handshake and verifies the chain: phases,
// reasons, evidence and policy are as in Do. An error means that nothing could be measured.
func (c *Client) Open(ctx context.Context, to Endpoint) (*Line, error) {
	ctx, cancel := c.bound(ctx)
	l := &Line{Start: time.Now(), cancel: cancel, x: &exchange{
		client: c, url: &url.URL{Scheme: "https", Host: to.String()}, trail: &trail{policy: c.opts.Policy},
	}}
	l.x.last = l.Start
	err := l.open(ctx, to)
	if l.x.chain != nil {
		l.NotBefore, l.NotAfter = l.x.chain.notBefore, l.x.chain.notAfter
	}
	if err == nil && !errors.Is(ctx.Err(), context.Canceled) {
		return l, nil
	}
	cancelled := ctx.Err()
	l.Close()
	l.Conn = nil
	if errors.Is(cancelled, context.Canceled) {
		return nil, fmt.Errorf("opening a connection to %s: %w", to, cancelled)
	}
	ended, ok := errors.AsType[*fault](err)
	if !ok {
		return nil, err
	}
	l.Reason, l.Detail = ended.reason, ended.detail
	return l, nil
}

func (l *Line) open(ctx context.Context, to Endpoint) error {
	addrs, err := l.x.resolve(ctx, to.Host)
	if err != nil {
		return err
	}
	tcp, err := l.x.connect(ctx, addrs)
	if err != nil {
		return err
	}
	l.Conn, l.guard = tcp, newGuard(ctx, tcp)
	if !to.Secure {
		return nil
	}
	name := strings.TrimSuffix(to.Host, ".")
	if l.x.client.tls.serverName != "" {
		name = l.x.client.tls.serverName
	}
	secured, _, err := l.x.secure(ctx, tcp, name, to.Protocols)
	if err != nil {
		return err
	}
	l.Conn = secured
	return nil
}

// Mark ends a phase that began where the last one ended, so that phases add up to the whole.
func (l *Line) Mark(p probe.Phase) { l.x.mark(p) }

// Result returns what was seen so far: phases and their sum, the reason, and one exchange as evidence, with a method and
// URL for people. Where there is a certificate, it is noted.
func (l *Line) Result(method, url string) probe.Result {
	exchange := l.x.record
	exchange.Method, exchange.URL = method, url
	r := probe.Result{
		Start: l.Start, Duration: exchange.Phases.Sum(), Phases: exchange.Phases, Reason: l.Reason, Detail: l.Detail,
		Evidence: &probe.Evidence{Exchanges: []probe.Exchange{exchange}},
	}
	r.NoteCertificate(l.NotBefore, l.NotAfter, l.Start)
	return r
}

// Close ends the connection, with a goodbye where it is secure.
func (l *Line) Close() {
	if l.guard != nil {
		_ = l.Conn.Close() // there is nobody to tell
		l.guard.close()
		l.guard = nil
	}
	l.cancel()
}

// SendReason returns why a write to a Line gave this error, with a detail for people.
func SendReason(err error) (reason probe.Reason, detail string) { return reasonOf(sendFault(err)) }

// WaitReason returns why a read of the first byte of an answer gave this error, with a detail for people.
func WaitReason(err error) (reason probe.Reason, detail string) { return reasonOf(waitFault(err)) }
