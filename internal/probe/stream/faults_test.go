package stream_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// TestProbe_AcceptedAndDropped is what the kind is for: none of 200 messages that were accepted and dropped is taken for
// a good one.
func TestProbe_AcceptedAndDropped(t *testing.T) {
	t.Parallel()
	const probers, each = 40, 5
	catalogue, err := probe.NewCatalogue([]probe.Kind{stream.Kind()})
	if err != nil {
		t.Fatal(err)
	}
	h := newHub(t)
	h.deliver = func(string) []string { return nil }
	var mu sync.Mutex
	lost, good := 0, 0
	var running sync.WaitGroup
	for range probers {
		p := newProber(t, h, nil)
		running.Go(func() {
			for range each {
				r := take(t, p)
				rating := quality.Rate(catalogue, stream.Kind().Limits(probe.Push), &r).Rating
				mu.Lock()
				if r.Reason == "message_lost" && outcome(r) == "lost" {
					lost++
				}
				if rating >= probe.Good {
					good++
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
	if lost != probers*each || good != 0 {
		t.Errorf("%d of %d messages are lost and %d rated good, want all and none", lost, probers*each, good)
	}
}

func TestProbe_Late(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.delay = 300 * time.Millisecond
	r := take(t, newProber(t, h, func(c *stream.Config) { c.Deadline = 100 * time.Millisecond }))
	want(t, r, "", "late", "message_late")
	if r.Duration < 250*time.Millisecond {
		t.Errorf("duration is %v, want the time until the message arrived", r.Duration)
	}
}

// TestProbe_SlowConnection is in the evidence, and not in the time that a message took.
func TestProbe_SlowConnection(t *testing.T) {
	t.Parallel()
	const slow = time.Second
	h := newHub(t)
	h.refuse = func(w http.ResponseWriter, r *http.Request) {
		<-time.After(slow)
		h.set(func(h *hub) { h.refuse = nil })
		h.in(w, r)
	}
	r := take(t, newProber(t, h, func(c *stream.Config) { c.URL, c.Window = wsURL(h, "/in"), 2*slow }))
	want(t, r, "", "delivered")
	if r.Duration >= slow {
		t.Errorf("duration is %v, want it from when the connection stands, which took %v", r.Duration, slow)
	}
	if wait, _ := r.Evidence.Exchanges[1].Phases.Get(probe.Wait); wait < slow {
		t.Errorf("the evidence has a wait of %v, want %v at least", wait, slow)
	}
}

func TestProbe_Twice(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.deliver = func(text string) []string { return []string{text, text} }
	p := newProber(t, h, nil)
	duplicates := 0.0
	for range 3 {
		for _, m := range measured(take(t, p), "push_duplicates_total") {
			duplicates += m.Value
		}
	}
	// That of the last message may be for the next probe to see.
	if duplicates < 2 || duplicates > 3 {
		t.Errorf("got %v duplicates of 3 messages, want one each", duplicates)
	}
}

func TestProbe_Garbled(t *testing.T) {
	t.Parallel()
	replaced := func(from, to string) func(string) []string {
		return func(text string) []string { return []string{strings.Replace(text, from, to, 1)} }
	}
	cases := map[string]struct {
		change  func(*stream.Config)
		deliver func(string) []string
		reason  probe.Reason
		outcome string
		finding []probe.CheckID
	}{
		"the message itself": {
			deliver: replaced("probe", "prObe"), outcome: "corrupted", finding: []probe.CheckID{"message_corrupted"},
		},
		"the id, so that nobody can know it": {
			deliver: func(text string) []string { return []string{text[:len(text)-1] + "!"} }, reason: "message_lost", outcome: "lost",
		},
		"around the message, where anything may arrive": {
			change:  func(c *stream.Config) { c.Body = "dear {{message}} dear" },
			deliver: replaced("dear", "deer"), outcome: "delivered",
		},
		"around the message, where it is known": {
			change:  func(c *stream.Config) { c.Body, c.Arrives = "dear {{message}} dear", "dear {{message}} dear\n" },
			deliver: replaced("dear", "deer"), outcome: "corrupted", finding: []probe.CheckID{"message_corrupted"},
		},
		"nothing, in another wrapping": {
			change:  func(c *stream.Config) { c.Arrives = "<{{message}}>" },
			deliver: func(text string) []string { return []string{"<" + text + ">"} }, outcome: "delivered",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.deliver = c.deliver
			r := take(t, newProber(t, h, func(config *stream.Config) {
				if c.change != nil {
					c.change(config)
				}
			}))
			want(t, r, c.reason, c.outcome, c.finding...)
		})
	}
}

// TestProbe_HungUpBetweenProbes opens the receiver again, once, and says so.
func TestProbe_HungUpBetweenProbes(t *testing.T) {
	t.Parallel()
	for form, receive := range map[string]func(*stream.Config, *hub){
		"the service closed the connection":               func(*stream.Config, *hub) {},
		"the service closed the WebSocket with code 1012": func(c *stream.Config, h *hub) { c.ReceiveURL = wsURL(h, "/ws") },
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			p := newProber(t, h, func(c *stream.Config) { receive(c, h) })
			want(t, take(t, p), "", "delivered")
			r := probeCut(t, h, p)
			want(t, r, "", "delivered", "receiver_disconnected")
			if up, again := value(r, "push_receiver_up"), value(r, "push_receiver_reconnects_total"); up != 1 || again != 1 {
				t.Errorf("got receiver up %v after %v reconnects, want 1 and 1", up, again)
			}
			if detail := r.Findings[0].Detail; !strings.HasSuffix(detail, form) {
				t.Errorf("got %q, want how it ended: %s", detail, form)
			}
			r = take(t, p)
			want(t, r, "", "delivered")
			if got := value(r, "push_receiver_reconnects_total"); got != 0 {
				t.Errorf("got %v reconnects in the probe after, want 0", got)
			}
		})
	}
}

// settle waits until a condition holds.
func settle(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the condition does not hold after 10 s")
		}
	}
}

