// Package api is the kind that calls an HTTP API as an app or a partner's system does: one request on a new connection,
// redirects followed within a policy, and an answer that is checked for status, header, content and JSON values.
// Marketers care because the app is only as good as the calls behind its screens.
//
// It imports packages probe, httpx and assert. It keeps no connection and no state between probes, and it never rates.
package api

import (
	"context"
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// responseBytes is the name of the kind's own metric.
const responseBytes = "api_response_bytes"

// Kind returns the kind. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "api",
		Summary: "Calls an HTTP API and checks status, header and JSON values: an app is only as good as the calls behind its screens.",
		Sample:  sample,
		Checks:  assert.Checks(),
		Metrics: append(probe.CertificateMetrics(), probe.Metric{
			Name: responseBytes, Help: "Body of the response as transferred, in bytes.", Type: probe.Gauge,
		}),
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, new(builder).build)
}

// limits returns the default speed limits of one call on a new connection.
//
// People wait for a call from an app or a page. They feel one second as an interruption and lose track at ten (Miller
// 1968, Nielsen 1993), and a screen makes about three calls one after another: a third of a second is excellent, because
// the screen stays within a second, one second is good, and three seconds leave the screen just within ten. Nobody looks
// at the other types while they wait: there the limits guard against queues that build up.
func limits(t probe.ChannelType) probe.Limits {
	switch t {
	case probe.MobileApp, probe.MobileWeb, probe.DesktopWeb:
		return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
	case probe.DesktopDisplay, probe.MobileDisplay, probe.Social, probe.Push, probe.Email, probe.Integration, probe.Custom:
	}
	return probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 5 * time.Second}
}

// prober calls one API.
type prober struct {
	client      *httpx.Client
	request     httpx.Request
	expect      *assert.Set
	redaction   probe.Redaction
	certificate bool // whether the dates of the certificate are exported
}

// Probe makes the call and checks the answer. An answer that is not complete has its reason and is not checked further.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	response, err := p.client.Do(ctx, &p.request)
	if err != nil {
		return probe.Result{}, err
	}
	result := probe.Result{
		Start:    response.Start,
		Duration: response.Duration,
		Phases:   response.Phases,
		Reason:   response.Reason,
		Detail:   response.Detail,
	}
	if response.Reason == "" {
		result.Findings = p.expect.Check(&assert.Response{
			Status:   response.Status,
			Header:   response.Header,
			Body:     response.Body,
			Duration: response.Duration,
		})
		result.Measurements = append(result.Measurements, probe.Measurement{Metric: responseBytes, Value: float64(response.WireBytes)})
	}
	if len(result.Findings) > 0 {
		response.KeepBodyStart()
	}
	if p.certificate {
		result.NoteCertificate(response.NotBefore, response.NotAfter, response.Start)
	}
	result.Evidence = &probe.Evidence{Exchanges: response.Exchanges}
	p.redaction.Hide(&result)
	return result, nil
}
