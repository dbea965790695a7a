package httpkind

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Marker stands in a Call for the random text of each probe.
const Marker = "{{marker}}"

// Call is a block of the configuration of kinds that make several requests, and put a marker into some of them.
type Call struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Address, http or https. {{marker}} in it stands for the random text of each probe."`
	Method        string                  `yaml:"method" enum:"GET,POST,PUT,PATCH,DELETE" doc:"Method of the request."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value."`
	Body          string                  `yaml:"body" format:"hidden" doc:"Body of the request. {{marker}} in it stands for the random text of each probe. Results hide its texts of 6 characters or more."`
}

// ReadyCall is a Call that was checked. It is immutable and safe for concurrent use.
type ReadyCall struct {
	Target  *url.URL // of any marker; it must not be changed
	Secrets []string // that no result may show: secret headers, and the texts of the body
	method  string
	url     string
	body    string
	header  http.Header
}

// Compile checks the call and makes it ready, with method where it names none. field is its path below "with"; all
// mistakes are reported at once, as probe.FieldError values, joined.
func (c *Call) Compile(field, method string) (*ReadyCall, error) {
	m := mistakes{}
	ready := &ReadyCall{method: cmp.Or(c.Method, method), url: c.URL, body: c.Body}
	target, err := httpx.ParseURL(strings.ReplaceAll(c.URL, Marker, "x"))
	switch {
	case err != nil:
		m.add(field+".url", "%w", err)
	case hasMarker(c.URL, target.Host):
		m.add(field+".url", "%s is part of the host, want it in path or query", Marker)
	case target.User != nil:
		m.add(field+".url", "holds credentials, want them in secret_headers as Authorization")
	}
	ready.Target = target
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(methods, ready.method) {
		m.add(field+".method", "%q, want one of %s", c.Method, strings.Join(methods, ", "))
	}
	own := mistakes{}
	h := (&Target{Headers: c.Headers, SecretHeaders: c.SecretHeaders}).headers(&own, nil)
	for _, err := range own.errs {
		if wrong, ok := errors.AsType[*probe.FieldError](err); ok {
			m.add(field+"."+wrong.Field, "%w", wrong.Err)
		}
	}
	// The client drops them all when a redirect leaves the host: what the device says of itself is the operator's, too.
	ready.header, ready.Secrets = h.everywhere, slices.Concat(h.secrets, markedSecrets(c.Body))
	maps.Copy(ready.header, h.firstSite)
	if c.Body != "" && ready.header.Get("Content-Type") == "" {
		ready.header.Set("Content-Type", "text/plain; charset=utf-8")
		if json.Valid([]byte(strings.ReplaceAll(c.Body, Marker, "1"))) {
			ready.header.Set("Content-Type", "application/json")
		}
	}
	if err := m.joined(); err != nil {
		return nil, err
	}
	return ready, nil
}

// hasMarker reports whether the host of an address depends on the marker, which was replaced by x in host.
func hasMarker(address, host string) bool {
	other, err := httpx.ParseURL(strings.ReplaceAll(address, Marker, "y"))
	return err != nil || other.Host != host
}

// Has reports whether the call tells the marker, in its address, a header or its body.
func (c *Call) Has() bool {
	for _, value := range c.Headers {
		if strings.Contains(value, Marker) {
			return true
		}
	}
	return strings.Contains(c.URL, Marker) || strings.Contains(c.Body, Marker)
}

// With returns the request for one marker, which needs no escaping in a URL and in JSON.
func (r *ReadyCall) With(marker string) *httpx.Request {
	put := func(text string) string { return strings.ReplaceAll(text, Marker, marker) }
	request := &httpx.Request{Method: r.method, URL: put(r.url), Header: r.header.Clone()}
	for _, values := range request.Header {
		for i := range values {
			values[i] = put(values[i])
		}
	}
	if r.body != "" {
		request.Body = []byte(put(r.body))
	}
	return request
}
