package apns_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/apns"
)

// FuzzParseBody feeds what may answer in place of Apple.
func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{
		"", "{", `{"reason":"BadDeviceToken"}`, `{"reason":"Unregistered","timestamp":1458114061260}`, `{"reason":1}`,
		`{"reason":"x","timestamp":"soon"}`, `{"timestamp":1e300}`, "<html>", "\xff\xfe", `{"reason":"\u0000\n"}`, "null", "[]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		reason, since := apns.ParseBody(body)
		if len(reason) > 3*len(body) {
			t.Errorf("%d bytes have a reason of %d", len(body), len(reason))
		}
		if !since.IsZero() && (since.Before(time.Unix(0, 0)) || since.UTC().Year() > 9999) {
			t.Errorf("%q says gone since %v, want a time between 1970 and 9999", body, since)
		}
	})
}