// probeCut hangs up and probes until the receiver has noticed that first: else the message is lost, and its result says
// why.
func probeCut(t *testing.T, h *hub, p probe.Prober) probe.Result {
	t.Helper()
	for range 50 {
		h.cut()
		settle(t, func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.subscribers) == 0
		})
		for range 10 { // the news is on its way meanwhile
			r, err := h.Client().Get(h.URL + "/none")
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Body.Close()
		}
		if r := take(t, p); r.Find("receiver_disconnected") != nil {
			return r
		} else if !strings.Contains(r.Detail, "the receiver was disconnected meanwhile") {
			t.Fatalf("got %q and the findings %v, want a receiver that was disconnected", r.Detail, r.Findings)
		}
		want(t, take(t, p), "", "delivered")
	}
	t.Fatal("no result says that the receiver was disconnected between probes")
	return probe.Result{}
}

// TestProbe_HungUpMeanwhile is known to be lost long before the window is over.
func TestProbe_HungUpMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProber(t, h, nil)
	want(t, take(t, p), "", "delivered")
	h.set(func(h *hub) {
		h.deliver = func(string) []string { go h.cut(); return nil }
	})
	r := take(t, p)
	want(t, r, "message_lost", "lost")
	if r.Duration >= window || !strings.HasSuffix(r.Detail, "the receiver was disconnected meanwhile") {
		t.Errorf("got %q after %v, want that the receiver was disconnected, before the %v of the window", r.Detail, r.Duration, window)
	}
	h.set(func(h *hub) { h.deliver = nil })
	r = take(t, p)
	want(t, r, "", "delivered")
	if got := value(r, "push_receiver_reconnects_total"); got != 1 {
		t.Errorf("got %v reconnects, want 1", got)
	}
}

