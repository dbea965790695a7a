package webpush_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// What follows from an answer for the next message.
const (
	sends     = ""               // it is sent
	waits     = "throttled"      // it is withheld for a while
	asksLater = "credential"     // it is withheld for 20 minutes
	stops     = "target_invalid" // it is withheld until the file changes
)

func TestProbe_AnswersAndTheirConsequences(t *testing.T) {
	t.Parallel()
	autopush := func(errno, message string) string {
		return `{"code":1,"errno":` + errno + `,"error":"An Error","message":"` + message + `"}`
	}
	const page = "<!DOCTYPE html>\n<html><head><TITLE>Bad\n Gateway</TITLE></head><body>nginx</body></html>"
	cases := []struct {
		name   string
		status int
		body   string
		retry  string // Retry-After
		word   string
		reason probe.Reason
		next   string
		said   string // part of the detail
	}{
		{name: "created", status: 201, word: "accepted"},
		{name: "accepted, receipt to come", status: 202, word: "accepted"},
		{name: "a success that no document knows", status: 200, word: "other", reason: "message_rejected", said: "answered 200, want it taken"},
		{name: "no content", status: 204, word: "other", reason: "message_rejected"},
		{name: "moved", status: 301, word: "other", reason: "message_rejected", said: "answered 301"},
		{name: "no crypto key", status: 400, body: autopush("101", "Missing necessary crypto keys"), word: "message_invalid", reason: "message_rejected", said: "answered 400 errno 101 Missing necessary crypto keys, want it taken"},
		{name: "no such router", status: 400, body: autopush("108", ""), word: "message_invalid", reason: "message_rejected", said: "errno 108 An Error"},
		{name: "wrong crypto key", status: 400, body: autopush("110", ""), word: "message_invalid", reason: "message_rejected"},
		{name: "missing header", status: 400, body: autopush("111", ""), word: "message_invalid", reason: "message_rejected", said: "errno 111"},
		{name: "wrong TTL", status: 400, body: autopush("112", ""), word: "message_invalid", reason: "message_rejected"},
		{name: "wrong topic", status: 400, body: autopush("113", ""), word: "message_invalid", reason: "message_rejected"},
		{name: "bad request in text", status: 400, body: "missing\tTTL\x07 header\n", word: "message_invalid", reason: "message_rejected", said: "answered 400 missing TTL header,"},
		{name: "key of another subscription, Apple", status: 400, body: `{"reason":"VapidPkHashMismatch"}`, word: "credential_rejected", reason: "push_credential_rejected", next: asksLater, said: "VapidPkHashMismatch"},
		{name: "key that is none, FCM", status: 400, body: "<HTML><HEAD><TITLE>UnauthorizedRegistration</TITLE></HEAD></HTML>", word: "credential_rejected", reason: "push_credential_rejected", next: asksLater, said: "answered 400 UnauthorizedRegistration"},
		{name: "signature", status: 401, body: autopush("109", "Invalid authentication"), word: "credential_rejected", reason: "push_credential_rejected", next: asksLater, said: "errno 109 Invalid authentication"},
		{name: "signature without a body", status: 401, word: "credential_rejected", reason: "push_credential_rejected", next: asksLater},
		{name: "signature, Apple", status: 403, body: `{"reason":"BadJwtToken"}`, word: "credential_rejected", reason: "push_credential_rejected", next: asksLater, said: "answered 403 BadJwtToken"},
		{name: "key of another subscription", status: 403, body: "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n", word: "credential_rejected", reason: "push_credential_rejected", next: asksLater, said: "do not correspond"},
		{name: "no such endpoint", status: 404, body: autopush("102", "Invalid URL endpoint"), word: "target_invalid", reason: "push_target_gone", next: stops, said: "errno 102"},
		{name: "expired subscription", status: 404, word: "target_gone", reason: "push_target_gone", next: stops},
		{name: "wrong method", status: 405, word: "other", reason: "message_rejected"},
		{name: "slowed down, Windows", status: 406, word: "throttled", reason: "push_rate_limited", next: waits},
		{name: "expired endpoint", status: 410, body: autopush("103", ""), word: "target_gone", reason: "push_target_gone", next: stops},
		{name: "receiver left meanwhile", status: 410, body: autopush("105", ""), word: "target_gone", reason: "push_target_gone", next: stops},
		{name: "unsubscribed", status: 410, body: autopush("106", "Invalid subscription"), word: "target_gone", reason: "push_target_gone", next: stops, said: "answered 410 errno 106 Invalid subscription"},
		{name: "unsubscribed, in text", status: 410, body: "push subscription has unsubscribed or expired.\n", word: "target_gone", reason: "push_target_gone", next: stops, said: "unsubscribed or expired"},
		{name: "too large", status: 413, body: autopush("104", ""), word: "message_invalid", reason: "message_rejected"},
		{name: "no such status", status: 418, word: "other", reason: "message_rejected"},
		{name: "too many", status: 429, retry: "120", word: "throttled", reason: "push_rate_limited", next: waits},
		{name: "too many, without a time", status: 429, body: autopush("201", ""), word: "throttled", reason: "push_rate_limited", next: waits},
		{name: "unknown error", status: 500, body: autopush("999", "Unknown error"), word: "provider_failed", reason: "push_provider_failed", said: "errno 999"},
		{name: "page of a proxy", status: 502, body: page, word: "provider_failed", reason: "push_provider_failed", said: "answered 502 Bad Gateway, want it taken"},
		{name: "page without a title", status: 502, body: "<html>", word: "provider_failed", reason: "push_provider_failed", said: "a page without a title"},
		{name: "key of the bridge", status: 502, body: autopush("901", "Invalid authentication"), word: "provider_failed", reason: "push_provider_failed"},
		{name: "unavailable until", status: 503, retry: "600", word: "provider_failed", reason: "push_provider_failed", next: waits},
		{name: "back off", status: 503, body: autopush("201", "Use exponential back-off"), word: "throttled", reason: "push_rate_limited", next: waits},
		{name: "try again", status: 503, body: autopush("202", ""), word: "provider_failed", reason: "push_provider_failed"},
		{name: "errno that no document knows", status: 410, body: autopush("777", "News"), word: "target_gone", reason: "push_target_gone", next: stops, said: "errno 777 News"},
		{name: "JSON that is no object", status: 500, body: `"broken"`, word: "provider_failed", reason: "push_provider_failed", said: `answered 500 "broken"`},
		{name: "very long", status: 500, body: strings.Repeat("long ", 100), word: "provider_failed", reason: "push_provider_failed", said: "long …, want it taken"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, pushservice.Options{})
			key, _ := newKey(t)
			file := private(t, "canary.json", subscriptionAt(t, "http://"+s.address+"/wpush/v2/abcdefgh"))
			p := fileProber(t, "none", file, nil, func(c *webpush.Config) {
				c.VAPIDKeyFile, c.Subject = private(t, "vapid", key), "https://example.com/contact"
			})
			s.answerWith(status(tc.status, tc.body, "Retry-After", tc.retry))
			r := take(t, p)
			outcome := "rejected"
			if tc.reason == "" {
				outcome = "unseen"
			}
			want(t, r, tc.reason, outcome)
			if got := label(r, "push_provider_responses_total"); got != tc.word {
				t.Errorf("the answer was %q, want %q", got, tc.word)
			}
			if !strings.Contains(r.Detail, tc.said) {
				t.Errorf("the detail is %q, want %q in it", r.Detail, tc.said)
			}
			wantHealth(t, r, tc.word)
			next := take(t, p)
			if tc.next == sends {
				if label(next, "push_skipped_total") != "" || s.sent() != 2 {
					t.Errorf("the next message was withheld (%s), want it sent", next.Detail)
				}
				return
			}
			wantWithheld(t, next, tc.reason, tc.next)
			if s.sent() != 1 {
				t.Errorf("%d messages were sent, want none after the first", s.sent())
			}
		})
	}
}

