package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Do makes the request, follows redirects as the options allow, and returns what came of it. An error means that nothing
// could be measured: a mistake in the request, a cancelled context, or a lack of the agent's own resources such as file
// descriptors. A deadline of ctx that passes is a Response with the reason of the phase that hung.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	return c.do(ctx, req, new(Jar), nil)
}

// DoWithJar is Do with the cookies of earlier requests, and leaves those of this one in the jar.
func (c *Client) DoWithJar(ctx context.Context, req *Request, jar *Jar) (*Response, error) {
	return c.do(ctx, req, jar, nil)
}

// do makes the request with an address of its host that is connected to; nil is any.
func (c *Client) do(ctx context.Context, req *Request, jar *Jar, pinned *pin) (*Response, error) {
	target, err := c.parse(req.URL)
	if err != nil {
		return nil, err
	}
	if err := c.validate(req); err != nil {
		return nil, err
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	resp := &Response{Start: time.Now()}
	way := c.newWay(req, target, jar)
	way.pinned = pinned
	for {
		x := way.exchange()
		err := x.do(ctx)
		resp.add(x)
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, fmt.Errorf("requesting %s: %w", x.record.URL, context.Cause(ctx))
		}
		if err == nil {
			var again bool
			if again, err = way.next(x); again {
				continue
			}
		}
		jar.set(x.url, x.respHeader["Set-Cookie"])
		if err == nil {
			err = resp.decode(x)
		} else if len(x.respHeader["Content-Encoding"]) == 0 {
			resp.setBody(x.content)
		}
		return resp.end(err)
	}
}

// bound gives a context without a deadline that of the options.
func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.opts.Timeout)
}

// do sends the exchange through resty.
func (x *exchange) do(ctx context.Context) error {
	request := x.client.resty.R().SetContext(context.WithValue(ctx, exchangeKey{}, x)).SetDoNotParseResponse(true)
	_, err := request.Execute(x.method, x.text)
	switch {
	case x.err != nil:
		return x.err
	case x.status != 0:
		return nil // net/http may dislike the Location of a redirect; that is judged by next
	}
	return err
}

// add joins an exchange to the response.
func (r *Response) add(x *exchange) {
	r.last = x
	r.Status, r.Header, r.Protocol = x.status, x.respHeader, x.record.Protocol
	r.FinalURL, r.URL = x.text, x.url
	r.Phases.AddAll(&x.record.Phases)
	r.Duration = r.Phases.Sum()
	r.WireBytes = int64(len(x.content))
	r.NotBefore, r.NotAfter = time.Time{}, time.Time{}
	if x.chain != nil {
		r.NotBefore, r.NotAfter = x.chain.notBefore, x.chain.notAfter
	}
	x.record.WireBytes = r.WireBytes
	r.Exchanges = append(r.Exchanges, x.record)
}

// decode undoes the encoding of the body of the last exchange.
func (r *Response) decode(x *exchange) error {
	body, odd, err := decode(x.content, x.respHeader, x.header, x.client.opts.BodyLimit)
	if err != nil {
		return err
	}
	if odd != "" {
		r.Findings = append(r.Findings, probe.Finding{Check: probe.EncodingOdd, Detail: odd})
	}
	r.setBody(body)
	return nil
}

func (r *Response) setBody(body []byte) {
	r.Body, r.BodyBytes = body, int64(len(body))
	r.Exchanges[len(r.Exchanges)-1].BodyBytes = r.BodyBytes
}

// end turns what stopped the last exchange into a reason, or into an error when it is not the service's.
func (r *Response) end(err error) (*Response, error) {
	if err != nil {
		ended, ok := errors.AsType[*fault](err)
		if !ok {
			return nil, err
		}
		r.Reason, r.Detail = ended.reason, ended.detail
	}
	if r.Reason != "" || r.Status >= http.StatusBadRequest {
		r.KeepBodyStart()
	}
	return r, nil
}

// parsedURL is the last URL that a client was asked for: touchpoints ask for the same one every time.
type parsedURL struct {
	raw  string
	url  *url.URL // without user info
	user *url.Userinfo
	text string // of url
	safe string // redacted
}

// validate checks the header of a request. Touchpoints use the same request every time, which nobody may change.
func (c *Client) validate(req *Request) error {
	if len(req.Header) == 0 || c.lastValid.Load() == req {
		return nil
	}
	err := ValidateHeader(req.Header)
	if err == nil {
		c.lastValid.Store(req)
	}
	return err
}

func (c *Client) parse(raw string) (*parsedURL, error) {
	if last := c.lastURL.Load(); last != nil && last.raw == raw {
		return last, nil
	}
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	parsed := &parsedURL{raw: raw, url: u, user: u.User, safe: probe.Clip(RedactURL(u), maxURL)}
	u.User = nil
	parsed.text = u.String()
	c.lastURL.Store(parsed)
	return parsed, nil
}

// text returns the URL as text, as it is and redacted.
func (c *Client) text(u *url.URL) (plain, safe string) {
	if last := c.lastURL.Load(); last != nil && last.url == u {
		return last.text, last.safe
	}
	return u.String(), probe.Clip(RedactURL(u), maxURL)
}
