package probe

import (
	"fmt"
	"time"
)

// The metrics of every kind that speaks TLS; see CertificateMetrics.
const (
	CertificateNotAfter  = "tls_certificate_not_after_timestamp_seconds"
	CertificateNotBefore = "tls_certificate_not_before_timestamp_seconds"
)

// Shares of a certificate's lifetime. Public certificates live at most 200 days since March 2026 and 47 days from
// 2029 (CA/Browser Forum ballot SC-081v3), so a warning a fixed number of days ahead comes too early or too late.
const (
	renewalShare = 1.0 / 3 // renewal software renews when less than this is left
	overdueShare = 1.0 / 8 // renewal has failed for most of the time that it had
)

const (
	dateLayout  = "2006-01-02 15:04 MST"
	hoursPerDay = 24
)

// CertificateMetrics declares the measurements of a server certificate. Every kind that speaks TLS adds them to its
// Metrics, and their names to the Profile of each touchpoint that uses TLS.
func CertificateMetrics() []Metric {
	return []Metric{
		{Name: CertificateNotAfter, Help: "End of the validity of the server's certificate that expires first, in Unix time.", Type: Gauge},
		{Name: CertificateNotBefore, Help: "Start of the validity of the server's certificate that expires first, in Unix time.", Type: Gauge},
	}
}

// NoteCertificate adds what is known of the server certificate at time now: its dates as measurements and, when little
// of its lifetime is left, a finding. Zero dates stand for a connection without certificate and add nothing. An expired
// certificate is not noted as expiring: the handshake has failed with its own reason.
func (r *Result) NoteCertificate(notBefore, notAfter, now time.Time) {
	if notBefore.IsZero() || notAfter.IsZero() {
		return
	}
	r.Measurements = append(r.Measurements,
		Measurement{Metric: CertificateNotAfter, Value: float64(notAfter.Unix())},
		Measurement{Metric: CertificateNotBefore, Value: float64(notBefore.Unix())})
	left, lifetime := notAfter.Sub(now), notAfter.Sub(notBefore)
	if left <= 0 || lifetime <= 0 {
		return
	}
	check, want := CertificateExpiring, "1/3"
	share := float64(left) / float64(lifetime)
	switch {
	case share >= renewalShare:
		return
	case share < overdueShare:
		check, want = CertificateOverdue, "1/8"
	}
	r.Findings = append(r.Findings, Finding{Check: check, Detail: fmt.Sprintf(
		"certificate ends %s: %.1f days or %.0f %% of its lifetime left, want at least %s",
		notAfter.UTC().Format(dateLayout), left.Hours()/hoursPerDay, share*100, want)})
}
