package pushservice

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// What autopush asks of receivers.
const (
	helloWithin = 5 * time.Second
	pingEvery   = 45 * time.Second // at least; who asks more often is disconnected
)

// newName returns a random name of 128 bits in hexadecimal digits.
func newName() string {
	name := make([]byte, 16)
	_, _ = rand.Read(name) // it never fails
	return hex.EncodeToString(name)
}

// session is one connection of a receiver.
type session struct {
	conn     *websocket.Conn
	base     string // of endpoints: scheme and host that the receiver used
	uaid     string // empty until it has said hello
	lastPing time.Time
	greeted  chan struct{}           // closed when what waited for the receiver was sent
	cut      context.CancelCauseFunc // ends the connection
}

// request is a message from a receiver.
type request struct {
	Type    string `json:"messageType"`
	UAID    string `json:"uaid"`
	Channel string `json:"channelID"`
	Key     string `json:"key"`
	Updates []struct {
		Version string `json:"version"`
		Code    int    `json:"code"`
	} `json:"updates"`
}

func (s *Service) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{"push-notification"},
		InsecureSkipVerify: true, // receivers are no pages: they have no origin that could be checked
	})
	if err != nil {
		return // it was answered
	}
	defer func() { _ = conn.CloseNow() }()
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	ctx, cut := context.WithCancelCause(r.Context())
	defer cut(nil)
	defer context.AfterFunc(s.running, func() { cut(nil) })() //nolint:contextcheck // two lives: the request's and the service's
	c := &session{conn: conn, base: scheme + "://" + r.Host, greeted: make(chan struct{}), cut: cut}
	if s.greet(ctx, c) != nil {
		return
	}
	defer s.store.disconnect(c.uaid, c)
	for err == nil {
		err = s.next(ctx, c)
	}
}

// greet waits for the hello of a receiver and hands over what waits for it.
func (s *Service) greet(ctx context.Context, c *session) error {
	defer close(c.greeted)
	within, cancel := context.WithTimeout(ctx, helloWithin)
	defer cancel()
	hello, err := c.read(within)
	if err != nil {
		return err
	}
	if hello.Type != "hello" {
		return errors.New("no hello")
	}
	if status := s.refuses("hello"); status != 0 {
		return errors.Join(errors.New("refused"), c.write(ctx, map[string]any{"messageType": "hello", "status": status}))
	}
	name, waiting, former := s.store.connect(hello.UAID, c)
	c.uaid = name
	if former != nil {
		former.cut(errors.New("connected again"))
	}
	if err := c.write(ctx, map[string]any{
		"messageType": "hello", "uaid": name, "status": http.StatusOK, "use_webpush": true, "broadcasts": map[string]string{},
	}); err != nil {
		s.store.disconnect(name, c)
		return err
	}
	for _, m := range waiting {
		_ = c.notify(ctx, m) // when it fails, so does reading
	}
	return nil
}

// refuses returns the status to refuse a request of a receiver with; 0 when it is to be granted.
func (s *Service) refuses(act string) int {
	if s.opts.Refuse == nil {
		return 0
	}
	return s.opts.Refuse(act)
}

// next answers one message of a receiver.
func (s *Service) next(ctx context.Context, c *session) error {
	ask, err := c.read(ctx)
	if err != nil {
		return err
	}
	switch ask.Type {
	case "":
		if time.Since(c.lastPing) < pingEvery {
			return errors.New("too many pings")
		}
		c.lastPing = time.Now()
		return c.write(ctx, struct{}{})
	case "register":
		if status := s.refuses("register"); status != 0 {
			return c.write(ctx, map[string]any{"messageType": "register", "channelID": ask.Channel, "status": status})
		}
		token, ok := s.store.subscribe(c.uaid, ask.Channel, ask.Key)
		if !ok {
			return errors.New("forgotten")
		}
		return c.write(ctx, map[string]any{
			"messageType": "register", "channelID": ask.Channel, "status": http.StatusOK, "pushEndpoint": c.base + endpointPath + token,
		})
	case "unregister":
		s.store.unsubscribe(c.uaid, ask.Channel)
		return c.write(ctx, map[string]any{"messageType": "unregister", "channelID": ask.Channel, "status": http.StatusOK})
	case "ack":
		for _, u := range ask.Updates {
			s.store.acknowledge(c.uaid, u.Version, u.Code)
		}
	}
	return nil // what is left are settings of Firefox
}

// deliver sends a message behind those that waited for the receiver.
func (c *session) deliver(ctx context.Context, m *message) error {
	select {
	case <-c.greeted:
		return c.notify(ctx, m)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notify sends a message.
func (c *session) notify(ctx context.Context, m *message) error {
	notification := map[string]any{"messageType": "notification", "channelID": m.to.channel, "version": m.version, "ttl": int(m.ttl.Seconds())}
	if len(m.data) > 0 {
		notification["data"] = base64.RawURLEncoding.EncodeToString(m.data)
		notification["headers"] = map[string]string{"encoding": webpush.ContentEncoding}
	}
	return c.write(ctx, notification)
}

func (c *session) read(ctx context.Context) (request, error) {
	_, data, err := c.conn.Read(ctx)
	if err != nil {
		return request{}, err
	}
	var ask request
	err = json.Unmarshal(data, &ask)
	return ask, err
}

func (c *session) write(ctx context.Context, message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, data)
}
