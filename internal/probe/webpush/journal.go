package webpush

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// journal collects what a probe saw on its way. It is used by one goroutine at a time.
type journal struct {
	start        time.Time
	exchanges    []probe.Exchange
	events       []probe.Event
	findings     []probe.Finding
	measurements []probe.Measurement
	refreshed    time.Time // when the subscription's file was written; zero when receive is self
	certificate  validity  // of the certificate that ends first
}

// validity is from when until when a certificate is valid; the zero value without TLS.
type validity struct{ notBefore, notAfter time.Time }

func (j *journal) add(text string) { j.addAt(time.Now(), "%s", text) }

func (j *journal) addAt(at time.Time, format string, args ...any) {
	j.events = append(j.events, probe.Event{At: at.Sub(j.start), Text: fmt.Sprintf(format, args...)})
}

func (j *journal) found(check probe.CheckID, format string, args ...any) {
	j.findings = append(j.findings, *probe.Findingf(check, format, args...))
}

func (j *journal) measure(metric string, value float64) {
	j.measurements = append(j.measurements, probe.Measurement{Metric: metric, Value: value})
}

// saw notes the certificate of a connection. Receiver and sender can meet different services.
func (j *journal) saw(v validity) {
	if j.certificate.notAfter.IsZero() || !v.notAfter.IsZero() && v.notAfter.Before(j.certificate.notAfter) {
		j.certificate = v
	}
}

// sent notes the exchange that a message was sent in. The path of an endpoint is a capability, and so is the Location that
// stands for the message.
func (j *journal) sent(resp *httpx.Response) {
	j.saw(validity{resp.NotBefore, resp.NotAfter})
	for i := range resp.Exchanges {
		exchange := resp.Exchanges[i]
		exchange.URL = protocol.Origin(resp.URL) + "/" + probe.Secret{}.String()
		exchange.Header = slices.DeleteFunc(slices.Clone(exchange.Header), func(h probe.Header) bool {
			return strings.EqualFold(h.Name, "Location")
		})
		j.exchanges = append(j.exchanges, exchange)
	}
}

// result returns a result with everything that was noted.
func (j *journal) result(secure bool) probe.Result {
	r := probe.Result{
		Start:        j.start,
		Duration:     max(1, time.Since(j.start)),
		Findings:     j.findings,
		Measurements: j.measurements,
		Evidence:     &probe.Evidence{Exchanges: j.exchanges, Events: j.events},
	}
	if secure {
		r.NoteCertificate(j.certificate.notBefore, j.certificate.notAfter, j.start)
	}
	return r
}
