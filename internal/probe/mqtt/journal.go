package mqtt

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	publisher  = "publisher"
	subscriber = "subscriber"
)

// journal collects what a probe saw on its way. It is used by one goroutine.
//
// The phases of opening a connection stay in the evidence: the receiver of a message does not wait for them, so that
// they must neither explain a slow delivery nor be exported beside it.
type journal struct {
	start     time.Time
	exchanges []probe.Exchange
	events    []probe.Event
	findings  []probe.Finding
	measured  []probe.Measurement

	clientCert *x509.Certificate // that the agent shows; nil when it has none
}

func (j *journal) add(format string, args ...any) { j.addAt(time.Now(), format, args...) }

func (j *journal) addAt(at time.Time, format string, args ...any) {
	j.events = append(j.events, probe.Event{At: at.Sub(j.start), Text: fmt.Sprintf(format, args...)})
}

func (j *journal) measure(metric string, value float64) {
	j.measured = append(j.measured, probe.Measurement{Metric: metric, Value: value})
}

// opened notes a connection that this probe opened, or tried to.
func (j *journal) opened(exchange probe.Exchange) {
	j.exchanges = append(j.exchanges, exchange)
}

// reused notes a connection that an earlier probe opened: what it showed still holds, its times are not of this probe.
func (j *journal) reused(exchange probe.Exchange) {
	exchange.Phases = probe.Phases{}
	j.exchanges = append(j.exchanges, exchange)
}

// dropped notes that a held connection had ended when the probe began.
func (j *journal) dropped(role, farewell string) {
	text := role + " was disconnected since the last probe" + farewell
	j.add("%s", text)
	j.findings = append(j.findings, probe.Finding{Check: push.Disconnected, Detail: text})
}

// result returns a result with everything that was noted.
func (j *journal) result() probe.Result {
	r := probe.Result{
		Start:        j.start,
		Duration:     time.Since(j.start),
		Findings:     j.findings,
		Measurements: j.measured,
		Evidence:     &probe.Evidence{Exchanges: j.exchanges, Events: j.events},
	}
	certificate := j.weakestCertificate()
	r.NoteCertificate(certificate.NotBefore, certificate.NotAfter, j.start)
	if !certificate.NotAfter.IsZero() {
		r.Measurements = append(r.Measurements, probe.Measurement{
			Metric: push.CredentialExpiry, Label: push.ExpiryServerCert, Value: float64(certificate.NotAfter.Unix()),
		})
	}
	if own := j.clientCert; own != nil {
		push.NoteClientCertificate(&r, own.NotBefore, own.NotAfter, j.start)
	}
	return r
}

// weakestCertificate returns the certificate that ends first: publisher and subscriber can meet different brokers. It
// returns the zero value when there is none.
func (j *journal) weakestCertificate() probe.Cert {
	var weakest probe.Cert
	for i := range j.exchanges {
		facts := j.exchanges[i].TLS
		if facts == nil || len(facts.Chain) == 0 {
			continue
		}
		if leaf := facts.Chain[0]; weakest.NotAfter.IsZero() || leaf.NotAfter.Before(weakest.NotAfter) {
			weakest = leaf
		}
	}
	return weakest
}
