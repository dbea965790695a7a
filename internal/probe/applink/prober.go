package applink

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Where the files of a site are.
const (
	associationPath = "/.well-known/apple-app-site-association"
	statementsPath  = "/.well-known/assetlinks.json"
)

// maxAssociation is the most that Apple named for its file, in bytes uncompressed (App Search Programming Guide, 2016).
const maxAssociation = 128 << 10

// prober asks for the files of one site. It keeps nothing but since when the site says what it says.
type prober struct {
	settings
	site      *httpx.Client
	others    *httpx.Client
	timeout   time.Duration
	seen      *sight
	redaction probe.Redaction
}

// Probe asks for the files of the site, and when it has them for what depends on others.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r := &round{prober: p}
	for _, step := range []func(context.Context) error{r.iOS, r.androidFile, r.release} {
		if err := step(ctx); err != nil {
			return probe.Result{}, err
		}
		if r.result.Reason != "" {
			break
		}
	}
	r.result.Evidence = &probe.Evidence{Exchanges: r.exchanges}
	if r.result.Reason == "" {
		r.result.Detail = fmt.Sprintf("%d documents were read", len(r.exchanges))
	}
	p.redaction.Hide(&r.result)
	return r.result, nil
}

// round is one probe.
type round struct {
	*prober
	result    probe.Result
	exchanges []probe.Exchange
}

func (r *round) found(check probe.CheckID, format string, args ...any) {
	r.result.Findings = append(r.result.Findings, *probe.Findingf(check, format, args...))
}

// get asks for one document, which has its share of the time, so that one that hangs takes nothing from the next.
func (r *round) get(ctx context.Context, client *httpx.Client, url string) (*httpx.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, r.each)
	defer cancel()
	response, err := client.Do(ctx, &httpx.Request{URL: url})
	if err != nil {
		return nil, err
	}
	if r.result.Start.IsZero() {
		r.result.Start = response.Start
	}
	r.result.Duration += response.Duration
	r.result.Phases.AddAll(&response.Phases)
	r.exchanges = append(r.exchanges, response.Exchanges...)
	return response, nil
}

// file asks the site for one of its files. It returns nil when devices do not take what came.
func (r *round) file(ctx context.Context, path, name string) (*httpx.Response, error) {
	response, err := r.get(ctx, r.site, r.prober.settings.site.JoinPath(path).String())
	if err != nil {
		return nil, err
	}
	if r.result.Measurements == nil {
		r.result.NoteCertificate(response.NotBefore, response.NotAfter, response.Start)
	}
	switch {
	case response.Reason != "":
		r.result.Reason, r.result.Detail = response.Reason, name+": "+response.Detail
	case response.Status >= http.StatusMultipleChoices && response.Status < http.StatusBadRequest:
		r.found(fileRedirected, "%s: status %d, want 200 without a redirect", name, response.Status)
	case response.Status != http.StatusOK:
		r.found(fileMissing, "%s: status %d, want 200", name, response.Status)
	default:
		return response, nil
	}
	return nil, nil
}
