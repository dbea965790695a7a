package apns_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// rate rates a result by its findings.
func rate(tb testing.TB, r *probe.Result) probe.Rating {
	tb.Helper()
	catalogue, err := probe.NewCatalogue([]probe.Kind{apns.Kind(ledger.New())})
	if err != nil {
		tb.Fatal(err)
	}
	return quality.Rate(catalogue, probe.Limits{}, r).Rating
}

func TestProbe_AcceptedAndNeverConfirmedIsLost(t *testing.T) {
	a := newApple(t)
	a.set(func(a *apple) { a.deliver = func(string) {} })
	built := a.build(t, func(c *apns.Config) { c.Window = 2 * time.Second })
	r := take(t, built.Prober)
	want(t, &r, push.Lost, "lost")
	if rate(t, &r) != probe.Poor {
		t.Errorf("rated %v, want poor", rate(t, &r))
	}
	// Its receipt came too late, and says nothing about the next message.
	for _, n := range a.messages() {
		if a.receipts.Confirm(n.receipt, time.Now()) {
			t.Error("the receipt of a lost message is still waited for")
		}
	}
	next := take(t, built.Prober)
	want(t, &next, push.Lost, "lost")
}

func TestProbe_ARefusedMessageIsNotWaitedFor(t *testing.T) {
	a := newApple(t)
	a.answers(http.StatusBadRequest, `{"reason":"BadTopic"}`)
	r := take(t, a.build(t, nil).Prober)
	want(t, &r, push.Rejected, "rejected")
	if a.receipts.Confirm(a.messages()[0].receipt, time.Now()) {
		t.Error("the receipt of a refused message is still waited for")
	}
}

// TestProbe_TwoHundredDroppedAreTwoHundredLost runs them at once. The window leaves a busy machine time for 200 handshakes.
func TestProbe_TwoHundredDroppedAreTwoHundredLost(t *testing.T) {
	const messages = 200
	a := newApple(t)
	a.set(func(a *apple) { a.deliver = func(string) {} })
	p := a.build(t, func(c *apns.Config) { c.Window = 12 * time.Second }).Prober
	var mu sync.Mutex
	ratings, endings := make(map[probe.Rating]int), make(map[string]int)
	var probing sync.WaitGroup
	for range messages {
		probing.Go(func() {
			r := take(t, p)
			mu.Lock()
			defer mu.Unlock()
			ratings[rate(t, &r)]++
			for _, ending := range labels(&r, "push_messages_total") {
				endings[ending]++
			}
		})
	}
	probing.Wait()
	if ratings[probe.Poor] != messages || endings["lost"] != messages {
		t.Errorf("rated %v, ended %v, want %d poor and lost", ratings, endings, messages)
	}
}

func TestProbe_LateIsAfterTheDeadline(t *testing.T) {
	a := newApple(t)
	a.set(func(a *apple) {
		a.deliver = func(receipt string) {
			time.AfterFunc(100*time.Millisecond, func() { a.receipts.Confirm(receipt, time.Now()) })
		}
	})
	r := take(t, a.build(t, func(c *apns.Config) { c.Deadline = time.Millisecond }).Prober)
	want(t, &r, "", "late", push.Late)
	if r.Duration < 100*time.Millisecond {
		t.Errorf("it took %v, want at least the 100ms of the device", r.Duration)
	}
	onTime := take(t, a.build(t, func(c *apns.Config) { c.Deadline = 15 * time.Second }).Prober)
	want(t, &onTime, "", "delivered")
}

func TestProbe_ArrivalDecidesOverTheAnswer(t *testing.T) {
	a := newApple(t)
	a.set(func(a *apple) {
		a.answer = func(_ http.ResponseWriter, r *http.Request) {
			a.receipts.Confirm(a.messages()[0].receipt, time.Now())
			<-r.Context().Done() // the device has it, and Apple says nothing
		}
	})
	r := take(t, a.build(t, func(c *apns.Config) { c.Deadline = 2 * time.Second }).Prober)
	want(t, &r, "", "delivered", push.Unacknowledged)
	if got := labels(&r, "push_provider_responses_total"); len(got) != 1 || got[0] != string(push.Unanswered) {
		t.Errorf("the answer counts as %q, want none", got)
	}
}

func TestProbe_AcceptanceAloneIsNeverMoreThanGood(t *testing.T) {
	a := newApple(t)
	built := a.build(t, acceptance)
	r := take(t, built.Prober)
	want(t, &r, "", "unseen", push.Unseen)
	if got := rate(t, &r); got != probe.Good {
		t.Errorf("rated %v, want good", got)
	}
	if accept, _ := r.Phases.Get(probe.Accept); accept != r.Duration {
		t.Errorf("it took %v, want the %v until Apple took it", r.Duration, accept)
	}
	if got := a.messages()[0].receipt; got != "" {
		t.Errorf("a device is asked for the receipt %q that nobody waits for", got)
	}
}

func TestProbe_ADeviceThatIsGoneSaysNothingAboutCustomers(t *testing.T) {
	a := newApple(t)
	a.answers(http.StatusGone, `{"reason":"ExpiredToken"}`)
	p := a.build(t, nil).Prober
	for range 2 {
		if r := take(t, p); rate(t, &r) != probe.Unknown {
			t.Errorf("rated %v because of %q, want unknown", rate(t, &r), r.Reason)
		}
	}
	if got := len(a.messages()); got != 1 {
		t.Errorf("%d messages were sent, want none after Apple's answer", got)
	}
	a.set(func(a *apple) { a.answer = nil })
	// A changed file makes the loader build the touchpoint anew.
	if r := take(t, a.build(t, nil).Prober); r.Reason != "" {
		t.Errorf("the next device fails with %q: %s", r.Reason, r.Detail)
	}
}

func TestProbe_NamesTheEntryOfAppleConsole(t *testing.T) {
	a := newApple(t)
	a.set(func(a *apple) {
		a.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Apns-Unique-Id", "8fbf3b05-61a1-4a57-9b3c-0d2a9ac17b38")
			w.WriteHeader(http.StatusOK)
		}
	})
	r := take(t, a.build(t, func(c *apns.Config) { c.Window = 2 * time.Second }).Prober)
	want(t, &r, push.Lost, "lost")
	if !strings.Contains(r.Detail, "apns-unique-id 8fbf3b05-61a1-4a57-9b3c-0d2a9ac17b38") {
		t.Errorf("the detail is %q, want the id of the delivery log in it", r.Detail)
	}
}
