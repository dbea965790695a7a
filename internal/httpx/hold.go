package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// keepAlive is how the system asks a silent held connection whether its peer is still there: one that is gone without a
// word is noticed in 75 s. Shorter than a minute, so that middleboxes keep the connection in mind.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 15 * time.Second, Count: 3}
}

// Held is a connection that stays open behind the header of its response. One goroutine may read while another writes;
// Close may be called by anybody, at any time, and ends both. Whoever holds it closes it.
type Held struct {
	conn net.Conn
	body io.Reader
}

// Read reads the body as its chunks arrive, or after status 101 what the other side sends. It is not capped, and has no
// deadline.
func (h *Held) Read(p []byte) (int, error) { return h.body.Read(p) }

// Write writes to the connection. It makes sense after status 101 only: in HTTP the request is over.
func (h *Held) Write(p []byte) (int, error) { return h.conn.Write(p) }

// Close ends the connection and every Read and Write.
func (h *Held) Close() error { return h.conn.Close() }

// Hold makes the request over HTTP/1.1 and keeps the connection when the status is 2xx, or 101 for a request with
// "Upgrade: websocket"; otherwise Held is nil. Redirects are answers as any other, and no content encoding is offered:
// streams are read as they come. Everything up to the end of the header is as in Do: phases, reasons, TLS facts, policy,
// and what an error means. The deadline of ctx ends there; from then on the connection lives until it is closed.
func (c *Client) Hold(ctx context.Context, req *Request) (*Held, *Response, error) {
	target, err := c.parse(req.URL)
	if err != nil {
		return nil, nil, err
	}
	if err := validateHeld(req.Header); err != nil {
		return nil, nil, err
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp := &Response{Start: time.Now()}
	x := c.newWay(req, target, new(Jar)).exchange()
	x.keep, x.follow, x.quic = true, false, false
	x.header = maps.Clone(x.header)
	x.header["Accept-Encoding"] = []string{"identity"}
	err = x.do(ctx)
	resp.add(x)
	if errors.Is(ctx.Err(), context.Canceled) {
		if x.held != nil {
			_ = x.held.Close()
		}
		return nil, nil, fmt.Errorf("requesting %s: %w", x.record.URL, context.Cause(ctx))
	}
	resp.setBody(x.content)
	resp, err = resp.end(err)
	return x.held, resp, err
}

// validateHeld is ValidateHeader for a request that may ask for another protocol.
func validateHeld(header http.Header) error {
	if !asksUpgrade(header) {
		return ValidateHeader(header)
	}
	rest := maps.Clone(header)
	delete(rest, "Upgrade")
	delete(rest, "Connection")
	return ValidateHeader(rest)
}

// asksUpgrade reports whether a request asks for WebSocket (RFC 6455 section 4.1).
func asksUpgrade(header http.Header) bool {
	return slices.Equal(header["Upgrade"], []string{"websocket"}) &&
		len(header["Connection"]) == 1 && strings.EqualFold(header["Connection"][0], "upgrade")
}

// upgrades reports whether status 101 is what the exchange asks for.
func (x *exchange) upgrades() bool { return x.keep && asksUpgrade(x.header) }

// hold sends the request and reads the header of the response. The connection is kept where that makes sense; other
// responses are read to their end.
func (x *exchange) hold(req *http.Request, conn net.Conn) (*http.Response, error) {
	b := newBuffers() // not those of others, because what was read ahead stays with the connection
	b.reset(conn, headerLimit)
	resp, err := x.ask(req, b)
	if err != nil {
		return nil, err
	}
	switched := resp.StatusCode == http.StatusSwitchingProtocols
	if !switched && (resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusMultipleChoices) {
		return x.receive(resp, b)
	}
	x.mark(probe.Receive)
	if encodings := fieldTokens(resp.Header["Content-Encoding"]); len(encodings) > 0 && !slices.Equal(encodings, []string{"identity"}) {
		return nil, faultf(probe.EncodingInvalid, "content encoding %q was not offered", probe.Clip(encodings[0], maxFieldValue))
	}
	b.wire.unlimited()
	b.w = nil // nothing is written any more: memory for as long as the connection lives
	x.held = &Held{conn: conn, body: resp.Body}
	switch {
	case switched && b.r.Buffered() > 0:
		x.held.body = b.r
	case switched:
		x.held.body = conn
	}
	return resp, nil
}
