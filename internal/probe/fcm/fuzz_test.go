package fcm_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
	"github.com/channelwatch/channelwatch/internal/push"
)

// FuzzAnswer reads foreign bodies. Whatever they hold, they have one of the words, and what they say is a short line.
func FuzzAnswer(f *testing.F) {
	secrets := probe.NewRedaction(deviceToken)
	for _, seed := range []string{
		"", "null", "{}", `{"name":"projects/a/messages/b"}`, `{"name":7}`, html502, `{"error":"invalid_grant","error_description":"\u0000x"}`, `{"error":{"details":[null,{}]}}`,
		googleError(400, "INVALID_ARGUMENT", deviceToken, fcmError("INVALID_ARGUMENT"), badRequest("message.token", "no")),
		googleError(404, "NOT_FOUND", "", fcmError("UNREGISTERED")), "{\"error\":\"\xff\xfe\"}",
	} {
		for _, status := range []int{200, 400, 404, 503} {
			f.Add(status, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for i, a := range fcm.ReadAnswers(status, body, secrets) {
			if !slices.Contains(push.Words(), string(a.Word)) || a.Word == push.Unanswered {
				t.Errorf("got the word %q", a.Word)
			}
			if a.Word == push.Accepted && (status < 200 || status > 299) {
				t.Errorf("status %d was taken for acceptance", status)
			}
			if a.Word == push.Accepted && i == 0 && !strings.Contains(string(body), "messages") {
				t.Errorf("%q was taken for acceptance", body)
			}
			if len(a.Said) > 103 || !utf8.ValidString(a.Said) || strings.ContainsAny(a.Said, "\r\n\t\x00") || strings.Contains(a.Said, deviceToken) {
				t.Errorf("said %q, want one short line without secrets", a.Said)
			}
		}
	})
}
