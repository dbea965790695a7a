package grpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"google.golang.org/grpc/metadata"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober makes one call for each probe.
type prober struct{ settings }

// Probe asks for the health once.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	line, err := p.client.Open(ctx, p.endpoint)
	if err != nil {
		return probe.Result{}, err
	}
	defer line.Close()
	if line.Reason != "" {
		return line.Result("CHECK", p.url), nil
	}
	if secured, ok := line.Conn.(*tls.Conn); ok && secured.ConnectionState().NegotiatedProtocol != httpx.HTTP2 {
		line.Reason, line.Detail = probe.TLSALPN, "server chose no application protocol, want "+httpx.HTTP2
		return line.Result("CHECK", p.url), nil
	}
	call, err := p.call(metadata.NewOutgoingContext(ctx, p.metadata), line)
	if err != nil {
		return probe.Result{}, p.redaction.Error(err)
	}
	line.Mark(probe.Wait)
	if errors.Is(ctx.Err(), context.Canceled) {
		return probe.Result{}, fmt.Errorf("asking %s for its health: %w", p.url, ctx.Err())
	}
	result := line.Result("CHECK", p.url)
	result.Reason, result.Detail = call.conclude(ctx)
	p.redaction.Hide(&result)
	return result, nil
}
