package push

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// endingShare is how much of a certificate's lifetime is left when its renewal is overdue.
const endingShare = 8

// NoteClientCertificate adds to a result when the certificate that the agent logs in with ends, and a finding when less
// than an eighth of its lifetime is left at now.
func NoteClientCertificate(r *probe.Result, notBefore, notAfter, now time.Time) {
	r.Measurements = append(r.Measurements, probe.Measurement{
		Metric: CredentialExpiry, Label: ExpiryClientCert, Value: float64(notAfter.Unix()),
	})
	left, want := notAfter.Sub(now), notAfter.Sub(notBefore)/endingShare
	if left < want {
		r.Findings = append(r.Findings, *probe.Findingf(Ending, "client certificate ends %s, %v from now, want at least %v",
			notAfter.UTC().Format(time.DateTime), left.Round(time.Minute), want.Round(time.Minute)))
	}
}
