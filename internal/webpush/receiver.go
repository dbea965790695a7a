package webpush

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/push"
)

// Bounds of the conversation with a push service.
const (
	answerTimeout = 10 * time.Second // for every answer, and for writing one message
	maxFrame      = 64 << 10         // bytes; the largest message has 4096 bytes before base64
)

// Options say how to reach a push service.
type Options struct {
	URL    string       // of the push service's WebSocket, such as wss://push.services.mozilla.com/
	Client *http.Client // that opens the connection
	Key    string       // VAPID.PublicKey of the only sender that may send; empty lets everybody who knows the endpoint
	State  State        // of the receiver before; a subscription that fits URL and Key is used again
}

// Receiver is a browser, as far as a push service can tell: it holds a connection and a subscription, and gets what is sent
// to that. Close must be called.
type Receiver struct {
	conn  *websocket.Conn
	state State
	isNew bool
	flood push.Flood
}

// Dial connects to the push service and takes up the subscription of the state, or makes a new one when there is none, it
// is for another service or sender, or the push service has forgotten it.
func Dial(ctx context.Context, opts Options) (*Receiver, error) {
	conn, resp, err := websocket.Dial(ctx, opts.URL, &websocket.DialOptions{ //nolint:bodyclose // the library owns the body
		HTTPClient: opts.Client, Subprotocols: []string{"push-notification"},
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the push service: %w", dialError(resp, err))
	}
	conn.SetReadLimit(maxFrame)
	r := &Receiver{conn: conn}
	if s := opts.State; s.service == opts.URL && s.key == opts.Key {
		r.state = s
	}
	if err := r.greet(ctx, opts); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// dialError takes the URL out of an error.
func dialError(resp *http.Response, err error) error {
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("status %d, want 101", resp.StatusCode)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}

// greet says who we are, and subscribes when the push service does not know us.
func (r *Receiver) greet(ctx context.Context, opts Options) error {
	hello, err := r.ask(ctx, helloType, map[string]any{
		"messageType": helloType, "use_webpush": true, "uaid": r.state.uaid, "broadcasts": map[string]string{},
	})
	if err != nil {
		return err
	}
	if hello.UAID == "" {
		return errors.New("greeting the push service: it gave us no name")
	}
	if hello.UAID == r.state.uaid {
		return nil
	}
	keys, err := NewKeys()
	if err != nil {
		return err
	}
	r.isNew = true
	r.state = State{service: opts.URL, key: opts.Key, uaid: hello.UAID, channel: newUUID(), keys: keys}
	request := map[string]any{"messageType": registerType, "channelID": r.state.channel}
	if opts.Key != "" {
		request["key"] = opts.Key
	}
	registered, err := r.ask(ctx, registerType, request)
	if err != nil {
		return err
	}
	if registered.Channel != r.state.channel {
		return errors.New("subscribing at the push service: it answered for another subscription")
	}
	if _, err := parseEndpoint(registered.Endpoint); err != nil {
		return fmt.Errorf("subscribing at the push service: %w", err)
	}
	r.state.endpoint = registered.Endpoint
	return nil
}

// ask sends a request and returns the answer, which has the same type. What the push service sends in between is for
// subscriptions that we do not have any more.
func (r *Receiver) ask(ctx context.Context, act string, request any) (frame, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := r.write(ctx, request); err != nil {
		return frame{}, fmt.Errorf("%s to the push service: %w", act, err)
	}
	for {
		f, err := r.read(ctx)
		if err != nil {
			return frame{}, fmt.Errorf("%s to the push service: %w", act, err)
		}
		if f.Type != act {
			continue
		}
		if f.Status != http.StatusOK {
			return frame{}, fmt.Errorf("%s to the push service: status %d, want 200", act, f.Status)
		}
		return f, nil
	}
}

// State returns what the next Dial needs to take up the subscription.
func (r *Receiver) State() State { return r.state }

// New reports whether Dial made a new subscription, so that the state has to be kept.
func (r *Receiver) New() bool { return r.isNew }

// Subscription returns what a sender needs to reach the receiver.
func (r *Receiver) Subscription() (*Subscription, error) {
	return r.state.keys.Subscription(r.state.endpoint)
}

// Listen hands every message to take, one after the other, and acknowledges it. It returns when ctx or the connection ends,
// always with the reason, and the connection is closed then.
func (r *Receiver) Listen(ctx context.Context, take func(Message)) error {
	defer r.Close()
	for {
		f, err := r.read(ctx)
		if err != nil {
			return fmt.Errorf("listening to the push service: %w", err)
		}
		if f.Type != notificationType {
			continue // answers to pings, and broadcasts about settings of Firefox
		}
		m, code, ours := r.state.open(f, time.Now())
		if ours {
			take(m)
		}
		if err := r.answer(ctx, f, code); err != nil {
			return fmt.Errorf("acknowledging a message to the push service: %w", err)
		}
	}
}

func (r *Receiver) answer(ctx context.Context, f frame, code int) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return r.write(ctx, acknowledge(f, code))
}

// Ping returns nil when the push service answers on the connection, which may be dead for hours without anybody noticing. It
// works while Listen runs, ends with ctx at the latest, and leaves the connection open.
func (r *Receiver) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := r.conn.Ping(ctx); err != nil {
		return fmt.Errorf("pinging the push service: %w", cause(ctx, err))
	}
	return nil
}

// Close ends the connection, and with it Listen. The subscription stays. It may be called more than once.
func (r *Receiver) Close() { _ = r.conn.CloseNow() }

func (r *Receiver) write(ctx context.Context, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return cause(ctx, r.conn.Write(ctx, websocket.MessageText, data))
}

func (r *Receiver) read(ctx context.Context) (frame, error) {
	_, data, err := r.conn.Read(ctx)
	if err != nil {
		return frame{}, cause(ctx, err)
	}
	if err := r.flood.Take(len(data), time.Now()); err != nil {
		return frame{}, fmt.Errorf("it sent %w", err)
	}
	return parseFrame(data)
}

// cause returns what ended a call of the WebSocket library, without the words around it.
func cause(ctx context.Context, err error) error {
	closed, ok := errors.AsType[websocket.CloseError](err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case ok:
		return fmt.Errorf("it closed the connection with status %d", closed.Code)
	case errors.Is(err, websocket.ErrMessageTooBig):
		return fmt.Errorf("it sent a message of more than %d bytes", maxFrame)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("it cut the connection")
	case errors.Is(err, net.ErrClosed):
		return net.ErrClosed
	}
	return err
}
