package stream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// hub is a service with publishers and subscribers: POST /publish and WebSocket /in take messages; /sse, /ndjson and
// WebSocket /ws deliver them. Its behaviour may be changed between probes.
type hub struct {
	*httptest.Server

	mu          sync.Mutex
	subscribers map[*subscriber]bool
	opened      int // subscriptions since the start
	requests    []*http.Request
	published   []string
	subscribed  []string // first texts of WebSocket subscribers

	// deliver returns what becomes of a published text; nil: it is delivered as it is.
	deliver func(text string) []string
	delay   time.Duration
	// refuse answers a publication in place of taking it, when it is not nil.
	refuse http.HandlerFunc
	// turnAway answers a subscription in place of opening it, when it is not nil.
	turnAway http.HandlerFunc
	// greeting is what a subscriber is told first, as it goes over the line.
	greeting string
	// closeCode ends the publisher's WebSocket after its message, when it is not 0.
	closeCode websocket.StatusCode
}

type subscriber struct {
	texts chan string
	gone  chan struct{} // closed to hang up
}

func newHub(tb testing.TB) *hub {
	tb.Helper()
	h := &hub{subscribers: make(map[*subscriber]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /publish", h.publish)
	mux.HandleFunc("GET /in", h.in)
	mux.HandleFunc("GET /sse", h.stream("text/event-stream", func(text string) string {
		return "data: " + strings.ReplaceAll(text, "\n", "\ndata: ") + "\n\n"
	}))
	mux.HandleFunc("GET /ndjson", h.stream("application/x-ndjson", func(text string) string { return text + "\n" }))
	mux.HandleFunc("GET /ws", h.socket)
	h.Server = httptest.NewServer(mux)
	tb.Cleanup(func() { h.cut(); h.Close() })
	return h
}

// set changes the behaviour.
func (h *hub) set(change func(*hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// subscriptions returns how many there were since the start.
func (h *hub) subscriptions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.opened
}

// last returns the latest published text and its request.
func (h *hub) last() (*http.Request, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.published) == 0 {
		return nil, ""
	}
	return h.requests[len(h.requests)-1], h.published[len(h.published)-1]
}

// cut hangs up on all subscribers.
func (h *hub) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subscribers {
		close(s.gone)
		delete(h.subscribers, s)
	}
}

func (h *hub) subscribe() *subscriber {
	s := &subscriber{make(chan string, 64), make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[s] = true
	h.opened++
	return s
}

func (h *hub) unsubscribe(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers, s)
}

// broadcast delivers a published text as the behaviour says.
func (h *hub) broadcast(r *http.Request, text string) {
	h.mu.Lock()
	h.requests, h.published = append(h.requests, r.Clone(context.WithoutCancel(r.Context()))), append(h.published, text)
	texts, delay := []string{text}, h.delay
	if h.deliver != nil {
		texts = h.deliver(text)
	}
	h.mu.Unlock()
	send := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for s := range h.subscribers {
			for _, text := range texts {
				s.texts <- text
			}
		}
	}
	if delay == 0 {
		send()
		return
	}
	time.AfterFunc(delay, send)
}

func (h *hub) publish(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	refuse := h.refuse
	h.mu.Unlock()
	if refuse != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		refuse(w, r)
		return
	}
	h.broadcast(r, string(body))
}

