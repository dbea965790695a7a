package freshness

import (
	"context"
	"fmt"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// document is a source that is a JSON document.
type document struct {
	client  *httpx.Client
	request httpx.Request
	path    *assert.Path
	name    string // of the path
	secure  bool   // the dates of the certificate are exported
}

// look gets the document and takes the value out of it.
func (d *document) look(ctx context.Context) (found, probe.Result, error) {
	response, err := d.client.Do(ctx, &d.request)
	if err != nil {
		return found{}, probe.Result{}, err
	}
	r := probe.Result{
		Start: response.Start, Duration: response.Duration, Phases: response.Phases, Reason: response.Reason, Detail: response.Detail,
	}
	r.NoteCertificate(response.NotBefore, response.NotAfter, response.Start)
	if !d.secure {
		r.Measurements = nil
	}
	var seen found
	if r.Reason == "" {
		seen.text = d.take(&r, response)
	}
	if r.Reason != "" || len(r.Findings) > 0 {
		response.KeepBodyStart()
	}
	r.Evidence = &probe.Evidence{Exchanges: response.Exchanges}
	return seen, r, nil
}

// take returns the value, or says in the result why there is none.
func (d *document) take(r *probe.Result, response *httpx.Response) string {
	add := func(check probe.CheckID, format string, args ...any) {
		r.Findings = append(r.Findings, *probe.Findingf(check, format, args...))
	}
	if response.Status < http.StatusOK || response.Status >= http.StatusMultipleChoices {
		add(assert.StatusUnexpected, "status %d, want 2xx", response.Status)
		return ""
	}
	parsed, err := assert.ParseDocument(response.Body)
	if err != nil {
		add(assert.JSONInvalid, "%v", err)
		return ""
	}
	text, err := d.path.Text(parsed)
	if err != nil || text == "" {
		if err == nil {
			err = fmt.Errorf("selects an empty text")
		}
		r.Reason, r.Detail = empty, fmt.Sprintf("%s %v", d.name, err)
	}
	return text
}