// TestProbe_DeafReceiver gives up a stream that nothing comes from any more.
func TestProbe_DeafReceiver(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	p := newProber(t, h, nil)
	want(t, take(t, p), "", "delivered")
	h.set(func(h *hub) { clear(h.subscribers) }) // the service forgets, and hangs up on nobody
	want(t, take(t, p), "message_lost", "lost")
	want(t, take(t, p), "", "delivered")
	if got := h.subscriptions(); got != 2 {
		t.Errorf("got %d subscriptions, want a second one", got)
	}
}

// TestProbe_EndlessStreams reads neither for ever nor into ever more memory.
//
//nolint:paralleltest // it counts what the process allocates
func TestProbe_EndlessStreams(t *testing.T) {
	endless := func(begin, more string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", map[string]string{"/sse": "text/event-stream"}[r.URL.Path])
			_, err := io.WriteString(w, begin)
			for block := []byte(more); err == nil && r.Context().Err() == nil; {
				_, err = w.Write(block)
			}
		}
	}
	block := strings.Repeat("x", 32<<10)
	for name, c := range map[string]struct {
		change func(*stream.Config)
		serve  http.HandlerFunc
	}{
		"one line":  {func(*stream.Config) {}, endless("data: ", block)},
		"one event": {func(*stream.Config) {}, endless("", "data: "+block+"\n")},
		"comments":  {func(*stream.Config) {}, endless("", ":"+block+"\n")},
		"empty":     {func(*stream.Config) {}, endless("", strings.Repeat("\n", 32<<10))},
		"json lines": {func(c *stream.Config) {
			c.ReceiveURL, c.Receive = strings.Replace(c.ReceiveURL, "/sse", "/ndjson", 1), "ndjson"
		}, endless("{", block)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.turnAway = c.serve
			p := newProber(t, h, c.change)
			before := allocated()
			r := take(t, p)
			if used := allocated() - before; used > 32<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
			want(t, r, "message_lost", "lost")
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestProbe_LongEventsOfOthers are passed over.
func TestProbe_LongEventsOfOthers(t *testing.T) {
	t.Parallel()
	for name, receive := range map[string]func(*stream.Config, *hub){
		"sse":       func(*stream.Config, *hub) {},
		"ndjson":    func(c *stream.Config, h *hub) { c.ReceiveURL, c.Receive = h.URL+"/ndjson", "ndjson" },
		"websocket": func(c *stream.Config, h *hub) { c.ReceiveURL = wsURL(h, "/ws") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.deliver = func(text string) []string { return []string{strings.Repeat("x", 64<<10+1), text} }
			p := newProber(t, h, func(c *stream.Config) { receive(c, h) })
			want(t, take(t, p), "", "delivered")
			r := take(t, p)
			want(t, r, "", "delivered")
			if text := r.Evidence.Events[0].Text; text != "1 events of more than 64 KiB were skipped since the last probe" {
				t.Errorf("got the event %q, want that one was skipped", text)
			}
		})
	}
}

// TestProbe_Unanswered has services that take a message and never answer.
func TestProbe_Unanswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		delivers bool
		reason   probe.Reason
		outcome  string
		findings []probe.CheckID
	}{
		"delivered all the same": {true, "", "delivered", []probe.CheckID{"message_unacknowledged"}},
		"nor delivered":          {false, "response_timeout", "unsent", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			hang := func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if c.delivers {
					h.broadcast(r, string(body))
				}
				<-r.Context().Done()
			}
			h.refuse = hang
			p := newProber(t, h, func(c *stream.Config) { c.Deadline = window / 2 })
			want(t, take(t, p), c.reason, c.outcome, c.findings...)
		})
	}
}

