package webpush_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// always returns options of a service in which the same goes wrong with every message.
func always(fault pushservice.Fault) pushservice.Options {
	return pushservice.Options{Fault: func() pushservice.Fault { return fault }}
}

// Only a receiver can tell these apart: the push service answers 201 to every message of them.
func TestProbe_EveryDroppedMessageIsLost(t *testing.T) {
	const touchpoints, each = 40, 5
	s := newStage(t, always(pushservice.Fault{Drop: true}))
	var good atomic.Int32
	var probing sync.WaitGroup
	for range touchpoints {
		p := selfProber(t, s, func(c *webpush.Config) { c.Window = window / 2 })
		probing.Go(func() {
			for range each {
				r := take(t, p)
				want(t, r, "message_lost", "lost")
				if rate(t, r).Rating >= probe.Good {
					good.Add(1)
				}
			}
		})
	}
	probing.Wait()
	if n := good.Load(); s.sent() != touchpoints*each || n != 0 {
		t.Errorf("%d messages were sent and %d of them rated good, want %d and none", s.sent(), n, touchpoints*each)
	}
}

func TestProbe_FateOfAMessage(t *testing.T) {
	t.Parallel()
	const deadline, delay = window / 4, window / 2
	cases := []struct {
		name     string
		fault    pushservice.Fault
		reason   probe.Reason
		outcome  string
		findings []probe.CheckID
		rating   probe.Rating
		least    time.Duration // of the result
		answer   string
	}{
		{name: "nothing wrong", outcome: "delivered", rating: probe.Excellent, answer: "accepted"},
		{
			name: "delayed", fault: pushservice.Fault{Delay: delay},
			outcome: "late", findings: []probe.CheckID{"message_late"}, rating: probe.Fair, least: delay, answer: "accepted",
		},
		{
			name: "delayed beyond the window", fault: pushservice.Fault{Delay: time.Minute},
			reason: "message_lost", outcome: "lost", rating: probe.Poor, least: window, answer: "accepted",
		},
		{
			name: "garbled", fault: pushservice.Fault{Corrupt: true},
			outcome: "corrupted", findings: []probe.CheckID{"message_corrupted"}, rating: probe.Poor, answer: "accepted",
		},
		{
			name: "delivered and not answered", fault: pushservice.Fault{Hold: time.Minute},
			outcome: "delivered", findings: []probe.CheckID{"message_unacknowledged"}, rating: probe.Good, answer: "none",
		},
		{
			name: "neither delivered nor answered", fault: pushservice.Fault{Hold: time.Minute, Drop: true},
			reason: "response_timeout", outcome: "unsent", rating: probe.Poor, least: window, answer: "none",
		},
		{
			name: "refused", fault: pushservice.Fault{Status: http.StatusServiceUnavailable},
			reason: "push_provider_failed", outcome: "rejected", rating: probe.Poor, answer: "provider_failed",
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, always(tc.fault))
			p := selfProber(t, s, func(c *webpush.Config) { c.Deadline = deadline })
			r := take(t, p)
			want(t, r, tc.reason, tc.outcome)
			wantFindings(t, r, tc.findings...)
			if got := rate(t, r).Rating; got != tc.rating {
				t.Errorf("rated %v, want %v", got, tc.rating)
			}
			if r.Duration < tc.least {
				t.Errorf("duration is %v, want at least %v", r.Duration, tc.least)
			}
			if got := label(r, "push_provider_responses_total"); got != tc.answer {
				t.Errorf("the answer was %q, want %q", got, tc.answer)
			}
		})
	}
}

func TestProbe_RepeatsAreCounted(t *testing.T) {
	const messages = 20
	s := newStage(t, always(pushservice.Fault{Duplicate: true}))
	p := selfProber(t, s, nil)
	repeats := 0.0
	for range messages {
		r := take(t, p)
		want(t, r, "", "delivered")
		n, counted := value(r, "push_duplicates_total")
		if (r.Find("message_duplicated") != nil) != counted {
			t.Errorf("findings are %+v with %v repeats, want the finding exactly when there are some", r.Findings, n)
		}
		repeats += n
	}
	// The repeat of the last message may come when its probe is over, and no other one follows.
	if repeats != messages && repeats != messages-1 {
		t.Errorf("counted %v repeats of %d messages that each came twice", repeats, messages)
	}
}

func TestProbe_GarbledMessagesAreRefusedByTheReceiver(t *testing.T) {
	s := newStage(t, always(pushservice.Fault{Corrupt: true}))
	p := selfProber(t, s, nil)
	for range 20 {
		r := take(t, p)
		want(t, r, "", "corrupted")
		wantFindings(t, r, "message_corrupted")
	}
	waitUntil(t, "20 refusals of the receiver", func() bool { return s.service.Acks(101) == 20 })
	if n := s.service.Acks(100); n != 0 {
		t.Errorf("the receiver confirmed %d messages that it could not decrypt", n)
	}
}

// What others send to the same subscription, or messages of an agent before this one, is nobody's arrival.
func TestProbe_MessagesOfOthersAreIgnored(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := filepath.Join(t.TempDir(), "state.json")
	p := selfProber(t, s, func(c *webpush.Config) { c.StateFile = file })
	want(t, take(t, p), "", "delivered")
	foreign := subscriptionIn(t, file)
	s.answerWith(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		for _, text := range []string{"hello", `{"channelwatch_probe":"AAAA"}`, `{"channelwatch_probe":""}`, `{}`, ""} {
			body, err := protocol.Encrypt(foreign, []byte(text))
			if err != nil {
				t.Error(err)
			}
			message := httptest.NewRequest(http.MethodPost, foreign.Endpoint().String(), bytes.NewReader(body))
			message.Header = http.Header{"Ttl": {"60"}, "Content-Encoding": {"aes128gcm"}}
			s.service.ServeHTTP(httptest.NewRecorder(), message)
		}
	})
	r := take(t, p)
	want(t, r, "message_lost", "lost")
	wantFindings(t, r)
	waitUntil(t, "all of them to be taken in", func() bool { return s.service.Acks(100) == 6 })
}

// A client that tries again hides outages.
func TestProbe_NothingIsSentTwice(t *testing.T) {
	var bodies atomic.Int32
	s := newStage(t, pushservice.Options{})
	p := selfProber(t, s, nil)
	s.answerWith(func(http.ResponseWriter, *http.Request) {
		bodies.Add(1)
		panic(http.ErrAbortHandler)
	})
	for range 3 {
		want(t, take(t, p), "connection_closed", "unsent")
	}
	if n := bodies.Load(); n != 3 {
		t.Errorf("the service got %d messages, want 3", n)
	}
}

// waitUntil waits for a condition that holds soon.
func waitUntil(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(end) {
			tb.Fatalf("waited 10s for %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func TestProbe_RedirectsAreNotFollowed(t *testing.T) {
	s, elsewhere := newStage(t, pushservice.Options{}), newStage(t, pushservice.Options{})
	file := private(t, "canary.json", subscriptionAt(t, "http://"+s.address+"/wpush/v2/a"))
	s.answerWith(status(http.StatusTemporaryRedirect, "", "Location", "http://"+elsewhere.address+"/wpush/v2/a"))
	r := take(t, fileProber(t, "none", file, nil, nil))
	want(t, r, "message_rejected", "rejected")
	if !strings.Contains(r.Detail, "answered 307") || elsewhere.sent() != 0 {
		t.Errorf("the detail is %q and %d messages went elsewhere, want the status and none", r.Detail, elsewhere.sent())
	}
}