// in takes messages over WebSocket.
func (h *hub) in(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	refuse, closeCode := h.refuse, h.closeCode
	h.mu.Unlock()
	if refuse != nil {
		refuse(w, r)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	_ = conn.Write(r.Context(), websocket.MessageText, []byte("welcome"))
	for {
		_, text, err := conn.Read(r.Context())
		switch {
		case err != nil:
			return
		case closeCode != 0:
			_ = conn.Close(closeCode, "not here")
			return
		}
		h.broadcast(r, string(text))
	}
}

// stream serves a subscription over HTTP.
func (h *hub) stream(media string, frame func(string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		greeting := h.greeting
		h.mu.Unlock()
		h.serve(w, r, media, greeting, frame)
	}
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request, media, greeting string, frame func(string) string) {
	h.mu.Lock()
	turnAway := h.turnAway
	h.mu.Unlock()
	if turnAway != nil {
		turnAway(w, r)
		return
	}
	s := h.subscribe()
	defer h.unsubscribe(s)
	w.Header().Set("Content-Type", media)
	_, _ = io.WriteString(w, greeting)
	for {
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case text := <-s.texts:
			_, _ = io.WriteString(w, frame(text))
		case <-s.gone:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// socket serves a subscription over WebSocket.
func (h *hub) socket(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	turnAway, greeting := h.turnAway, h.greeting
	h.mu.Unlock()
	if turnAway != nil {
		turnAway(w, r)
		return
	}
	s := h.subscribe() // before the client knows that it is open
	defer h.unsubscribe(s)
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	if greeting != "" {
		_ = conn.Write(r.Context(), websocket.MessageText, []byte(greeting))
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var reading sync.WaitGroup
	defer reading.Wait()
	defer func() { _ = conn.CloseNow() }()
	reading.Go(func() {
		defer cancel()
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				return
			}
			h.set(func(h *hub) { h.subscribed = append(h.subscribed, string(text)) })
		}
	})
	for {
		select {
		case text := <-s.texts:
			if conn.Write(ctx, websocket.MessageText, []byte(text)) != nil {
				return
			}
		case <-s.gone:
			_ = conn.Close(websocket.StatusServiceRestart, "restart")
			return
		case <-ctx.Done():
			return
		}
	}
}

// ntfy is a stand-in for an ntfy server, from its documentation: a topic is published to by POST, and read at /json,
// /sse and /ws, each beginning with an open event; what is cached is not sent again unless it is asked for.
func newNtfy(tb testing.TB) *hub {
	tb.Helper()
	h := &hub{subscribers: make(map[*subscriber]bool)}
	h.greeting = ntfyEvent("open", "")
	h.deliver = func(text string) []string {
		return []string{ntfyEvent("keepalive", ""), ntfyEvent("message", strings.TrimSpace(text))}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /topic", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		h.publish(w, r)
	})
	mux.HandleFunc("GET /topic/json", func(w http.ResponseWriter, r *http.Request) {
		h.ntfyStream(w, r, "application/x-ndjson; charset=utf-8", func(text string) string { return text + "\n" })
	})
	mux.HandleFunc("GET /topic/sse", func(w http.ResponseWriter, r *http.Request) {
		h.ntfyStream(w, r, "text/event-stream; charset=utf-8", func(text string) string {
			var e struct{ Event string }
			_ = json.Unmarshal([]byte(text), &e)
			if e.Event == "message" {
				return "data: " + text + "\n\n"
			}
			return "event: " + e.Event + "\ndata: " + text + "\n\n"
		})
	})
	mux.HandleFunc("GET /topic/ws", h.socket)
	h.Server = httptest.NewServer(mux)
	tb.Cleanup(func() { h.cut(); h.Close() })
	return h
}

// ntfyStream frames the greeting as all other events.
func (h *hub) ntfyStream(w http.ResponseWriter, r *http.Request, media string, frame func(string) string) {
	h.mu.Lock()
	greeting := h.greeting
	h.mu.Unlock()
	if greeting != "" {
		greeting = frame(greeting)
	}
	h.serve(w, r, media, greeting, frame)
}

func ntfyEvent(event, message string) string {
	e := map[string]any{"id": "sPs71M8A2T", "time": 1643935928, "event": event, "topic": "topic"}
	if event == "message" {
		e["message"] = message
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// ntfyRefusal answers as an ntfy server does when it takes nothing.
func ntfyRefusal(status, code int, text string, header http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"code":%d,"http":%d,"error":%q,"link":"https://ntfy.sh/docs"}`, code, status, text)
	}
}

// silent takes connections and says nothing.
func silent(tb testing.TB) string {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}
