package webpush_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// fake is a push service that says what a test tells it to, to one receiver.
type fake struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
}

// say sends a text.
func (f *fake) say(format string, args ...any) {
	if err := f.conn.Write(f.ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		f.t.Errorf("the service cannot say %s: %v", format, err)
	}
}

// hear returns what the receiver says next, as JSON with its members in order.
func (f *fake) hear() string {
	_, data, err := f.conn.Read(f.ctx)
	if err != nil {
		return "the end"
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		f.t.Errorf("%s is no JSON: %v", data, err)
	}
	text, _ := json.Marshal(v) // it was JSON
	return string(text)
}

// want compares what the receiver says next.
func (f *fake) want(text string) {
	if got := f.hear(); got != text {
		f.t.Errorf("the receiver said %s\nwant %s", got, text)
	}
}

// welcome is the usual beginning for the receiver of storedState.
func (f *fake) welcome() {
	f.hear()
	f.say(`{"messageType": "hello", "status": 200, "uaid": "planted-uaid-of-a-browser", "use_webpush": true, "broadcasts": {}}`)
}

// converse starts a push service that says something to everybody who connects, and returns its URL.
func converse(t *testing.T, say func(*fake)) string {
	t.Helper()
	var talking sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		talking.Add(1)
		defer talking.Done()
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"push-notification"}})
		if err != nil {
			t.Errorf("accepting the receiver: %v", err)
			return
		}
		defer func() { _ = conn.CloseNow() }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		say(&fake{t: t, ctx: ctx, conn: conn})
	}))
	t.Cleanup(func() {
		server.Close()
		talking.Wait()
	})
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/"
}

func newHTTPClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// stateFor returns storedState for the service at url.
func stateFor(t *testing.T, url string) webpush.State {
	t.Helper()
	state, err := webpush.ReadState("state_file", writeState(t, strings.Replace(storedState, "wss://push.example.net/", url, 1), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func dial(t *testing.T, opts webpush.Options) (*webpush.Receiver, error) {
	t.Helper()
	opts.Client = newHTTPClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	receiver, err := webpush.Dial(ctx, opts)
	if err == nil {
		t.Cleanup(receiver.Close)
	}
	return receiver, err
}

// resume dials a service that welcomes the receiver of storedState.
func resume(t *testing.T, url string) *webpush.Receiver {
	t.Helper()
	receiver, err := dial(t, webpush.Options{URL: url, State: stateFor(t, url)})
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

const (
	newHello = `{"broadcasts":{},"messageType":"hello","uaid":"","use_webpush":true}`
	oldHello = `{"broadcasts":{},"messageType":"hello","uaid":"planted-uaid-of-a-browser","use_webpush":true}`
)

func TestDial_NewSubscription(t *testing.T) {
	t.Parallel()
	url := converse(t, func(f *fake) {
		f.want(newHello)
		f.say(`{"messageType": "hello", "status": 200, "uaid": "a name", "use_webpush": true, "broadcasts": {"remote-settings/monitor_changes": "1"}}`)
		var register struct{ MessageType, ChannelID, Key string }
		if err := json.Unmarshal([]byte(f.hear()), &register); err != nil || register.MessageType != "register" || register.Key != rfcPublic {
			t.Errorf("got %+v, %v, want a subscription for the sender's key", register, err)
		}
		parts := strings.Split(register.ChannelID, "-")
		if len(register.ChannelID) != 36 || len(parts) != 5 || parts[2][0] != '4' || !strings.Contains("89ab", parts[3][:1]) {
			t.Errorf("subscription %q, want a random UUID in lower case", register.ChannelID)
		}
		f.say(`{"messageType": "broadcast", "broadcasts": {}}`)
		f.say(`{"messageType": "notification", "channelID": "of somebody before", "version": "v"}`)
		f.say(`{"messageType": "register", "status": 200, "channelID": %q, "pushEndpoint": %q}`, register.ChannelID, anEndpoint)
		f.want("the end")
	})
	receiver, err := dial(t, webpush.Options{URL: url, Key: rfcPublic})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := receiver.Subscription()
	if err != nil || sub.Endpoint().String() != anEndpoint || !receiver.New() || receiver.State().IsZero() {
		t.Errorf("endpoint %s, %v, new %v, want a new subscription at %s", sub.Endpoint(), err, receiver.New(), anEndpoint)
	}
	receiver.Close()
}

func TestDial_SubscriptionOfBefore(t *testing.T) {
	t.Parallel()
	url := converse(t, func(f *fake) {
		f.want(oldHello)
		f.say(`{"messageType": "hello", "status": 200, "uaid": "planted-uaid-of-a-browser"}`)
		f.want("the end")
	})
	state := stateFor(t, url)
	receiver, err := dial(t, webpush.Options{URL: url, State: state})
	if err != nil {
		t.Fatal(err)
	}
	if receiver.State() != state || receiver.New() {
		t.Errorf("new %v, want the state of before", receiver.New())
	}
	receiver.Close()
}

// register answers a subscription, whichever it is, after hello gave the receiver a name.
func (f *fake) register(name string) {
	f.say(`{"messageType": "hello", "status": 200, "uaid": %q}`, name)
	var request struct{ ChannelID string }
	if err := json.Unmarshal([]byte(f.hear()), &request); err != nil {
		f.t.Error(err)
	}
	f.say(`{"messageType": "register", "status": 200, "channelID": %q, "pushEndpoint": %q}`, request.ChannelID, anEndpoint)
	f.hear()
}

func TestDial_StateThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, hello, key string
		other            bool // the state is of another service
	}{
		{"the service has forgotten the receiver", oldHello, "", false},
		{"another sender", newHello, rfcPublic, false},
		{"another service", newHello, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := converse(t, func(f *fake) {
				f.want(tc.hello)
				f.register("another name")
			})
			of := url
			if tc.other {
				of = "wss://push.example.net/"
			}
			state := stateFor(t, of)
			receiver, err := dial(t, webpush.Options{URL: url, Key: tc.key, State: state})
			if err != nil {
				t.Fatal(err)
			}
			before, after := state.Secrets(), receiver.State().Secrets()
			if !receiver.New() || after[0] != "another name" || before[1] == after[1] || before[2] == after[2] {
				t.Errorf("new %v, name, subscription and key %q, want all new", receiver.New(), after[:3])
			}
			receiver.Close()
		})
	}
}

func TestDial_Fails(t *testing.T) {
	t.Parallel()
	const hello = `{"messageType": "hello", "status": 200, "uaid": "planted name"}`
	for _, tc := range []struct {
		name string
		say  func(*fake)
		want string
	}{
		{"cut before hello", func(*fake) {}, "hello to the push service: it cut the connection"},
		{"closed before hello", func(f *fake) {
			f.hear()
			_ = f.conn.Close(4774, "planted reason")
		}, "hello to the push service: it closed the connection with status 4774"},
		{"hello refused", func(f *fake) { f.say(`{"messageType": "hello", "status": 503, "uaid": "planted"}`) }, "hello to the push service: status 503, want 200"},
		{"hello without a status", func(f *fake) { f.say(`{"messageType": "hello", "uaid": "planted"}`) }, "hello to the push service: status 0, want 200"},
		{"no name", func(f *fake) { f.say(`{"messageType": "hello", "status": 200}`) }, "greeting the push service: it gave us no name"},
		{"no JSON", func(f *fake) { f.say("planted") }, "hello to the push service: the push service sent what is not a JSON object of its protocol"},
		{"another type", func(f *fake) { f.say(`{"messageType": "hello", "uaid": ["planted"]}`) }, "hello to the push service: the push service sent what is not a JSON object of its protocol"},
		{"too much", func(f *fake) { f.say(`{"messageType": %q}`, strings.Repeat("planted", 10_000)) }, "hello to the push service: it sent a message of more than 65536 bytes"},
		{"register refused", func(f *fake) {
			f.say(hello)
			f.say(`{"messageType": "register", "status": 500, "pushEndpoint": "planted"}`)
		}, "register to the push service: status 500, want 200"},
		{"another subscription", func(f *fake) {
			f.say(hello)
			f.say(`{"messageType": "register", "status": 200, "channelID": "planted", "pushEndpoint": %q}`, anEndpoint)
		}, "subscribing at the push service: it answered for another subscription"},
		{"an endpoint in plain text", func(f *fake) {
			f.hear()
			f.say(hello)
			var request struct{ ChannelID string }
			_ = json.Unmarshal([]byte(f.hear()), &request)
			f.say(`{"messageType": "register", "status": 200, "channelID": %q, "pushEndpoint": "http://push.example.net/planted"}`, request.ChannelID)
		}, "subscribing at the push service: endpoint: want https, or http on this machine"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := converse(t, func(f *fake) {
				tc.say(f)
				if tc.name != "cut before hello" {
					for f.hear() != "the end" {
						continue
					}
				}
			})
			_, err := dial(t, webpush.Options{URL: url})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestDial_NoWebSocket(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "planted", http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/?planted"
	if _, err := dial(t, webpush.Options{URL: url}); err == nil || err.Error() != "connecting to the push service: status 403, want 101" {
		t.Errorf("got %v, want the status", err)
	}
	server.Close()
	_, err := dial(t, webpush.Options{URL: "ws://127.0.0.1:1/?planted"})
	if err == nil || !strings.HasPrefix(err.Error(), "connecting to the push service: dial tcp 127.0.0.1:") || strings.Contains(err.Error(), "planted") {
		t.Errorf("got %v, want why there is no connection, without the URL", err)
	}
	if _, ok := errors.AsType[net.Error](err); !ok {
		t.Errorf("got %v, want what the client said to be in it", err)
	}
}

// pipes is a network of its own, for tests with a clock of their own.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.conns <- far
	return near, nil
}

func TestDial_NoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		server := &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"push-notification"}})
			if err != nil {
				t.Error(err)
				return
			}
			for err == nil {
				_, _, err = conn.Read(r.Context()) // it listens, and says nothing
			}
		})}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(network) })
		start := time.Now()
		_, err := webpush.Dial(t.Context(), webpush.Options{
			URL: "ws://push.example.net/", Client: &http.Client{Transport: &http.Transport{DialContext: network.dial}},
		})
		if err == nil || err.Error() != "hello to the push service: context deadline exceeded" || time.Since(start) != 10*time.Second {
			t.Errorf("got %v after %v, want no answer within 10s", err, time.Since(start))
		}
		_ = server.Close()
		serving.Wait()
	})
}

