package httpx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Time for an alternative. Browsers give up on HTTP/3 long before they give up on a page, so that nobody waits for it; a
// second is what the first packets may be sent again in (RFC 9002 section 6.2.2).
const (
	longestTry  = 3 * time.Second
	shortestTry = time.Second
)

// TryHTTP3 repeats the last exchange of a complete response by HTTP/3, where its field Alt-Svc says that this is possible
// (RFC 7838): as browsers do the next time, with the certificate that the first host has to prove. It returns nil when
// the response says no such thing, when it came by HTTP/3 itself, and when too little time is left for a fair try. The
// try has no more than three seconds, and follows no redirect. Errors are those of Do.
func (c *Client) TryHTTP3(ctx context.Context, resp *Response) (*Response, error) {
	last := resp.last
	alternative, ok := http3Alternative(resp.Header["Alt-Svc"])
	if !ok || last == nil || resp.Reason != "" || last.quic || last.url.Scheme != "https" {
		return nil, nil //nolint:nilnil // there is nothing to tell
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < shortestTry {
		return nil, nil //nolint:nilnil // a try would say nothing about the service
	}
	ctx, cancel := context.WithTimeout(ctx, longestTry)
	defer cancel()
	x := last.again()
	x.quic, x.alt = true, alternative
	tried := &Response{Start: time.Now()}
	err := x.do(ctx)
	tried.add(x)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, fmt.Errorf("requesting %s: %w", x.record.URL, context.Cause(ctx))
	}
	if err == nil {
		err = tried.decode(x)
	}
	return tried.end(err)
}

// again returns the same exchange, not yet made.
func (x *exchange) again() *exchange {
	return &exchange{
		client: x.client, url: x.url, text: x.text, method: x.method, header: x.header, body: x.body, trail: x.trail, first: x.first,
		record: probe.Exchange{Method: x.method, URL: x.record.URL},
	}
}
