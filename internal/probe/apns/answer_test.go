package apns_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// consequence is what follows from an answer for the messages after it.
type consequence struct {
	wait time.Duration // the next message is withheld for so long; 0: it is sent
	stop bool          // none follows until a file changes
}

// The consequences that Apple's documentation asks for.
func waits(d time.Duration) consequence { return consequence{wait: d} }

func stops() consequence { return consequence{stop: true} }

func goesOn() consequence { return consequence{} }

// answerCase is one answer of Apple and what has to follow.
type answerCase struct {
	status int
	reason string // empty: the body is not Apple's
	word   push.Word
	then   consequence
	says   string // in the detail; empty: the reason alone
}

// answerCases are all lines of Apple's table (Handling notification responses from APNs), and what it does not name.
func answerCases() []answerCase {
	const credential, failing = 20 * time.Minute, 15 * time.Minute
	return []answerCase{
		{400, "BadCollapseId", push.MessageInvalid, goesOn(), ""},
		{400, "BadDeviceToken", push.TargetInvalid, stops(), "not a token of the environment production, it may be one of sandbox"},
		{400, "BadExpirationDate", push.MessageInvalid, goesOn(), ""},
		{400, "BadMessageId", push.MessageInvalid, goesOn(), ""},
		{400, "BadPriority", push.MessageInvalid, goesOn(), ""},
		{400, "BadTopic", push.MessageInvalid, goesOn(), "bundle id"},
		{400, "DeviceTokenNotForTopic", push.TargetInvalid, stops(), "another app"},
		{400, "DuplicateHeaders", push.MessageInvalid, goesOn(), ""},
		{400, "IdleTimeout", push.ProviderFailed, goesOn(), ""},
		{400, "InvalidPushType", push.MessageInvalid, goesOn(), ""},
		{400, "MissingDeviceToken", push.MessageInvalid, goesOn(), ""},
		{400, "MissingTopic", push.MessageInvalid, goesOn(), ""},
		{400, "PayloadEmpty", push.MessageInvalid, goesOn(), ""},
		{400, "TopicDisallowed", push.CredentialRejected, waits(credential), "may not send to this topic"},
		{403, "BadCertificate", push.CredentialRejected, waits(credential), ""},
		{403, "BadCertificateEnvironment", push.CredentialRejected, waits(credential), ""},
		{403, "ExpiredProviderToken", push.CredentialRejected, waits(credential), "clock"},
		{403, "Forbidden", push.CredentialRejected, waits(credential), ""},
		{403, "InvalidProviderToken", push.CredentialRejected, waits(credential), "key_id"},
		{403, "MissingProviderToken", push.CredentialRejected, waits(credential), ""},
		{403, "UnrelatedKeyIdInToken", push.CredentialRejected, waits(credential), "key_id"},
		{403, "BadEnvironmentKeyIdInToken", push.CredentialRejected, waits(credential), "sandbox"},
		{404, "BadPath", push.MessageInvalid, goesOn(), ""},
		{405, "MethodNotAllowed", push.MessageInvalid, goesOn(), ""},
		{410, "ExpiredToken", push.TargetGone, stops(), ""},
		{410, "Unregistered", push.TargetGone, stops(), "switched off"},
		{413, "PayloadTooLarge", push.MessageInvalid, goesOn(), ""},
		{429, "TooManyProviderTokenUpdates", push.Throttled, waits(20 * time.Minute), "changes its token too often"},
		{429, "TooManyRequests", push.Throttled, waits(every), "too many messages"},
		{500, "InternalServerError", push.ProviderFailed, waits(failing), ""},
		{503, "ServiceUnavailable", push.ProviderFailed, waits(failing), ""},
		{503, "Shutdown", push.ProviderFailed, waits(failing), ""},

		{400, "BadMood", push.Other, goesOn(), ""},
		{403, "BadMood", push.CredentialRejected, waits(credential), ""},
		{410, "BadMood", push.TargetGone, stops(), ""},
		{429, "BadMood", push.Throttled, waits(every), ""},
		{500, "BadMood", push.ProviderFailed, waits(failing), ""},
		{500, "BadDeviceToken", push.ProviderFailed, waits(failing), ""}, // another status than documented
		{400, "", push.Other, goesOn(), "answered 400, want"},
		{401, "", push.CredentialRejected, waits(credential), "answered 401, want"},
		{404, "", push.Other, goesOn(), "answered 404, want"},
		{410, "", push.TargetGone, stops(), "answered 410, want"},
		{429, "", push.Throttled, waits(every), "answered 429, want"},
		{502, "", push.ProviderFailed, waits(failing), "answered 502, want"},
		{204, "", push.Other, goesOn(), "answered 204, want"},
		{308, "", push.Other, goesOn(), "answered 308, want"},
	}
}

// TestProbe_EveryAnswerHasItsConsequence sends a message, is answered, and probes once more.
func TestProbe_EveryAnswerHasItsConsequence(t *testing.T) {
	a := newApple(t)
	for _, tc := range answerCases() {
		t.Run(fmt.Sprintf("%d %s", tc.status, tc.reason), func(t *testing.T) {
			body := `{"reason":"` + tc.reason + `"}`
			switch {
			case tc.status == http.StatusNoContent:
				body = ""
			case tc.reason == "":
				body = "<html><title>Bad gateway</title>"
			}
			a.answers(tc.status, body, "Location", "https://elsewhere.example/")
			p := a.build(t, acceptance).Prober
			before := len(a.messages())
			r := take(t, p)
			tc.checkRefusal(t, &r)
			if sent := len(a.messages()) - before; sent != 1 {
				t.Fatalf("%d messages were sent, want 1 that is never repeated", sent)
			}
			a.set(func(a *apple) { a.answer = nil })
			next := take(t, p)
			tc.checkNext(t, &next, len(a.messages())-before-1)
		})
	}
}

