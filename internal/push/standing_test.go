package push_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// Each answer has its consequence for the messages after it.
func TestStanding_Note(t *testing.T) {
	t.Parallel()
	const every = 5 * time.Minute
	always := time.Duration(-1)
	tests := []struct {
		name    string
		answers []push.Answer
		held    time.Duration // until the next message goes out, since the last answer; always: none does
		reason  probe.Reason
		why     string
	}{
		{"accepted", []push.Answer{{Word: push.Accepted}}, 0, "", ""},
		{"no answer", []push.Answer{{Word: push.Unanswered}}, 0, "", ""},
		{"this message only", []push.Answer{{Word: push.MessageInvalid}}, 0, "", ""},
		{"what nobody knows", []push.Answer{{Word: push.Other}}, 0, "", ""},
		{"provider fails", []push.Answer{{Word: push.ProviderFailed}}, 0, "", ""},
		{
			"provider fails and asks to wait",
			[]push.Answer{{Word: push.ProviderFailed, RetryAfter: 15 * time.Minute}},
			15 * time.Minute, push.Failing, push.SkippedThrottled,
		},
		{
			"provider fails and asks to wait for a day",
			[]push.Answer{{Word: push.ProviderFailed, RetryAfter: 24 * time.Hour}},
			time.Hour, push.Failing, push.SkippedThrottled,
		},
		{"accepted and a time", []push.Answer{{Word: push.Accepted, RetryAfter: time.Minute}}, 0, "", ""},
		{"no answer and a time", []push.Answer{{Word: push.Unanswered, RetryAfter: time.Minute}}, 0, "", ""},
		{"this message only and a time", []push.Answer{{Word: push.MessageInvalid, RetryAfter: time.Minute}}, 0, "", ""},
		{"what nobody knows and a time", []push.Answer{{Word: push.Other, RetryAfter: time.Minute}}, 0, "", ""},
		{
			"credential and a longer time",
			[]push.Answer{{Word: push.CredentialRejected, RetryAfter: time.Hour}},
			time.Hour, push.BadCredential, push.SkippedCredential,
		},
		{"too many", []push.Answer{{Word: push.Throttled}}, every, push.RateLimited, push.SkippedThrottled},
		{"too many again", []push.Answer{{Word: push.Throttled}, {Word: push.Throttled}}, 2 * every, push.RateLimited, push.SkippedThrottled},
		{
			"too many for ever",
			[]push.Answer{{Word: push.Throttled}, {Word: push.Throttled}, {Word: push.Throttled}, {Word: push.Throttled}, {Word: push.Throttled}, {Word: push.Throttled}},
			time.Hour, push.RateLimited, push.SkippedThrottled,
		},
		{
			"too many, accepted, too many",
			[]push.Answer{{Word: push.Throttled}, {Word: push.Throttled}, {Word: push.Accepted}, {Word: push.Throttled}},
			every, push.RateLimited, push.SkippedThrottled,
		},
		{"too many and a time", []push.Answer{{Word: push.Throttled, RetryAfter: 2 * time.Hour}}, 2 * time.Hour, push.RateLimited, push.SkippedThrottled},
		{"too many and a month", []push.Answer{{Word: push.Throttled, RetryAfter: 720 * time.Hour}}, 24 * time.Hour, push.RateLimited, push.SkippedThrottled},
		{"credential", []push.Answer{{Word: push.CredentialRejected}}, 20 * time.Minute, push.BadCredential, push.SkippedCredential},
		{"device gone", []push.Answer{{Word: push.TargetGone}}, always, push.Gone, push.SkippedTarget},
		{"no such device", []push.Answer{{Word: push.TargetInvalid, RetryAfter: time.Second}}, always, push.Gone, push.SkippedTarget},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var s push.Standing
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			for _, a := range test.answers {
				s.Note(now, a, every)
			}
			var before, after probe.Result
			switch test.held {
			case always:
				if !s.Withhold(now.Add(1e5*time.Hour), &before) {
					t.Fatal("a message went out to a target that is gone")
				}
			case 0:
				if s.Withhold(now, &before) {
					t.Fatalf("withheld: %s", before.Detail)
				}
				return
			default:
				if !s.Withhold(now.Add(test.held-1), &before) {
					t.Fatalf("sent before %v were over", test.held)
				}
				if s.Withhold(now.Add(test.held), &after) {
					t.Fatalf("still withheld after %v: %s", test.held, after.Detail)
				}
			}
			if before.Reason != test.reason || before.Detail == "" || only(t, &before, push.SkippedTotal) != test.why {
				t.Errorf("got %q (%s) %v, want %q because of %q", before.Reason, before.Detail, before.Measurements, test.reason, test.why)
			}
		})
	}
}

// A target that is gone is tried again when its file is written anew, and only then. Nothing else is.
func TestStanding_TargetWritten(t *testing.T) {
	t.Parallel()
	written := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for word, freed := range map[push.Word]bool{push.TargetGone: true, push.TargetInvalid: true, push.Throttled: false, push.CredentialRejected: false} {
		var s push.Standing
		var r probe.Result
		now := written.Add(time.Hour)
		s.TargetWritten(written)
		s.Note(now, push.Answer{Word: word}, time.Hour)
		if s.TargetWritten(written); !s.Withhold(now, &r) {
			t.Errorf("%s: a message went out, and nobody wrote the file", word)
		}
		if s.TargetWritten(written.Add(time.Minute)); s.Withhold(now, &r) == freed {
			t.Errorf("%s: with the file written anew a message goes out: %t, want %t", word, !freed, freed)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "0": 0, "-5": 0, "1.5": 0, "99999999999999999999": 0, "soon": 0,
		"Sun, 22 Nov 2026 12:10:00 GMT": 10 * time.Minute, "Sun, 22 Nov 2026 11:10:00 GMT": 0,
	}
	for text, want := range tests {
		if got := push.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestTimes_Within(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		times push.Times
		want  push.Times // zero: a mistake
	}{
		{"defaults", push.Times{}, push.Times{Deadline: 5 * time.Second, Window: 20 * time.Second}},
		{"a short window", push.Times{Window: 2 * time.Second}, push.Times{Deadline: 2 * time.Second, Window: 2 * time.Second}},
		{"both", push.Times{Deadline: time.Second, Window: 24 * time.Second}, push.Times{Deadline: time.Second, Window: 24 * time.Second}},
		{"no time to connect", push.Times{Window: 25 * time.Second}, push.Times{}},
		{"deadline after the window", push.Times{Deadline: 3 * time.Second, Window: 2 * time.Second}, push.Times{}},
		{"below zero", push.Times{Window: -1}, push.Times{}},
		{"deadline below zero", push.Times{Deadline: -1}, push.Times{}},
	}
	for _, test := range tests {
		got, err := test.times.Within(25 * time.Second)
		if got != test.want || (err != nil) != (test.want == push.Times{}) {
			t.Errorf("%s: got %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}