// wantHealth checks what an answer says about the key and the subscription.
func wantHealth(tb testing.TB, r probe.Result, word string) {
	tb.Helper()
	wants := map[string][2]string{
		"accepted": {"1", "1"}, "credential_rejected": {"0", ""}, "target_gone": {"", "0"}, "target_invalid": {"", "0"},
	}[word]
	for i, metric := range []string{"push_credential_ok", "push_target_valid"} {
		got := ""
		if v, ok := value(r, metric); ok {
			got = map[float64]string{0: "0", 1: "1"}[v]
		}
		if got != wants[i] {
			tb.Errorf("%s is %q, want %q", metric, got, wants[i])
		}
	}
}

func TestProbe_WaitsAsLongAsItIsAsked(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	p := fileProber(t, "receipt", c.file(), c.receipts, nil)
	s.answerWith(status(http.StatusTooManyRequests, "", "Retry-After", "1"))
	start := time.Now()
	want(t, take(t, p), "push_rate_limited", "rejected")
	s.answerWith(nil)
	var r probe.Result
	waitUntil(t, "the time to be over", func() bool {
		r = take(t, p)
		return label(r, "push_skipped_total") == ""
	})
	want(t, r, "", "delivered")
	if waited := time.Since(start); waited < time.Second {
		t.Errorf("the next message was sent after %v, want at least the second that was asked for", waited)
	}
}

