package page

import (
	"context"
	"fmt"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober asks for one page.
type prober struct {
	client      *httpx.Client
	request     httpx.Request
	rules       *rules
	redaction   probe.Redaction
	certificate bool // whether its dates are exported
}

// Probe asks for the page once and looks at the answer. An answer that is not complete has its reason and is not looked
// at further.
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
	result.NoteCertificate(response.NotBefore, response.NotAfter, response.Start)
	if !p.certificate {
		result.Measurements = nil
	}
	if response.Reason == "" {
		if err := p.judge(&result, response); err != nil {
			return probe.Result{}, err
		}
	}
	result.Evidence = &probe.Evidence{Exchanges: response.Exchanges}
	p.redaction.Hide(&result)
	return result, nil
}

// judge adds what a complete answer is like.
func (p *prober) judge(result *probe.Result, response *httpx.Response) error {
	findings, err := p.rules.conclude(response)
	if err != nil {
		return fmt.Errorf("final URL of %s: %w", httpx.RedactRawURL(p.request.URL), err)
	}
	if len(findings) > 0 {
		response.KeepBodyStart()
	}
	result.Findings = append(result.Findings, findings...)
	result.Measurements = append(result.Measurements, probe.Measurement{Metric: pageBytes, Value: float64(response.WireBytes)})
	result.Detail = fmt.Sprintf("status %d, %d bytes over %s", response.Status, response.WireBytes, response.Protocol)
	return nil
}