// TestProbe_RefusedOverWebSocket reads why a service closes the connection that a message came on.
func TestProbe_RefusedOverWebSocket(t *testing.T) {
	t.Parallel()
	for code, c := range map[websocket.StatusCode]struct {
		reason  probe.Reason
		outcome string
		word    string
	}{
		websocket.StatusPolicyViolation: {"message_rejected", "rejected", "message_invalid"},
		websocket.StatusMessageTooBig:   {"message_rejected", "rejected", "message_invalid"},
		websocket.StatusInternalError:   {"push_provider_failed", "rejected", "provider_failed"},
		websocket.StatusTryAgainLater:   {"push_rate_limited", "rejected", "throttled"},
		3000:                            {"push_credential_rejected", "rejected", "credential_rejected"},
		websocket.StatusNormalClosure:   {"message_lost", "lost", ""}, // nobody answers
		websocket.StatusGoingAway:       {"message_lost", "lost", ""}, // nobody answers
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.closeCode = code
			r := take(t, newProber(t, h, func(c *stream.Config) { c.URL = wsURL(h, "/in") }))
			want(t, r, c.reason, c.outcome)
			var word strings.Builder
			for _, m := range measured(r, "push_provider_responses_total") {
				word.WriteString(m.Label)
			}
			if word.String() != c.word {
				t.Errorf("got the answer %q, want %q", word.String(), c.word)
			}
			if refused := c.outcome == "rejected"; refused != strings.Contains(r.Detail, "not here") {
				t.Errorf("got %q, want what the service said: %v", r.Detail, refused)
			}
		})
	}
}

// TestProbe_NoStream has services whose answer to a subscription is none.
func TestProbe_NoStream(t *testing.T) {
	t.Parallel()
	page := func(media string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			_, _ = io.WriteString(w, "hello")
		}
	}
	sse := func(*stream.Config, *hub) {}
	ndjson := func(c *stream.Config, h *hub) { c.ReceiveURL, c.Receive = h.URL+"/ndjson", "ndjson" }
	socket := func(c *stream.Config, h *hub) { c.ReceiveURL = wsURL(h, "/ws") }
	for name, c := range map[string]struct {
		receive func(*stream.Config, *hub)
		serve   http.HandlerFunc
		reason  probe.Reason
	}{
		"sse: another type":        {sse, page("application/json"), "stream_malformed"},
		"sse: no type":             {sse, page(""), "stream_malformed"},
		"sse: no content":          {sse, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "stream_refused"},
		"ndjson: a page":           {ndjson, page("text/html; charset=utf-8"), "stream_malformed"},
		"websocket: a page":        {socket, page("text/html"), "stream_refused"},
		"websocket: another key":   {socket, wrongKey, "stream_malformed"},
		"a redirect":               {sse, http.RedirectHandler("/ndjson", http.StatusFound).ServeHTTP, "stream_refused"},
		"not found":                {sse, http.NotFound, "stream_refused"},
		"hung up":                  {sse, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "connection_closed"},
		"websocket: hung up":       {socket, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "connection_closed"},
		"websocket: not found":     {socket, http.NotFound, "stream_refused"},
		"websocket: over capacity": {socket, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "push_provider_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t)
			h.turnAway = c.serve
			r := take(t, newProber(t, h, func(config *stream.Config) { c.receive(config, h) }))
			want(t, r, c.reason, "unsent")
			if up := value(r, "push_receiver_up"); up != 0 {
				t.Errorf("got receiver up %v, want 0", up)
			}
			if _, text := h.last(); text != "" {
				t.Errorf("published %q although nobody listens", text)
			}
		})
	}
}

// TestProbe_HangsUpOnNoStream keeps no connection that nobody reads.
func TestProbe_HangsUpOnNoStream(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	left := make(chan struct{})
	h.turnAway = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(left)
	}
	want(t, take(t, newProber(t, h, nil)), "stream_malformed", "unsent")
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open after 10 s")
	}
}

// wrongKey switches protocols without having read the request.
func wrongKey(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.Copy(conn, bytes.NewBufferString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"))
}

// TestProbe_Closed leaves nothing behind, which TestMain checks, and probes no more.
func TestProbe_Closed(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	built := build(t, probe.Setup{Timeout: timeout, Every: time.Minute}, func(c *stream.Config) { c.URL, c.ReceiveURL = wsURL(h, "/in"), wsURL(h, "/ws") })
	want(t, take(t, built.Prober), "", "delivered")
	built.Close()
	if _, err := built.Prober.Probe(context.WithoutCancel(t.Context())); err == nil {
		t.Error("a closed prober probes")
	}
}
