package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	// pingEvery keeps silent WebSockets open in proxies, and notices dead ones; services frown on more.
	pingEvery = time.Minute
	// pingTimeout is how long the answer may take.
	pingTimeout = 15 * time.Second
)

// dialSocket opens a WebSocket to end. The response is nil only with an error for a lack of the agent's own, or that of
// a cancelled context; every other error is a *failure, or has the response say why.
func (s *settings) dialSocket(ctx context.Context, end *endpoint) (*websocket.Conn, *httpx.Response, error) {
	upgrade := &httpx.Upgrade{Client: end.client}
	conn, _, err := websocket.Dial(ctx, end.url, &websocket.DialOptions{ //nolint:bodyclose // the library takes it
		HTTPClient: upgrade.HTTPClient(), HTTPHeader: end.header,
	})
	resp := upgrade.Response
	switch {
	case upgrade.Err != nil:
		return nil, nil, upgrade.Err
	case resp == nil:
		return nil, nil, fmt.Errorf("opening a WebSocket: %w", context.Cause(ctx))
	case err == nil:
		conn.SetReadLimit(-1) // what is read is bounded by the intake
		return conn, resp, nil
	case resp.Reason != "":
		return nil, resp, &failure{resp.Reason, resp.Detail}
	case resp.Status == http.StatusSwitchingProtocols:
		return nil, resp, &failure{malformed, "the answer to the WebSocket handshake is not as RFC 6455 asks for"}
	}
	return nil, resp, errStatus
}

// errStatus says that a handshake was answered by another status than 101.
var errStatus = errors.New("status is not 101")

// openSocket opens the receiver's WebSocket.
func (p *prober) openSocket(ctx context.Context, r *receiver) error {
	conn, resp, err := p.dialSocket(ctx, &p.receive)
	r.response = resp
	if errors.Is(err, errStatus) {
		return p.turnedAway(resp, "101")
	}
	if err != nil {
		return err
	}
	if p.subscribe != "" {
		if err := conn.Write(ctx, websocket.MessageText, []byte(p.subscribe)); err != nil {
			_ = conn.CloseNow()
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return &failure{probe.SendFailed, "the subscription was not taken"}
		}
	}
	r.source = &socket{conn: conn, in: r.in}
	return nil
}

// socket reads events that are messages of a WebSocket.
type socket struct {
	conn *websocket.Conn
	in   *intake
	buf  bytes.Buffer
}

// next skips messages that are too long.
func (s *socket) next() (event, error) {
	for {
		_, message, err := s.conn.Reader(context.Background())
		if err != nil {
			return event{}, err
		}
		if s.buf.Reset(); s.buf.Cap() > keptBuffer {
			s.buf = bytes.Buffer{}
		}
		counted := metered{message, s.in}
		if _, err := s.buf.ReadFrom(io.LimitReader(counted, maxEvent+1)); err != nil {
			return event{}, err
		}
		if s.buf.Len() <= maxEvent {
			return event{data: s.buf.Bytes()}, nil
		}
		if _, err := io.Copy(io.Discard, counted); err != nil {
			return event{}, err
		}
		s.in.skipped.Add(1)
	}
}

// Close ends the connection at once: it is not used any more, or broken.
func (s *socket) Close() error { return s.conn.CloseNow() }

// ping asks from time to time whether the other side is still there, until the stream ends.
func (s *socket) ping(ctx context.Context, r *receiver) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.pingOnce(ctx); err != nil {
			r.end(&failure{probe.ConnectionClosed, fmt.Sprintf("a ping was not answered within %v", pingTimeout)})
			_ = s.conn.CloseNow()
			return
		}
	}
}

func (s *socket) pingOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return s.conn.Ping(ctx)
}