func TestProbe_WaitsLongerEachTimeItIsNotTold(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := private(t, "canary.json", subscriptionAt(t, "http://"+s.address+"/wpush/v2/abcdefgh"))
	p := fileProber(t, "none", file, nil, nil)
	s.answerWith(status(http.StatusTooManyRequests, ""))
	want(t, take(t, p), "push_rate_limited", "rejected")
	r := take(t, p)
	wantWithheld(t, r, "push_rate_limited", "throttled")
	if !strings.Contains(r.Detail, "next try in 5m0s") && !strings.Contains(r.Detail, "next try in 4m59s") {
		t.Errorf("the detail is %q, want the interval of 5m as the first wait", r.Detail)
	}
}

func TestProbe_KeyThatTheSubscriptionIsNotFor(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	_, owner := newKey(t)
	other, _ := newKey(t)
	c := newCanary(t, s, owner)
	p := fileProber(t, "receipt", c.file(), c.receipts, func(conf *webpush.Config) {
		conf.VAPIDKeyFile, conf.Subject = private(t, "vapid", other), "mailto:push@example.com"
	})
	r := take(t, p)
	want(t, r, "push_credential_rejected", "rejected")
	wantValue(t, r, "push_credential_ok", 0)
	if got := rate(t, r).Rating; got != probe.Poor {
		t.Errorf("rated %v, want poor", got)
	}
	next := take(t, p)
	wantWithheld(t, next, "push_credential_rejected", "credential")
	if got := rate(t, next).Rating; got != probe.Poor {
		t.Errorf("a withheld message was rated %v, want poor for as long as the key is rejected", got)
	}
}

func TestProbe_DeadSubscriptionStopsUntilItIsBuiltAnew(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	p := fileProber(t, "receipt", c.file(), c.receipts, nil)
	want(t, take(t, p), "", "delivered")
	s.service.Reset()
	want(t, take(t, p), "push_target_gone", "rejected")
	for range 10 {
		r := take(t, p)
		wantWithheld(t, r, "push_target_gone", "target_invalid")
		if got := rate(t, r).Rating; got != probe.Unknown {
			t.Errorf("rated %v, want unknown: it says nothing about customers", got)
		}
	}
	if s.sent() != 2 {
		t.Errorf("%d messages were sent, want none after the subscription was gone", s.sent())
	}
	fresh := newCanary(t, s, "")
	want(t, take(t, fileProber(t, "receipt", fresh.file(), fresh.receipts, nil)), "", "delivered")
}