// checkRefusal checks the result of the message that was answered.
func (tc *answerCase) checkRefusal(t *testing.T, r *probe.Result) {
	t.Helper()
	want(t, r, tc.check(), "rejected")
	if got := labels(r, "push_provider_responses_total"); fmt.Sprint(got) != fmt.Sprint([]push.Word{tc.word}) {
		t.Errorf("the answer counts as %v, want %q", got, tc.word)
	}
	for _, text := range []string{fmt.Sprintf("answered %d", tc.status), tc.reason, tc.says} {
		if !strings.Contains(r.Detail, text) {
			t.Errorf("the detail is %q, want %q in it", r.Detail, text)
		}
	}
	ok, valid := -1.0, -1.0
	switch tc.word {
	case push.CredentialRejected:
		ok = 0
	case push.TargetGone, push.TargetInvalid:
		valid = 0
	}
	if got := value(r, "push_credential_ok"); got != ok {
		t.Errorf("push_credential_ok is %v, want %v (-1: absent)", got, ok)
	}
	if got := value(r, "push_target_valid"); got != valid {
		t.Errorf("push_target_valid is %v, want %v (-1: absent)", got, valid)
	}
}

// check is the reason of a message that was answered so.
func (tc *answerCase) check() probe.Reason { return push.Answer{Word: tc.word}.Check() }

// checkNext checks what became of the next message. Sent is how many were.
func (tc *answerCase) checkNext(t *testing.T, r *probe.Result, sent int) {
	t.Helper()
	if tc.then == goesOn() {
		if sent != 1 || r.Reason != "" {
			t.Errorf("the next probe sent %d messages with the reason %q, want one that is taken", sent, r.Reason)
		}
		return
	}
	if sent != 0 || r.Reason != tc.check() || r.Duration <= 0 {
		t.Errorf("the next probe sent %d messages and has the reason %q after %v, want none, %q and a duration", sent, r.Reason, r.Duration, tc.check())
	}
	why := map[push.Word]string{push.CredentialRejected: "credential", push.TargetGone: "target_invalid", push.TargetInvalid: "target_invalid"}[tc.word]
	if why == "" {
		why = "throttled"
	}
	if got := labels(r, "push_skipped_total"); fmt.Sprint(got) != fmt.Sprint([]string{why}) {
		t.Errorf("withheld because of %v, want %q", got, why)
	}
	match := regexp.MustCompile(`next try in (\S+)$`).FindStringSubmatch(r.Detail)
	if tc.then.stop {
		if match != nil || !strings.HasSuffix(r.Detail, "none follows until its file changes") {
			t.Errorf("the detail is %q, want that no message follows", r.Detail)
		}
		return
	}
	if match == nil {
		t.Fatalf("the detail is %q, want when the next message goes out", r.Detail)
	}
	left, err := time.ParseDuration(match[1])
	if err != nil || left > tc.then.wait || left < tc.then.wait-time.Minute {
		t.Errorf("the next message goes out in %v (%v), want %v", left, err, tc.then.wait)
	}
}

func TestProbe_WaitsAsLongAsAppleAsks(t *testing.T) {
	a := newApple(t)
	cases := []struct {
		name   string
		status int
		reason string
		after  string
		want   time.Duration
	}{
		{"too many, an hour", 429, "TooManyRequests", "3600", time.Hour},
		{"too many token updates, a second", 429, "TooManyProviderTokenUpdates", "1", 20 * time.Minute},
		{"too many token updates, an hour", 429, "TooManyProviderTokenUpdates", "3600", time.Hour},
		{"out of order, a second", 503, "ServiceUnavailable", "1", 15 * time.Minute},
		{"out of order, an hour", 503, "ServiceUnavailable", "3600", time.Hour},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a.answers(tc.status, `{"reason":"`+tc.reason+`"}`, "Retry-After", tc.after)
			p := a.build(t, acceptance).Prober
			take(t, p)
			next := take(t, p)
			_, text, _ := strings.Cut(next.Detail, "next try in ")
			left, err := time.ParseDuration(text)
			if err != nil || left > tc.want || left < tc.want-time.Minute {
				t.Errorf("the next message goes out in %v (%v), want %v", left, err, tc.want)
			}
		})
	}
}

func TestProbe_SaysSinceWhenTheDeviceIsGone(t *testing.T) {
	a := newApple(t)
	cases := []struct{ name, timestamp, want string }{
		{"a time", "1458114061260", "(gone since 2016-03-16 07:41 UTC)"},
		{"none", "0", "(the app was removed"},
		{"before 1970", "-5", "(the app was removed"},
		{"far future", "9e17", "(the app was removed"},
		{"a text", `"yesterday"`, "(the app was removed"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a.answers(http.StatusGone, `{"reason":"Unregistered","timestamp":`+tc.timestamp+`}`)
			r := take(t, a.build(t, nil).Prober)
			want(t, &r, push.Gone, "rejected")
			if !strings.Contains(r.Detail, tc.want) {
				t.Errorf("the detail is %q, want %q in it", r.Detail, tc.want)
			}
		})
	}
}