// notification returns a message with a body for the receiver of storedState.
func notification(version string, body []byte) string {
	return fmt.Sprintf(`{"messageType": "notification", "channelID": "planted-channel", "version": %q, "data": %q, "headers": {"encoding": "aes128gcm"}}`,
		version, base64.RawURLEncoding.EncodeToString(body))
}

func ackOf(version string, code int) string {
	return fmt.Sprintf(`{"messageType":"ack","updates":[{"channelID":"planted-channel","code":%d,"version":%q}]}`, code, version)
}

func TestReceiver_Listen(t *testing.T) {
	t.Parallel()
	body := decoded(t, rfcBody)
	garbled := decoded(t, rfcBody)
	garbled[100] ^= 1
	url := converse(t, func(f *fake) {
		f.welcome()
		f.say(`{}`)
		f.say(`{"messageType": "broadcast", "broadcasts": {"a": "b"}}`)
		f.say("%s", notification("v1", body))
		f.want(ackOf("v1", 100))
		f.say("%s", notification("v2", garbled))
		f.want(ackOf("v2", 101))
		f.say("%s", strings.Replace(notification("v3", body), "aes128gcm", "aesgcm", 1))
		f.want(ackOf("v3", 101))
		f.say("%s", strings.Replace(notification("v4", body), `"data": "`, `"data": "+`, 1))
		f.want(ackOf("v4", 101))
		f.say(`{"messageType": "notification", "channelID": "planted-channel", "version": "v5"}`)
		f.want(ackOf("v5", 100))
		f.say("%s", strings.Replace(notification("v6", body), "planted-channel", "another", 1))
		f.want(strings.Replace(ackOf("v6", 102), "planted-channel", "another", 1))
		f.say("%s", notification("v7", body))
		f.want(ackOf("v7", 100))
		_ = f.conn.Close(websocket.StatusGoingAway, "planted reason")
	})
	receiver := resume(t, url)
	var got []string
	before := time.Now()
	err := receiver.Listen(t.Context(), func(m webpush.Message) {
		if m.At.Before(before) || m.At.After(time.Now()) {
			t.Errorf("arrived at %v, want between %v and now", m.At, before)
		}
		got = append(got, fmt.Sprintf("%s, %v", m.Plaintext, m.Err))
	})
	want := []string{
		rfcPlaintext + ", <nil>",
		", decrypting a message: cipher: message authentication failed",
		", reading a message: not in the content encoding aes128gcm",
		", reading a message: not base64url",
		", <nil>",
		rfcPlaintext + ", <nil>",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err == nil || err.Error() != "listening to the push service: it closed the connection with status 1001" {
		t.Errorf("got %v, want who ended it", err)
	}
}

func TestReceiver_ListenEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		say  func(*fake)
		want string
	}{
		{"cut", func(f *fake) { _ = f.conn.CloseNow() }, "listening to the push service: it cut the connection"},
		{"no JSON", func(f *fake) { f.say("[]") }, "listening to the push service: the push service sent what is not a JSON object of its protocol"},
		{"too much", func(f *fake) { f.say("%s", notification("v", make([]byte, 64<<10))) }, "listening to the push service: it sent a message of more than 65536 bytes"},
		{"closed", func(f *fake) { _ = f.conn.Close(1008, "") }, "listening to the push service: it closed the connection with status 1008"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			receiver := resume(t, converse(t, func(f *fake) {
				f.welcome()
				tc.say(f)
				f.want("the end")
			}))
			err := receiver.Listen(t.Context(), func(webpush.Message) { t.Error("a message arrived, want none") })
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestReceiver_ListenIsEnded(t *testing.T) {
	t.Parallel()
	url := converse(t, func(f *fake) {
		f.welcome()
		f.want("the end")
	})
	receiver := resume(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := receiver.Listen(ctx, func(webpush.Message) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancelled context", err)
	}
	receiver = resume(t, url)
	ended := make(chan error)
	go func() { ended <- receiver.Listen(t.Context(), func(webpush.Message) {}) }()
	receiver.Close()
	if err := <-ended; err == nil {
		t.Error("a closed receiver says nothing, want why it ended")
	}
	receiver.Close()
}

// TestReceiver_Pings lets each side ask whether the other is there.
func TestReceiver_Pings(t *testing.T) {
	t.Parallel()
	asked := make(chan error, 1)
	stop := make(chan struct{})
	receiver := resume(t, converse(t, func(f *fake) {
		f.welcome()
		ctx := f.conn.CloseRead(f.ctx) // it answers pings
		asked <- f.conn.Ping(ctx)
		<-stop
	}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = receiver.Listen(t.Context(), func(webpush.Message) {})
	}()
	if err := <-asked; err != nil {
		t.Errorf("the receiver does not answer: %v", err)
	}
	if err := receiver.Ping(t.Context()); err != nil {
		t.Errorf("the service answers, got %v", err)
	}
	close(stop)
	<-ended
	if err := receiver.Ping(t.Context()); err == nil {
		t.Error("a connection that has ended answers, want an error")
	}
}

func TestReceiver_PingOfADeadConnection(t *testing.T) {
	t.Parallel()
	stop, heard := make(chan struct{}), make(chan struct{})
	receiver := resume(t, converse(t, func(f *fake) {
		f.welcome()
		<-stop // nobody reads
		f.say("%s", notification("v", decoded(t, rfcBody)))
		f.want(ackOf("v", 100))
		close(heard)
	}))
	var listening sync.WaitGroup
	listening.Go(func() { _ = receiver.Listen(t.Context(), func(webpush.Message) {}) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := receiver.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want no answer in time", err)
	}
	close(stop)
	select {
	case <-heard:
	case <-time.After(patience):
		t.Error("no message is taken after a ping without an answer, want the connection to stay")
	}
	receiver.Close()
	listening.Wait()
}

// A push service that never stops is no browser's push service.
func TestListen_Flood(t *testing.T) {
	t.Parallel()
	url := converse(t, func(f *fake) {
		f.welcome()
		frame := []byte(`{"messageType": "broadcast", "x": "` + strings.Repeat("x", 60<<10) + `"}`)
		var err error
		for err == nil {
			err = f.conn.Write(f.ctx, websocket.MessageText, frame)
		}
	})
	receiver := resume(t, url)
	if err := receiver.Listen(t.Context(), func(webpush.Message) {}); !errors.Is(err, push.ErrFlood) {
		t.Errorf("got %v, want %v", err, push.ErrFlood)
	}
}
