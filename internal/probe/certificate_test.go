package probe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestResult_NoteCertificate(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end := start.Add(48 * 24 * time.Hour)
	tests := []struct {
		name string
		now  time.Time
		want probe.CheckID
	}{
		{"fresh", start, ""},
		{"a third is left", start.Add(32 * 24 * time.Hour), ""},
		{"less than a third is left", start.Add(32*24*time.Hour + time.Second), probe.CertificateExpiring},
		{"an eighth is left", start.Add(42 * 24 * time.Hour), probe.CertificateExpiring},
		{"less than an eighth is left", start.Add(42*24*time.Hour + time.Second), probe.CertificateOverdue},
		{"a second is left", end.Add(-time.Second), probe.CertificateOverdue},
		{"over", end, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var result probe.Result
			result.NoteCertificate(start, end, tt.now)
			want := []probe.Measurement{
				{Metric: "tls_certificate_not_after_timestamp_seconds", Value: float64(end.Unix())},
				{Metric: "tls_certificate_not_before_timestamp_seconds", Value: float64(start.Unix())},
			}
			if diff := cmp.Diff(want, result.Measurements); diff != "" {
				t.Errorf("measurements (-want +got):\n%s", diff)
			}
			var got probe.CheckID
			if len(result.Findings) > 0 {
				got = result.Findings[0].Check
			}
			if got != tt.want || len(result.Findings) > 1 {
				t.Errorf("got findings %+v, want %q", result.Findings, tt.want)
			}
		})
	}
}

func TestResult_NoteCertificateWithoutTLS(t *testing.T) {
	t.Parallel()
	var result probe.Result
	result.NoteCertificate(time.Time{}, time.Time{}, time.Now())
	if len(result.Measurements) != 0 || len(result.Findings) != 0 {
		t.Errorf("got %+v, want nothing", result)
	}
}

func TestResult_NoteCertificateDetail(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var result probe.Result
	result.NoteCertificate(start, start.Add(100*24*time.Hour), start.Add(90*24*time.Hour))
	want := "certificate ends 2026-04-11 00:00 UTC: 10.0 days or 10 % of its lifetime left, want at least 1/8"
	if f := result.Find(probe.CertificateOverdue); f == nil || f.Detail != want {
		t.Errorf("got %+v, want detail %s", result.Findings, want)
	}
}

func TestCertificateMetrics_AreThoseNoted(t *testing.T) {
	t.Parallel()
	var result probe.Result
	result.NoteCertificate(time.Unix(1, 0), time.Unix(2, 0), time.Unix(1, 0))
	var noted, declared []string
	for _, m := range result.Measurements {
		noted = append(noted, m.Metric)
	}
	for _, m := range probe.CertificateMetrics() {
		declared = append(declared, m.Name)
		if m.Type != probe.Gauge || m.Label != "" || !strings.HasSuffix(m.Help, ".") {
			t.Errorf("got %+v, want a gauge without label and with a sentence", m)
		}
	}
	if diff := cmp.Diff(declared, noted); diff != "" {
		t.Errorf("metrics (-declared +noted):\n%s", diff)
	}
}
