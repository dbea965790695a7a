// Package httpkind is what all kinds that make one HTTP request have in common: the part of their configuration that
// says where to ask and how, the mistakes that can be in it, what their results can have, and one probe from the
// request to the redacted result. A kind adds what it sends and judges what comes back.
//
// It may import probe and httpx. It knows no kind, rates nothing, and looks at no content.
package httpkind

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Judge returns what is wrong with a complete answer. It must not change it.
type Judge func(*httpx.Response) []probe.Finding

// Request is what a kind adds to a Target.
type Request struct {
	Device      http.Header // what the customer's device sends of itself, to every host on the way; may be nil
	Method      string      // empty is GET
	Body        []byte      // nil sends none
	ContentType string      // of the body, unless the headers of the target have one
	Secrets     []string    // texts of the body that no result may show
	Secure      bool        // whether the answer has to come by TLS, wherever the URL begins
	Metric      string      // name of the kind's measurement of the body as transferred, in bytes
	Judge       Judge
	// Prepare completes each request before it is sent; nil: they are all the same.
	Prepare func(context.Context) (Prepared, error)
}

// Prepared is what a request has beside those before it.
type Prepared struct {
	Header    http.Header      // sent to the first site, beside the target's
	Secrets   []string         // of Header, that no result may show
	Note      string           // what of Header helps to find the request at the service; may be empty
	Exchanges []probe.Exchange // what it took to get ready, such as a token
	Duration  time.Duration    // of Exchanges; no customer waits for it every time
	Reason    probe.Reason     // why nothing can be sent; empty when it can
	Detail    string           // of Reason, for people
	Answered  func(status int) // told of the answer's status; may be nil
}

// Opener opens the touchpoints of a kind, which share what their clients have in common. The zero value is ready. It is
// safe for concurrent use.
type Opener struct{ clients httpx.Common }

// Open checks a target and returns the prober that makes the request and has its answer judged. All mistakes are
// reported at once, as probe.FieldError values, joined.
func (o *Opener) Open(t *Target, setup probe.Setup, request Request) (probe.Built, error) {
	site, err := o.Site(t, setup, request.Device)
	if err := errors.Join(err, t.checkRepeats(request.Method)); err != nil {
		return probe.Built{}, err
	}
	if request.ContentType != "" && site.Header.Get("Content-Type") == "" {
		site.Header.Set("Content-Type", request.ContentType)
	}
	profile := t.profile(site.URL, &request)
	return probe.Built{
		Prober: &prober{
			client:      site.Client,
			request:     httpx.Request{Method: request.Method, URL: t.URL, Header: site.Header, Body: request.Body},
			judge:       request.Judge,
			metric:      request.Metric,
			prepare:     request.Prepare,
			redaction:   probe.NewRedaction(append(site.Secrets, request.Secrets...)...),
			certificate: profile.TLS,
			tryHTTP3:    t.HTTP3 == http3Check,
			everywhere:  t.Addresses == allAddresses,
		},
		Profile: profile,
	}, nil
}

// options returns those of the client, without what is a mistake.
func (t *Target) options(target *url.URL, hosts []string, header http.Header, setup probe.Setup) httpx.Options {
	options := httpx.Options{
		UserAgent:      setup.UserAgent,
		Header:         header,
		Timeout:        setup.Timeout,
		MaxRedirects:   max(0, t.Redirects.Max),
		AllowedHosts:   hosts,
		AllowDowngrade: t.Redirects.AllowDowngrade,
		BodyLimit:      max(0, t.MaxBody),
		TLS: httpx.TLSOptions{
			CAFile: t.TLS.CAFile, CertFile: t.TLS.CertFile, KeyFile: t.TLS.KeyFile, ServerName: t.TLS.ServerName,
		},
	}
	if target != nil && len(hosts) > 0 {
		options.AllowedHosts = append(options.AllowedHosts, target.Hostname())
	}
	if t.AllowPrivate {
		options.Policy = httpx.AnyAddress
	}
	if isHostPort(t.Resolver) {
		options.Resolver = t.Resolver
	}
	if t.HTTP3 == http3Only {
		options.Protocols = []string{httpx.HTTP3}
	}
	return options
}

