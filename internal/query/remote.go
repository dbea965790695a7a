package query

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// RemoteConfig says where recorded series are, when they are not in the agent's own history.
type RemoteConfig struct {
	URL         string            // of a Prometheus, Thanos, Mimir or VictoriaMetrics, without /api/v1
	Username    string            // of basic authentication; empty for none
	Password    probe.Secret      // with Username
	BearerToken probe.Secret      // instead of basic authentication
	CAFile      string            // PEM certificates that the server's must descend from; empty for those of the system
	Headers     map[string]string // sent with every question, such as X-Scope-OrgID for a tenant of Mimir
	Timeout     time.Duration     // of one question; 0 means 20 s
}

const (
	maxBody   = 64 << 20 // bytes of an answer, decompressed
	maxPoints = 2 << 20  // of an answer; each takes 16 bytes
	maxSteps  = 11_000   // of a question over a range: what a Prometheus accepts
	maxText   = 300      // bytes of what a server says that are passed on
)

// Remote asks a server that speaks the HTTP API of Prometheus. It is safe for concurrent use.
type Remote struct {
	conf   RemoteConfig
	base   *url.URL
	client *http.Client
}

// NewRemote returns a client; it asks nothing yet. Secrets are read once to see that they are there, and again for every
// question, so that a rotated one is used at once.
func NewRemote(conf RemoteConfig) (*Remote, error) {
	base, err := url.Parse(conf.URL)
	switch {
	case err != nil:
		return nil, errors.New("url: not a URL") // the error of url.Parse would show it, with a password that is in it
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		return nil, errors.New("url: want http://host or https://host")
	case base.User != nil:
		return nil, errors.New("url: holds credentials; want them in username and password, or bearer_token")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("url: want neither a query nor a fragment")
	case conf.Username != "" && !conf.BearerToken.IsZero():
		return nil, errors.New("username and bearer_token: want one of them")
	}
	if conf.Timeout == 0 {
		conf.Timeout = 20 * time.Second
	}
	r := &Remote{conf: conf, base: base}
	if _, err := r.secret(); err != nil {
		return nil, err
	}
	roots, err := readRoots(conf.CAFile)
	if err != nil {
		return nil, err
	}
	r.client = &http.Client{
		CheckRedirect: sameServer,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return r, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: no certificate in %s", file)
	}
	return roots, nil
}

// sameServer lets a question and its credentials go nowhere but to the server that is configured. A redirect that
// turns it into a GET would lose the question.
func sameServer(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case r.URL.Scheme != first.Scheme || r.URL.Host != first.Host:
		return fmt.Errorf("redirected to %s://%s: want the address that answers itself", r.URL.Scheme, r.URL.Host)
	case r.Method != http.MethodPost:
		return fmt.Errorf("redirected by status %d, which loses the question: want the address that answers itself", r.Response.StatusCode)
	case len(via) > 3:
		return errors.New("redirected more than 3 times")
	}
	return nil
}

// secret returns the password or the token; empty without either.
func (r *Remote) secret() (string, error) {
	switch {
	case !r.conf.BearerToken.IsZero():
		token, err := r.conf.BearerToken.Read()
		if err != nil {
			return "", fmt.Errorf("bearer_token: %w", err)
		}
		return token, nil
	case r.conf.Username != "":
		password, err := r.conf.Password.Read()
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		return password, nil
	}
	return "", nil
}

// Query evaluates an expression at one time; the zero time means now.
func (r *Remote) Query(ctx context.Context, expr string, at time.Time) ([]Series, error) {
	form := url.Values{}
	if !at.IsZero() {
		form.Set("time", seconds(at))
	}
	return r.ask(ctx, "query", expr, form)
}

// QueryRange evaluates an expression at from, from+step, … up to and including to; at most 11,000 times.
func (r *Remote) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	if step < time.Millisecond || to.Before(from) || to.Sub(from)/step >= maxSteps {
		return nil, fmt.Errorf("range of %v in steps of %v: want 1 to %d steps of at least 1ms", to.Sub(from), step, maxSteps)
	}
	return r.ask(ctx, "query_range", expr, url.Values{
		"start": {seconds(from)}, "end": {seconds(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// ask sends a question. VictoriaMetrics holds back what is younger than 30 s, as scrapes may still be on their way, and
// moves times onto a grid of its cache; what the rules have recorded is complete, so it is told to do neither.
func (r *Remote) ask(ctx context.Context, call, expr string, form url.Values) ([]Series, error) {
	ctx, cancel := context.WithTimeout(ctx, r.conf.Timeout)
	defer cancel()
	form.Set("query", expr)
	form.Set("timeout", strconv.FormatFloat(r.conf.Timeout.Seconds(), 'f', -1, 64)+"s")
	form.Set("nocache", "1")
	form.Set("latency_offset", "1ms")
	secret, err := r.secret()
	if err != nil {
		return nil, err
	}
	target := r.base.JoinPath("api", "v1", call)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", target.Host, err)
	}
	for name, value := range r.conf.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	switch {
	case !r.conf.BearerToken.IsZero():
		request.Header.Set("Authorization", "Bearer "+secret)
	case r.conf.Username != "":
		request.SetBasicAuth(r.conf.Username, secret)
	}
	series, err := r.do(request)
	if err != nil {
		return nil, &hidden{probe.NewRedaction(append(r.sent(), secret, request.Header.Get("Authorization"))...).Text(fmt.Sprintf("asking %s: %v", target.Host, err)), err}
	}
	return series, nil
}

// sent returns the values of the configured headers: one may be a key that the configuration does not call so.
func (r *Remote) sent() []string { return slices.Collect(maps.Values(r.conf.Headers)) }

// hidden is an error whose text does not show a secret that the server has echoed.
type hidden struct {
	text  string
	cause error
}

func (h *hidden) Error() string { return h.text }

// Unwrap lets the caller see that its context has ended.
func (h *hidden) Unwrap() error { return h.cause }

func (r *Remote) do(request *http.Request) ([]Series, error) {
	response, err := r.client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the rest is the URL
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // everything that counts has been read
	body := &capped{r: response.Body, left: maxBody}
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "application/json" {
		text, _ := io.ReadAll(io.LimitReader(body, maxText)) // what came says enough
		return nil, fmt.Errorf("status %d with %s %q, want the JSON of a Prometheus API", response.StatusCode,
			orNone(kind), probe.Clip(string(text), maxText))
	}
	answer, err := decode(body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("status %d: %w", response.StatusCode, err)
	case answer.Status != "success":
		return nil, fmt.Errorf("status %d: %s: %s", response.StatusCode, orNone(answer.ErrorType), probe.Clip(answer.Error, maxText))
	case response.StatusCode/100 != 2:
		return nil, fmt.Errorf("status %d, want 200", response.StatusCode)
	}
	return answer.series, nil
}

func orNone(text string) string {
	if text == "" {
		return "no type"
	}
	return text
}

// capped is a reader that fails when there is more than it may read. It fills what it is given: the decoder looks again at
// all blanks that it has read so far after each read, which a server could make small.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("answer of more than %d MiB", maxBody>>20)
	}
	n, err := io.ReadFull(c.r, p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
		err = nil // the end is told by the next read
	}
	return n, err
}
