// Package pushservice is a Web Push service in this process, for tests and for the demo: browsers and receivers connect to
// its WebSocket (the autopush protocol of Firefox), senders POST to its endpoints (RFC 8030). It keeps what cannot be
// delivered for its TTL, replaces messages by topic, and checks who sends (RFC 8292). On demand it does everything that a
// service in trouble does: it drops, delays, repeats and garbles messages that it said it took, and refuses others.
//
// It imports webpush and a WebSocket library. It keeps everything in memory, trusts whoever connects, and is no service for
// the public.
package pushservice

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options configure a Service. The zero value takes every message and delivers it.
// The functions are called by several goroutines.
type Options struct {
	RequireVAPID bool // refuse senders without a signature for all subscriptions, not only for those tied to a key

	Fault  func() Fault                         // asked for every message that would be taken; nil: none
	Refuse func(act string) int                 // asked for every "hello" and "register" of a receiver: the status to refuse it with, 0 for none
	Seen   func(header http.Header, status int) // told of every message and how it was answered

	From *Service // a closed service whose receivers, subscriptions and messages are taken over, as after a restart
}

// Fault is what goes wrong with one message. The zero value is nothing.
type Fault struct {
	Status    int           // answer with this status, and do not take the message; 0: 201
	Header    http.Header   // sent with Status
	Body      string        // sent with Status; empty for the JSON of autopush
	Hold      time.Duration // answer so much later; the message is delivered all the same
	Drop      bool          // say 201 and forget the message
	Delay     time.Duration // deliver so much later
	Duplicate bool          // deliver twice
	Corrupt   bool          // deliver with a bit flipped
}

// Service is a push service. It is safe for concurrent use. Make one with New or Start; Close must be called.
type Service struct {
	opts    Options
	store   *store
	running context.Context //nolint:containedctx // the life of the service, which handlers and late deliveries end with
	stop    context.CancelFunc
	server  *http.Server // nil without Start
	url     string

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup // connections, deliveries and the server; added to under mu
}

// New returns a service that somebody else serves: it is an http.Handler for WebSocket and endpoints alike, by
// HTTP or HTTPS.
func New(opts Options) *Service {
	running, stop := context.WithCancel(context.Background())
	known := newStore()
	if opts.From != nil {
		known = opts.From.store
	}
	return &Service{opts: opts, store: known, running: running, stop: stop}
}

// Start returns a service that listens on an address, such as 127.0.0.1:0.
func Start(ctx context.Context, address string, opts Options) (*Service, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("push service: %w", err)
	}
	s := New(opts)
	s.url = "ws://" + listener.Addr().String() + "/"
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: patience, ReadTimeout: patience, IdleTimeout: patience}
	s.work.Go(func() { _ = s.server.Serve(listener) }) // it ends by Close
	return s, nil
}

// patience bounds every wait for somebody else.
const patience = 10 * time.Second

// URL returns where receivers connect to; empty without Start.
func (s *Service) URL() string { return s.url }

// Close ends all connections and waits for everything that runs.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	var err error
	if s.server != nil {
		err = s.server.Close()
	}
	s.work.Wait()
	return err
}

// enter reports whether the service still runs; leave must be called then.
func (s *Service) enter() (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.work.Add(1)
	return s.work.Done, true
}

// ServeHTTP serves the WebSocket at / and the endpoints below /wpush/.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.enter()
	if !ok {
		http.Error(w, "the service is closed", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	token, isEndpoint := strings.CutPrefix(r.URL.Path, endpointPath)
	switch {
	case isEndpoint:
		s.serveEndpoint(w, r, token)
	case r.URL.Path == "/":
		s.serveSocket(w, r)
	default:
		http.NotFound(w, r)
	}
}

// Acks returns how often receivers answered to a message with a code: 100 delivered, 101 not decrypted, 102 not wanted.
func (s *Service) Acks(code int) int { return s.store.acksOf(code) }

// Receivers returns how many receivers are connected.
func (s *Service) Receivers() int { return len(s.store.sessions()) }

// Disconnect ends the connections of all receivers. Their subscriptions stay.
func (s *Service) Disconnect() {
	for _, session := range s.store.sessions() {
		session.cut(errors.New("disconnected"))
	}
}

// Reset forgets all receivers and their subscriptions, as a service does with those who were away for too long, and ends
// their connections: messages to them are answered with 410, and receivers get another name when they come back.
func (s *Service) Reset() {
	for _, session := range s.store.reset() {
		session.cut(errors.New("forgotten"))
	}
}
