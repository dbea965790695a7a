package webpush_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/pushservice"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// stage is a push service on an address of its own that can be turned off and on, and whose answers can be replaced.
type stage struct {
	tb      testing.TB
	address string
	options pushservice.Options

	mu       sync.Mutex
	answer   http.HandlerFunc // to messages, in place of the service; nil: none
	messages []*http.Request  // without bodies
	peers    map[string]bool  // addresses that messages came from
	upgrades int              // connections of receivers
	socket   http.HandlerFunc // for receivers, in place of the service; nil: none

	service *pushservice.Service
	server  *http.Server
	serving sync.WaitGroup
}

func newStage(tb testing.TB, options pushservice.Options) *stage {
	tb.Helper()
	s := &stage{tb: tb, address: net.JoinHostPort(loopback(), "0"), options: options, peers: make(map[string]bool)}
	s.on()
	tb.Cleanup(s.off)
	return s
}

// loopback is an address of this process alone: no other program takes the port of a service that is off.
func loopback() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
}

// on starts a service that remembers nothing, on the address that it always had.
func (s *stage) on() {
	s.tb.Helper()
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.address = listener.Addr().String()
	s.service = pushservice.New(s.options)
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.serving.Go(func() { _ = s.server.Serve(listener) })
}

// off ends the service with all its connections.
func (s *stage) off() {
	_ = s.service.Close()
	_ = s.server.Close()
	s.serving.Wait()
}

func (s *stage) url() string { return "ws://" + s.address + "/" }

// ServeHTTP keeps account of what comes.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	instead := s.socket
	if strings.HasPrefix(r.URL.Path, "/wpush/") {
		s.messages = append(s.messages, r.Clone(context.WithoutCancel(r.Context())))
		s.peers[r.RemoteAddr] = true
		instead = s.answer
	} else {
		s.upgrades++
	}
	s.mu.Unlock()
	if instead != nil {
		instead(w, r)
		return
	}
	s.service.ServeHTTP(w, r)
}

// answerWith replaces the answers to messages; nil lets the service answer again.
func (s *stage) answerWith(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// greetWith replaces the answers to receivers; nil lets the service answer again.
func (s *stage) greetWith(socket http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socket = socket
}

// status answers every message with a status and a body.
func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// sent returns how many messages came.
func (s *stage) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.messages)
}

// endpoints returns to how many subscriptions messages came.
func (s *stage) endpoints() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := make(map[string]bool)
	for _, r := range s.messages {
		seen[r.URL.Path] = true
	}
	return len(seen)
}

// canary is a browser with a subscription that confirms what it gets.
type canary struct {
	tb       testing.TB
	stage    *stage
	state    protocol.State
	receipts *ledger.Ledger
	got      chan string // plaintexts

	conn *protocol.Receiver
	done chan struct{}
}

// newCanary subscribes a browser, for the sender with the key, and leaves it connected.
func newCanary(tb testing.TB, s *stage, key string) *canary {
	tb.Helper()
	c := &canary{tb: tb, stage: s, receipts: ledger.New(), got: make(chan string, 100)}
	c.dial(key)
	c.listen()
	tb.Cleanup(c.leave)
	return c
}

func (c *canary) dial(key string) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), 10*time.Second)
	defer cancel()
	conn, err := protocol.Dial(ctx, protocol.Options{URL: c.stage.url(), Client: &http.Client{}, Key: key, State: c.state})
	if err != nil {
		c.tb.Fatal(err)
	}
	c.conn, c.state = conn, conn.State()
}

// listen confirms messages as the service worker does.
func (c *canary) listen() {
	c.done = make(chan struct{})
	conn, done := c.conn, c.done
	go func() {
		defer close(done)
		_ = conn.Listen(context.WithoutCancel(c.tb.Context()), func(m protocol.Message) {
			var content struct {
				Receipt string `json:"channelwatch_receipt"`
			}
			if json.Unmarshal(m.Plaintext, &content) != nil {
				return
			}
			c.got <- string(m.Plaintext)
			c.receipts.Confirm(content.Receipt[strings.LastIndex(content.Receipt, "/")+1:], time.Now())
		})
	}()
}

// leave takes the browser offline.
func (c *canary) leave() {
	c.conn.Close()
	<-c.done
}

// file returns the name of a private file with the subscription.
func (c *canary) file() string {
	c.tb.Helper()
	sub, err := c.conn.Subscription()
	if err != nil {
		c.tb.Fatal(err)
	}
	return private(c.tb, "canary.json", string(sub.JSON()))
}

// private returns the name of a file that only its owner can read.
func private(tb testing.TB, name, content string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// subscriptionAt returns the JSON of a subscription at an endpoint that nobody listens at.
func subscriptionAt(tb testing.TB, endpoint string) string {
	tb.Helper()
	keys, err := protocol.NewKeys()
	if err != nil {
		tb.Fatal(err)
	}
	sub, err := keys.Subscription(endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	return string(sub.JSON())
}

// subscriptionIn returns the subscription that a receiver keeps in a file.
func subscriptionIn(tb testing.TB, file string) *protocol.Subscription {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var state struct {
		Endpoint string         `json:"endpoint"`
		Keys     *protocol.Keys `json:"keys"`
	}
	if err := json.Unmarshal(data, &state); err != nil {
		tb.Fatal(err)
	}
	sub, err := state.Keys.Subscription(state.Endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	return sub
}

// newKey returns a private key as npm's web-push prints it, and its public key.
func newKey(tb testing.TB) (private, public string) {
	tb.Helper()
	pair, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	return b64.EncodeToString(pair.Bytes()), b64.EncodeToString(pair.PublicKey().Bytes())
}

// hello lets a receiver in.
const hello = `{"messageType":"hello","status":200,"uaid":"0123456789abcdef0123456789abcdef"}`

// conversation answers one message of a receiver after the other, and then no more. $channel is the name that a receiver
// gives its subscription.
func conversation(answers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"push-notification"}})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for i := 0; ; i++ {
			_, data, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			var ask struct {
				Channel string `json:"channelID"`
			}
			if i < len(answers) && json.Unmarshal(data, &ask) == nil {
				_ = conn.Write(r.Context(), websocket.MessageText, []byte(strings.ReplaceAll(answers[i], "$channel", ask.Channel)))
			}
		}
	}
}
