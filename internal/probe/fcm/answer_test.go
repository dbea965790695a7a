package fcm_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// What is done after an answer.
const (
	next = "" // the next message goes out when it is due
	stop = "none follows until its file changes"
)

// wait is what a result says that withholds a message for so long.
func wait(d time.Duration) string { return "next try in " + d.String() }

// fault is an answer and what follows from it.
type fault struct {
	name    string
	handle  http.HandlerFunc
	reason  probe.Reason
	word    string // of push_provider_responses_total
	detail  string
	after   string // what is done with the next message
	skipped string // label of push_skipped_total, when it is withheld
	ok      string // push_credential_ok; empty: no verdict
	valid   string // push_target_valid
}

// googleError is the body of an error of Google's APIs.
func googleError(status int, code, message string, details ...map[string]any) string {
	body := map[string]any{"code": status, "message": message, "status": code}
	if len(details) > 0 {
		body["details"] = details
	}
	return marshal(map[string]any{"error": body})
}

func fcmError(code string) map[string]any {
	return map[string]any{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
}

func badRequest(field, description string) map[string]any {
	return map[string]any{
		"@type":           "type.googleapis.com/google.rpc.BadRequest",
		"fieldViolations": []map[string]any{{"field": field, "description": description}},
	}
}

const (
	html502 = `<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>That's an error.</html>`
	oauth   = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."
)

// documented returns every answer to a message that is documented, and those that proxies and accidents make of them.
//
//nolint:maintidx // a table
func documented() []fault {
	const (
		rejected   = "message_rejected"
		credential = "push_credential_rejected"
		throttled  = "push_rate_limited"
		gone       = "push_target_gone"
		failing    = "push_provider_failed"
	)
	invalid := googleError(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token", fcmError("INVALID_ARGUMENT"))
	quota := googleError(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Send requests'.", fcmError("QUOTA_EXCEEDED"))
	return []fault{
		{
			"INVALID_ARGUMENT of the message", answer(400, "", googleError(400, "INVALID_ARGUMENT", "Invalid value at 'message.android.ttl'",
				badRequest("message.android.ttl", "Invalid value"))),
			rejected, "message_invalid", "answered 400 INVALID_ARGUMENT: Invalid value at 'message.android.ttl', want it taken", next, "", "", "",
		},
		{
			"INVALID_ARGUMENT of the token", answer(400, "", invalid),
			gone, "target_invalid", "answered 400 INVALID_ARGUMENT: The registration token is not a valid FCM registration token (token_file does not hold what the app got), want it taken",
			stop, "target_invalid", "1", "0",
		},
		{
			"INVALID_ARGUMENT of the field of the token", answer(400, "", googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.",
				fcmError("INVALID_ARGUMENT"), badRequest("message.token", "Invalid registration"))),
			gone, "target_invalid", "answered 400 INVALID_ARGUMENT: Request contains an invalid argument. (token_file does not hold what the app got), want it taken",
			stop, "target_invalid", "1", "0",
		},
		{
			"too large", answer(400, "", googleError(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")),
			rejected, "message_invalid", "answered 400 INVALID_ARGUMENT: Request contains an invalid argument., want it taken", next, "", "", "",
		},
		{
			"THIRD_PARTY_AUTH_ERROR", answer(401, "", googleError(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", fcmError("THIRD_PARTY_AUTH_ERROR"))),
			credential, "credential_rejected", "answered 401 THIRD_PARTY_AUTH_ERROR: Auth error from APNS or Web Push Service (the key for Apple or web push in the Firebase project), want it taken",
			wait(20 * time.Minute), "credential", "0", "",
		},
		{
			"UNAUTHENTICATED", answer(401, "", googleError(401, "UNAUTHENTICATED", oauth)),
			credential, "credential_rejected", "answered 401 UNAUTHENTICATED: " + oauth[:83] + "… (the access token), want it taken",
			wait(20 * time.Minute), "credential", "0", "",
		},
		{
			"SENDER_ID_MISMATCH", answer(403, "", googleError(403, "PERMISSION_DENIED", "SenderId mismatch", fcmError("SENDER_ID_MISMATCH"))),
			gone, "target_invalid", "answered 403 SENDER_ID_MISMATCH: SenderId mismatch (the token belongs to another project), want it taken", stop, "target_invalid", "1", "0",
		},
		{
			"PERMISSION_DENIED", answer(403, "", googleError(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied",
				map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED"})),
			credential, "credential_rejected",
			"answered 403 PERMISSION_DENIED: Permission 'cloudmessaging.messages.create' denied (the API is off, or the service account lacks the role), want it taken",
			wait(20 * time.Minute), "credential", "0", "",
		},
		{
			"UNREGISTERED", answer(404, "", googleError(404, "NOT_FOUND", "Requested entity was not found.", fcmError("UNREGISTERED"))),
			gone, "target_gone", "answered 404 UNREGISTERED: Requested entity was not found. (the app was removed from the device, or its token was replaced), want it taken",
			stop, "target_invalid", "1", "0",
		},
		{
			"UNREGISTERED in other words", answer(404, "", googleError(404, "NOT_FOUND", "No such registration token", fcmError("UNREGISTERED"))),
			gone, "target_gone", "answered 404 UNREGISTERED: No such registration token (the app was removed from the device, or its token was replaced), want it taken",
			stop, "target_invalid", "1", "0",
		},
		{
			"NOT_FOUND of the project", answer(404, "", googleError(404, "NOT_FOUND", "Requested entity was not found.")),
			credential, "credential_rejected", "answered 404 NOT_FOUND: Requested entity was not found. (the project is not known), want it taken",
			wait(20 * time.Minute), "credential", "0", "",
		},
		{
			"QUOTA_EXCEEDED with Retry-After", answer(429, "Retry-After: 600", quota),
			throttled, "throttled", "answered 429 QUOTA_EXCEEDED: Quota exceeded for quota metric 'Send requests'., want it taken", wait(10 * time.Minute), "throttled", "", "",
		},
		{
			"QUOTA_EXCEEDED without", answer(429, "", quota),
			throttled, "throttled", "answered 429 QUOTA_EXCEEDED: Quota exceeded for quota metric 'Send requests'., want it taken", wait(5 * time.Minute), "throttled", "", "",
		},
		{
			"RESOURCE_EXHAUSTED", answer(429, "", googleError(429, "RESOURCE_EXHAUSTED", "")),
			throttled, "throttled", "answered 429 RESOURCE_EXHAUSTED, want it taken", wait(5 * time.Minute), "throttled", "", "",
		},
		{
			"429 without a body", answer(429, "", ""),
			throttled, "throttled", "answered 429, want it taken", wait(5 * time.Minute), "throttled", "", "",
		},
		{
			"INTERNAL", answer(500, "", googleError(500, "INTERNAL", "Internal error encountered.", fcmError("INTERNAL"))),
			failing, "provider_failed", "answered 500 INTERNAL: Internal error encountered., want it taken", next, "", "", "",
		},
		{
			"UNAVAILABLE", answer(503, "", googleError(503, "UNAVAILABLE", "The service is currently unavailable.", fcmError("UNAVAILABLE"))),
			failing, "provider_failed", "answered 503 UNAVAILABLE: The service is currently unavailable., want it taken", next, "", "", "",
		},
		{
			"UNAVAILABLE with Retry-After", answer(503, "Retry-After: 1800", googleError(503, "UNAVAILABLE", "", fcmError("UNAVAILABLE"))),
			failing, "provider_failed", "answered 503 UNAVAILABLE, want it taken", wait(30 * time.Minute), "throttled", "", "",
		},
		{"a page of a gateway", answer(502, "", html502), failing, "provider_failed", "answered 502, want it taken", next, "", "", ""},
		{"a code that is new", answer(409, "", googleError(409, "ABORTED", "Try again.")), rejected, "other", "answered 409 ABORTED: Try again., want it taken", next, "", "", ""},
		{"a page that is not there", answer(404, "", "<h1>Not found</h1>"), rejected, "other", "answered 404, want it taken", next, "", "", ""},
		{"JSON of another form", answer(400, "", `{"error":"no"}`), rejected, "message_invalid", "answered 400, want it taken", next, "", "", ""},
		{"half a JSON", answer(500, "", `{"error":{"status":"INTER`), failing, "provider_failed", "answered 500, want it taken", next, "", "", ""},
		{"forbidden by a proxy", answer(403, "", "no"), credential, "credential_rejected", "answered 403, want it taken", wait(20 * time.Minute), "credential", "0", ""},
		{"too large for a proxy", answer(413, "", ""), rejected, "message_invalid", "answered 413, want it taken", next, "", "", ""},
		{"a portal", answer(200, "", "<h1>Welcome to our hotel</h1>"), rejected, "other", "answered 200 (no name of a message in it), want it taken", next, "", "", ""},
		{"no name", answer(200, "", `{"name":""}`), rejected, "other", "answered 200 (no name of a message in it), want it taken", next, "", "", ""},
		{"a name of something else", answer(200, "", `{"name":"projects/a/topics/b"}`), rejected, "other", "answered 200 (no name of a message in it), want it taken", next, "", "", ""},
		{"a name without an end", answer(200, "", `{"name":"projects/a/messages/"}`), rejected, "other", "answered 200 (no name of a message in it), want it taken", next, "", "", ""},
		{"accepted, with another status", answer(202, "", `{"name":"projects/a/messages/b"}`), rejected, "other", "answered 202, want it taken", next, "", "", ""},
	}
}

func TestProbe_EveryAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range documented() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			s.set(func(s *standin) { s.onSend = c.handle })
			r := s.take(patience)
			c.check(t, s, &r)
			if sent, asked := s.counts(); sent != 1 || asked != 1 {
				t.Errorf("got %d messages and %d token exchanges, want one of each: nothing is tried again", sent, asked)
			}
			c.checkNext(t, s)
		})
	}
}

// check compares a result with what it has to be.
func (c *fault) check(t *testing.T, s *subject, r *probe.Result) {
	t.Helper()
	if r.Reason != c.reason || r.Detail != c.detail || outcome(r) != "rejected" {
		t.Errorf("got %s, %q: %q, want %s: %q, rejected", r.Reason, outcome(r), r.Detail, c.reason, c.detail)
	}
	if _, ok := value(r, "push_provider_responses_total", c.word); !ok {
		t.Errorf("got %s, want the answer %q", marshal(r.Measurements), c.word)
	}
	for metric, want := range map[string]string{"push_credential_ok": c.ok, "push_target_valid": c.valid} {
		got := ""
		if v, ok := value(r, metric, ""); ok {
			got = fmt.Sprint(v)
		}
		if got != want {
			t.Errorf("%s is %q, want %q", metric, got, want)
		}
	}
	if len(r.Evidence.Exchanges) == 0 || len(r.Findings) != 0 {
		t.Errorf("got %d exchanges and the findings %v, want some, and none", len(r.Evidence.Exchanges), r.Findings)
	}
	s.hides(r.Detail)
}

// checkNext probes again and compares what is done with what has to be.
func (c *fault) checkNext(t *testing.T, s *subject) {
	t.Helper()
	sent, asked := s.counts()
	s.set(func(s *standin) { s.onSend, s.onToken = nil, nil })
	again := s.take(patience)
	sentAfter, askedAfter := s.counts()
	if c.after == next {
		if again.Reason != "" || sentAfter != sent+1 {
			t.Errorf("got %s: %s after %d messages, want the next one sent", again.Reason, again.Detail, sentAfter-sent)
		}
		return
	}
	if sentAfter != sent || askedAfter != asked {
		t.Errorf("got %d messages and %d token exchanges more, want none", sentAfter-sent, askedAfter-asked)
	}
	if again.Reason != c.reason || !strings.HasPrefix(again.Detail, "no message was sent: the last one was answered ") || !strings.HasSuffix(again.Detail, "; "+c.after) {
		t.Errorf("got %s: %q, want %s, and %q", again.Reason, again.Detail, c.reason, c.after)
	}
	if _, ok := value(&again, "push_skipped_total", c.skipped); !ok {
		t.Errorf("got %s, want one message skipped: %s", marshal(again.Measurements), c.skipped)
	}
}

// TestProbe_EveryAnswerWithEchoes has the provider repeat everything that it was told, in every field that people read.
func TestProbe_EveryAnswerWithEchoes(t *testing.T) {
	t.Parallel()
	for _, c := range documented() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			s.set(func(s *standin) {
				s.onSend = func(w http.ResponseWriter, r *http.Request) {
					_, proof, _ := strings.Cut(deviceToken, ":")
					echo := strings.Join([]string{deviceToken, proof, r.Header.Get("Authorization"), s.assertions[0]}, " ")
					w.Header().Set("Server", echo)
					c.handle(echoing{w, echo}, r)
				}
			})
			r := s.take(patience)
			if !strings.Contains(marshal(r), "[redacted]") {
				t.Errorf("got no echo, want it redacted: %s", marshal(r))
			}
			s.take(patience) // by the access token of the first, or withheld with its words
		})
	}
}

// echoing adds an echo to the messages of what is written.
type echoing struct {
	http.ResponseWriter
	echo string
}

func (e echoing) Write(p []byte) (int, error) {
	body := strings.ReplaceAll(string(p), `"message":"`, `"message":"`+e.echo+" ")
	body = strings.ReplaceAll(body, "<h1>", "<h1>"+e.echo)
	body = strings.ReplaceAll(body, `"name":"projects/a`, `"name":"projects/`+strings.ReplaceAll(e.echo, " ", "_"))
	_, err := e.ResponseWriter.Write([]byte(body))
	return len(p), err
}
