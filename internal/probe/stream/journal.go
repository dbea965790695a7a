package stream

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// journal collects what a probe saw on its way. It is used by one goroutine.
//
// The phases of opening connections stay in the evidence: whoever waits for a message does not wait for them.
type journal struct {
	start      time.Time
	exchanges  []probe.Exchange
	events     []probe.Event
	findings   []probe.Finding
	reconnects int

	clientCert          *x509.Certificate // that the agent shows; nil when it has none
	notBefore, notAfter time.Time         // of the certificate that ends first: both ends can be different services
}

func (j *journal) add(format string, args ...any) {
	j.events = append(j.events, probe.Event{At: time.Since(j.start), Text: fmt.Sprintf(format, args...)})
}

// exchanged notes what a request of this probe showed.
func (j *journal) exchanged(resp *httpx.Response) {
	if resp == nil {
		return
	}
	for _, exchange := range resp.Exchanges {
		j.exchange(exchange)
	}
	j.certificate(resp)
}

// exchange notes one exchange. Secrets are taken out of the texts of a result in place, so that results must have nothing
// in common.
func (j *journal) exchange(e probe.Exchange) {
	e.Header = slices.Clone(e.Header)
	j.exchanges = append(j.exchanges, e)
}

// reused notes a stream that an earlier probe opened: what it showed still holds, its times are not of this probe.
func (j *journal) reused(resp *httpx.Response) {
	for _, exchange := range resp.Exchanges {
		exchange.Phases = probe.Phases{}
		j.exchange(exchange)
	}
	j.certificate(resp)
}

func (j *journal) certificate(resp *httpx.Response) {
	if !resp.NotAfter.IsZero() && (j.notAfter.IsZero() || resp.NotAfter.Before(j.notAfter)) {
		j.notBefore, j.notAfter = resp.NotBefore, resp.NotAfter
	}
}

// dropped notes that the held stream had ended when the probe began.
func (j *journal) dropped(how string) {
	j.findings = append(j.findings, *probe.Findingf(push.Disconnected, "the receiver was disconnected since the last probe: %s", how))
	j.add("the receiver was disconnected since the last probe: %s", how)
}

// result returns a result with everything that was noted.
func (j *journal) result(up bool) probe.Result {
	r := probe.Result{
		Start:    j.start,
		Duration: time.Since(j.start),
		Findings: j.findings,
		Evidence: &probe.Evidence{Exchanges: j.exchanges, Events: j.events},
	}
	r.NoteCertificate(j.notBefore, j.notAfter, j.start)
	if own := j.clientCert; own != nil {
		push.NoteClientCertificate(&r, own.NotBefore, own.NotAfter, j.start)
	}
	ready := 0.0
	if up {
		ready = 1
	}
	r.Measurements = append(r.Measurements,
		probe.Measurement{Metric: push.ReceiverUp, Value: ready},
		probe.Measurement{Metric: push.ReceiverReconnects, Value: float64(j.reconnects)})
	return r
}
