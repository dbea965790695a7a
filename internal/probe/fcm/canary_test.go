package fcm_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
)

// brief is how long a probe may take whose message never arrives.
const brief = 2 * time.Second

func TestCanary_Delivered(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	s.set(func(st *standin) { st.onMessage = s.confirm })
	r := s.take(patience)
	if r.Reason != "" || len(r.Findings) > 0 || outcome(&r) != "delivered" {
		t.Fatalf("got %s: %q, %v, %s; want it delivered", r.Reason, r.Detail, r.Findings, outcome(&r))
	}
	delivered, arrived := r.Phases.Get(probe.Deliver)
	if _, accepted := r.Phases.Get(probe.Accept); !accepted || !arrived || delivered != r.Duration {
		t.Errorf("got the phases %s of %v, want acceptance, and delivery of the whole", marshal(r.Phases), r.Duration)
	}
	if got, ok := value(&r, "push_last_delivered_timestamp_seconds", ""); !ok || time.Since(time.UnixMilli(int64(got*1000))) > time.Minute {
		t.Errorf("last delivered at %v (%v), want now", got, ok)
	}
	if got := marshal(r.Evidence.Events); !strings.Contains(got, "receipt of the device") {
		t.Errorf("got the events %s, want the receipt", got)
	}
	id := s.receiptID(0)
	if s.receipts.Confirm(id, time.Now()) {
		t.Error("the receipt is still waited for after the probe, want it forgotten")
	}
	s.take(patience)
	if s.receiptID(1) == id {
		t.Error("two messages have one id, want one each")
	}
}

// A message that a device confirms once more arrived twice, which the next result says.
func TestCanary_Twice(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	s.set(func(st *standin) { st.onMessage = s.confirm })
	s.take(patience)
	s.receipts.Confirm(s.receiptID(0), time.Now())
	r := s.take(patience)
	got, _ := value(&r, "push_duplicates_total", "")
	if r.Reason != "" || r.Find("message_duplicated") == nil || got != 1 {
		t.Errorf("got %q, %v and %v duplicates, want one message twice", r.Reason, r.Findings, got)
	}
	if r := s.take(patience); len(r.Findings) > 0 {
		t.Errorf("got %v once more, want it told once", r.Findings)
	}
}

func (s *subject) receiptID(message int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.standin.receipts[message][strings.LastIndexByte(s.standin.receipts[message], '/')+1:]
}

func TestCanary_Late(t *testing.T) {
	t.Parallel()
	s := startCanary(t, func(c *fcm.Config) { c.Deadline = 1 })
	s.set(func(st *standin) { st.onMessage = s.confirm })
	if r := s.take(patience); r.Reason != "" || r.Find("message_late") == nil || outcome(&r) != "late" {
		t.Errorf("got %s: %v, %s; want it late", r.Reason, r.Findings, outcome(&r))
	}
}

func TestCanary_Lost(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	r := s.take(brief)
	if r.Reason != "message_lost" || outcome(&r) != "lost" || !strings.HasPrefix(r.Detail, "accepted and not delivered within ") {
		t.Errorf("got %s, %s: %q, want it lost", r.Reason, outcome(&r), r.Detail)
	}
	if r.Duration < brief/2 {
		t.Errorf("given up after %v, want most of %v waited", r.Duration, brief)
	}
	if s.receipts.Confirm(s.receiptID(0), time.Now()) {
		t.Error("the receipt is still waited for after the window, want it forgotten")
	}
}

// TestCanary_AllLost has the provider accept 200 messages and drop each. It is met without TLS: that many handshakes at
// once would take a busy machine longer than messages are waited for.
func TestCanary_AllLost(t *testing.T) {
	t.Parallel()
	const messages = 200
	at := newStandin(t)
	s := startAt(t, at, at.plain, func(c *fcm.Config) { c.Mode, c.TLS.CAFile = "canary", "" })
	s.take(brief) // takes the access token for all
	var probes sync.WaitGroup
	var lost atomic.Int32
	for range messages {
		probes.Go(func() {
			if r := s.take(3 * brief); r.Reason == "message_lost" && outcome(&r) == "lost" {
				lost.Add(1)
			}
		})
	}
	probes.Wait()
	if got := lost.Load(); got != messages {
		t.Errorf("%d messages were found lost, want %d", got, messages)
	}
}

// TestCanary_ArrivalDecides has messages arrive that were not acknowledged.
func TestCanary_ArrivalDecides(t *testing.T) {
	t.Parallel()
	s := startCanary(t, func(c *fcm.Config) { c.Deadline = 10 * time.Second })
	s.set(func(st *standin) {
		st.onSend = func(http.ResponseWriter, *http.Request) {
			s.confirm(st.receipts[len(st.receipts)-1])
			panic(http.ErrAbortHandler)
		}
	})
	r := s.take(patience)
	if r.Reason != "" || r.Find("message_unacknowledged") == nil || outcome(&r) != "delivered" {
		t.Errorf("got %s: %q, %v, %s; want it delivered, and not acknowledged", r.Reason, r.Detail, r.Findings, outcome(&r))
	}
}

func TestCanary_RejectedIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	s.set(func(s *standin) { s.onSend = answer(503, "", "") })
	r := s.take(5 * time.Minute)
	if r.Reason != "push_provider_failed" || r.Duration > time.Minute {
		t.Errorf("got %s after %v, want push_provider_failed at once", r.Reason, r.Duration)
	}
	if s.receipts.Confirm(s.receiptID(0), time.Now()) {
		t.Error("the receipt of a message that was not taken is waited for, want it forgotten")
	}
}

// TestCanary_Echo has the provider repeat the receipt, with which anybody could confirm the message.
func TestCanary_Echo(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	s.set(func(st *standin) {
		st.onSend = func(w http.ResponseWriter, r *http.Request) {
			answer(400, "", googleError(400, "INVALID_ARGUMENT", "Invalid value "+st.receipts[0]))(w, r)
		}
	})
	if r := s.take(patience); !strings.Contains(r.Detail, "/v1/receipts/[redacted]") {
		t.Errorf("got %q, want the id of the receipt redacted", r.Detail)
	}
}

func TestCanary_Deadline(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fcm.Config)
		want   time.Duration
	}{
		"left out":      {nil, 30 * time.Second},
		"as it is set":  {func(c *fcm.Config) { c.Deadline = 2 * time.Minute }, 2 * time.Minute},
		"with a window": {func(c *fcm.Config) { c.Window = time.Minute }, 30 * time.Second},
	} {
		if got := fcm.DeadlineOf(startCanary(t, c.change).prober); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestCanary_HighPriority(t *testing.T) {
	t.Parallel()
	s := startCanary(t, func(c *fcm.Config) { c.Priority = "high" })
	s.set(func(st *standin) { st.want["priority"], st.onMessage = "HIGH", s.confirm })
	if r := s.take(patience); r.Reason != "" {
		t.Errorf("got %s: %s, want it delivered", r.Reason, r.Detail)
	}
}