// prober makes one request.
type prober struct {
	client      *httpx.Client
	request     httpx.Request
	judge       Judge
	metric      string
	prepare     func(context.Context) (Prepared, error) // nil: all requests are the same
	redaction   probe.Redaction
	certificate bool // whether its dates are exported
	tryHTTP3    bool // where it is advertised
	everywhere  bool // with every address of the name
}

// Probe makes the request and has the answer judged.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	request, prepared := &p.request, Prepared{}
	start := time.Now()
	if p.prepare != nil {
		var err error
		if prepared, err = p.prepare(ctx); err != nil {
			return probe.Result{}, err
		}
		request = prepared.complete(request)
	}
	if prepared.Reason != "" {
		result := probe.Result{Start: start, Duration: prepared.Duration, Reason: prepared.Reason, Detail: prepared.Detail, Evidence: new(probe.Evidence)}
		prepared.attach(&result)
		p.redaction.Hide(&result)
		return result, nil
	}
	ask := p.once
	if p.everywhere {
		ask = p.each
	}
	result, err := ask(ctx, request)
	if err != nil {
		return probe.Result{}, err
	}
	prepared.attach(&result)
	p.redaction.Hide(&result)
	return result, nil
}

// complete returns the request with what was prepared for it.
func (p *Prepared) complete(request *httpx.Request) *httpx.Request {
	complete := *request
	complete.Header = request.Header.Clone()
	maps.Copy(complete.Header, p.Header)
	return &complete
}

// attach adds to a result what was prepared for it, and hides what of that is secret.
func (p *Prepared) attach(result *probe.Result) {
	evidence := result.Evidence
	if exchanges := evidence.Exchanges; p.Answered != nil && len(exchanges) > 0 {
		p.Answered(exchanges[len(exchanges)-1].Status)
	}
	if len(p.Exchanges) > 0 {
		evidence.Exchanges = append(slices.Clone(p.Exchanges), evidence.Exchanges...)
	}
	if p.Note != "" {
		evidence.Events = append(evidence.Events, probe.Event{Text: p.Note})
	}
	if len(p.Secrets) > 0 {
		probe.NewRedaction(p.Secrets...).Hide(result)
	}
}

// once makes the request once.
func (p *prober) once(ctx context.Context, request *httpx.Request) (probe.Result, error) {
	response, err := p.client.Do(ctx, request)
	if err != nil {
		return probe.Result{}, err
	}
	result := p.conclude(response)
	if p.tryHTTP3 {
		err = p.compare(ctx, &result, response)
	}
	return result, err
}

// conclude has an answer judged. One that is not complete has its reason and is not looked at further.
func (p *prober) conclude(response *httpx.Response) probe.Result {
	result := probe.Result{
		Start:    response.Start,
		Duration: response.Duration,
		Phases:   response.Phases,
		Reason:   response.Reason,
		Detail:   response.Detail,
	}
	// A certificate that ends soon is worth knowing wherever it was met; series of dates are for what is https by its
	// configuration.
	result.NoteCertificate(response.NotBefore, response.NotAfter, response.Start)
	if !p.certificate {
		result.Measurements = nil
	}
	if response.Reason == "" {
		p.look(&result, response)
	}
	result.Evidence = &probe.Evidence{Exchanges: response.Exchanges}
	return result
}

// look adds what a complete answer is like.
func (p *prober) look(result *probe.Result, response *httpx.Response) {
	findings := p.judge(response)
	if len(findings) > 0 {
		response.KeepBodyStart()
	}
	result.Findings = append(append(result.Findings, response.Findings...), findings...)
	result.Measurements = append(result.Measurements, probe.Measurement{Metric: p.metric, Value: float64(response.WireBytes)})
	result.Detail = fmt.Sprintf("status %d, %d bytes over %s", response.Status, response.WireBytes, response.Protocol)
}
