package webpush_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// Two touchpoints with one state would hang up on each other: the second measures nothing and says why, and takes over
// when the first is gone, as after a change of the configuration.
func TestProbe_StateOfAnotherTouchpoint(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	kind := webpush.Kind(nil)
	of := func(file string) probe.Built {
		config := kind.NewConfig(probe.Push).(*webpush.Config)
		config.Receive, config.Service, config.StateFile, config.Window = "self", s.url(), file, window
		built, err := kind.Build(config, setup())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(built.Close)
		return built
	}
	file := filepath.Join(t.TempDir(), "state.json")
	first, second, other := of(file), of(file), of(filepath.Join(t.TempDir(), "state.json"))
	want(t, take(t, first.Prober), "", "delivered")
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	if r, err := second.Prober.Probe(ctx); err == nil || !strings.Contains(err.Error(), "is used by another touchpoint") {
		t.Errorf("got the reason %q and the error %v, want that the state is used by another touchpoint", r.Reason, err)
	}
	for range 2 {
		r := take(t, first.Prober)
		want(t, r, "", "delivered")
		wantFindings(t, r)
	}
	want(t, take(t, other.Prober), "", "delivered")
	first.Close()
	want(t, take(t, second.Prober), "", "delivered")
	if s.endpoints() != 2 {
		t.Errorf("messages went to %d subscriptions, want that of the file and that of the other", s.endpoints())
	}
}

// What a crash leaves of a state costs a new subscription, not the start of the agent.
func TestProbe_DamagedState(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "zeros": strings.Repeat("\x00", 300), "cut off": `{"service":"ws://`} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, pushservice.Options{})
			file := private(t, "state.json", text)
			r := take(t, selfProber(t, s, func(c *webpush.Config) { c.StateFile = file }))
			want(t, r, "", "delivered")
			if !strings.Contains(events(r), "the state file is damaged, so a new subscription is made") {
				t.Errorf("got the events %q, want that the state was damaged", events(r))
			}
			if got := subscriptionIn(t, file).Endpoint().Host; got != s.address {
				t.Errorf("the file has a subscription at %s, want %s", got, s.address)
			}
		})
	}
}

// A browser that is gone for the push service is asked for again when the file of its subscription is written again,
// even with the same content, and so is the time of it.
func TestProbe_SubscriptionWrittenAgain(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := newCanary(t, s, "").file()
	written := time.Now().Add(-time.Hour).Truncate(time.Second)
	touch := func(at time.Time) {
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch(written)
	p := fileProber(t, "none", file, nil, nil)
	s.answerWith(status(http.StatusGone, ""))
	gone := take(t, p)
	want(t, gone, "push_target_gone", "rejected")
	wantValue(t, gone, "push_target_refreshed_timestamp_seconds", float64(written.Unix()))
	s.answerWith(nil)
	if take(t, p); s.sent() != 1 {
		t.Fatalf("%d messages were sent, want the second withheld", s.sent())
	}
	touch(written.Add(time.Minute))
	again := take(t, p)
	want(t, again, "", "unseen")
	wantValue(t, again, "push_target_refreshed_timestamp_seconds", float64(written.Add(time.Minute).Unix()))
}

// A receiver whose message could not even be sent is as good as before.
func TestProbe_NeverSentLeavesTheReceiver(t *testing.T) {
	endpoint := newStage(t, pushservice.Options{})
	s := newStage(t, pushservice.Options{})
	s.greetWith(conversation(hello, `{"messageType":"register","status":200,"channelID":"$channel","pushEndpoint":"`+
		"http://"+endpoint.address+`/wpush/v2/x"}`))
	p := selfProber(t, s, nil)
	endpoint.off()
	for range 2 {
		want(t, take(t, p), "connect_refused", "unsent")
	}
	if s.upgrades != 1 {
		t.Errorf("the receiver connected %d times, want once: messages did not leave, and it heard nothing wrong", s.upgrades)
	}
}
