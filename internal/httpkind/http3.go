package httpkind

import (
	"context"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// compare makes the request by HTTP/3 too, where the answer says that it can be made so, and adds how that went. What
// the customer waited for stays the first answer: nobody waits for the second.
func (p *prober) compare(ctx context.Context, result *probe.Result, response *httpx.Response) error {
	tried, err := p.client.TryHTTP3(ctx, response)
	if err != nil || tried == nil {
		return err
	}
	switch {
	case tried.Reason != "":
		result.Findings = append(result.Findings, *probe.Findingf(HTTP3Broken, "advertised by Alt-Svc, but by HTTP/3: %s (%s)", tried.Detail, tried.Reason))
	case tried.Status != response.Status:
		result.Findings = append(result.Findings, *probe.Findingf(HTTP3Broken, "status %d by HTTP/3, want %d as over %s", tried.Status, response.Status, response.Protocol))
	default:
		result.Measurements = append(result.Measurements, probe.Measurement{Metric: http3Duration, Value: tried.Duration.Seconds()})
	}
	result.Evidence.Exchanges = append(result.Evidence.Exchanges, tried.Exchanges...)
	return nil
}
