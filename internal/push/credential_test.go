package push_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

func TestNoteClientCertificate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const life = 80 * time.Hour
	for name, test := range map[string]struct {
		left time.Duration
		want string // detail of the finding; empty for none
	}{
		"young":   {70 * time.Hour, ""},
		"due":     {10 * time.Hour, ""},
		"overdue": {10*time.Hour - time.Minute, "client certificate ends 2026-11-22 21:59:00, 9h59m0s from now, want at least 10h0m0s"},
		"ended":   {-time.Hour, "client certificate ends 2026-11-22 11:00:00, -1h0m0s from now, want at least 10h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			var r probe.Result
			ends := now.Add(test.left)
			push.NoteClientCertificate(&r, ends.Add(-life), ends, now)
			if got := r.Measurements[0]; got != (probe.Measurement{Metric: push.CredentialExpiry, Label: "tls_client", Value: float64(ends.Unix())}) {
				t.Errorf("measured %+v, want the end at %d", got, ends.Unix())
			}
			detail := ""
			if f := r.Find(push.Ending); f != nil {
				detail = f.Detail
			}
			if detail != test.want {
				t.Errorf("got %q, want %q", detail, test.want)
			}
		})
	}
}
