package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
)

func TestProbe_Request(t *testing.T) {
	t.Setenv("TEST_API_TOKEN", "Bearer hunter2")
	file := filepath.Join(t.TempDir(), "body.xml")
	if err := os.WriteFile(file, []byte("<q/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	type sent struct {
		Method, URI, Body string
		Header            http.Header
	}
	cases := map[string]struct {
		change func(*api.Config)
		want   sent
	}{
		"plain": {want: sent{Method: "GET", URI: "/v1?limit=20", Header: http.Header{}}},
		"headers": {
			change: func(c *api.Config) {
				c.Headers = map[string]string{"accept": "application/json", "X-Tenant": "shop"}
				c.SecretHeaders = map[string]probe.Secret{"Authorization": {Env: "TEST_API_TOKEN"}}
			},
			want: sent{Method: "GET", URI: "/v1?limit=20", Header: http.Header{
				"Accept": {"application/json"}, "X-Tenant": {"shop"}, "Authorization": {"Bearer hunter2"},
			}},
		},
		"JSON body": {
			change: func(c *api.Config) {
				c.Method = http.MethodPost
				c.JSON = map[string]any{"query": "<shoes>", "page": 1}
			},
			want: sent{Method: "POST", URI: "/v1?limit=20", Body: `{"page":1,"query":"<shoes>"}`, Header: http.Header{
				"Content-Type": {"application/json"}, "Content-Length": {"28"},
			}},
		},
		"JSON body of another type": {
			change: func(c *api.Config) {
				c.Method, c.JSON = http.MethodPatch, []any{}
				c.Headers = map[string]string{"Content-Type": "application/json-patch+json"}
			},
			want: sent{Method: "PATCH", URI: "/v1?limit=20", Body: `[]`, Header: http.Header{
				"Content-Type": {"application/json-patch+json"}, "Content-Length": {"2"},
			}},
		},
		"text body": {
			change: func(c *api.Config) { c.Method, c.Body = http.MethodPut, "a=b" },
			want:   sent{Method: "PUT", URI: "/v1?limit=20", Body: "a=b", Header: http.Header{"Content-Length": {"3"}}},
		},
		"body of a file": {
			change: func(c *api.Config) { c.Method, c.BodyFile = http.MethodPost, file },
			want:   sent{Method: "POST", URI: "/v1?limit=20", Body: "<q/>", Header: http.Header{"Content-Length": {"4"}}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got sent
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = sent{r.Method, r.RequestURI, string(body), r.Header}
			})
			run(t, url+"/v1?limit=20", func(config *api.Config) {
				config.Trace = false
				if c.change != nil {
					c.change(config)
				}
			})
			want := c.want
			for name, value := range map[string]string{
				"User-Agent": "Channelwatch/1.2.3", "Accept": "*/*", "Accept-Encoding": "gzip, deflate, br, zstd", "Connection": "close",
			} {
				if want.Header[name] == nil {
					want.Header.Set(name, value)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProbe_SecretsStayWithTheirHost(t *testing.T) {
	t.Setenv("TEST_API_TOKEN", "hunter2")
	var leaked http.Header
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { leaked = r.Header })
	url := serve(t, http.RedirectHandler(other, http.StatusFound).ServeHTTP)
	run(t, url, func(c *api.Config) {
		c.SecretHeaders = map[string]probe.Secret{"X-Api-Key": {Env: "TEST_API_TOKEN"}}
		c.Headers = map[string]string{"X-Tenant": "shop"}
	})
	if leaked == nil || leaked.Get("X-Api-Key") != "" || leaked.Get("X-Tenant") != "" {
		t.Errorf("the other host got %v, want a request without the headers of the first", leaked)
	}
}

// TestProbe_RequestThatNobodyTakes needs a body that is larger than what the system buffers.
func TestProbe_RequestThatNobodyTakes(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the test is over
	built, err := build(t, "http://"+listener.Addr().String(), func(c *api.Config) {
		c.Method, c.Body = http.MethodPost, strings.Repeat("x", 64<<20)
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil || result.Reason != probe.SendFailed {
		t.Errorf("got %q (%s) and %v, want %q", result.Reason, result.Detail, err, probe.SendFailed)
	}
}

func TestBuild_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	cases := map[string]struct {
		url    string
		change func(*api.Config)
		want   []string
	}{
		"no URL":         {"", nil, []string{"url: missing, want https://host/path"}},
		"another scheme": {"ftp://example.com/", nil, []string{"url: scheme of ftp://example.com/, want http or https"}},
		"a password in the URL": {
			"https://me:hunter2@example.com/", nil, []string{"url: holds credentials, want them in secret_headers as Authorization"},
		},
		"many": {
			"https://example.com/", func(c *api.Config) {
				c.Method = "FETCH"
				c.Headers = map[string]string{"Authorization": "Bearer hunter2", "Bad Name": "x", "Host": "a\nb", "Content-Length": "1"}
				c.SecretHeaders = map[string]probe.Secret{"X-Key": {Env: "TEST_API_NOT_SET"}}
				c.Body, c.JSON = "x", 1
				c.Redirects.Max, c.MaxBody, c.Resolver = -1, 0, "dns.example.com"
				c.Expect.Status = []string{"ok"}
				c.TLS.CAFile = missing
			}, []string{
				"redirects.max: -1, want 0 or more",
				"max_body: 0, want 1 byte or more",
				`resolver: "dns.example.com", want host:port`,
				"headers.Authorization: is a credential, want it in secret_headers as {file: …} or {env: …}",
				`headers."Bad Name": header name "Bad Name", want letters, digits and hyphens`,
				`headers.Content-Length: header "Content-Length" belongs to the connection and is set by the client`,
				`headers.Host: value of header "Host", want no control characters`,
				"secret_headers.X-Key: environment variable TEST_API_NOT_SET is not set",
				"tls: reading CA file: open " + missing + ": no such file or directory",
				"method: \"FETCH\", want one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
				"body: more than one of body, json, body_file and graphql is set, want one",
				`expect.status[0]: "ok": want a code such as 200, a class such as 2xx or a range such as 200-204`,
			},
		},
		"a header twice": {
			"https://example.com/", func(c *api.Config) { c.Headers = map[string]string{"X-A": "1", "x-a": "2"} },
			[]string{"headers.x-a: is set twice, want one value"},
		},
		"a date in JSON": {
			"https://example.com/", func(c *api.Config) { c.JSON = map[string]any{"day": time.Now()} },
			[]string{"json: holds a date, which JSON does not have: quote it"},
		},
		"a body file that is too large": {
			"https://example.com/", func(c *api.Config) { c.BodyFile = large },
			[]string{"body_file: " + large + " has more than 1048576 bytes"},
		},
		"a body of HEAD": {
			"https://example.com/", func(c *api.Config) {
				c.Method = http.MethodHead
				c.Expect.JSON = []assert.JSONRule{{Path: "$.a", Equals: 1}}
			},
			[]string{"method: HEAD has no response body, but expect needs one"},
		},
		"a rule on the body of HEAD": {
			"https://example.com/", func(c *api.Config) {
				c.Method = http.MethodHead
				c.Assert = assert.List{{Name: "quick", CEL: "duration < 1.0"}, {Name: "in stock", CEL: "json.stock > 0"}}
			},
			[]string{"method: HEAD has no response body, but a rule of assert needs one"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := build(t, c.url, c.change)
			if err == nil {
				t.Fatalf("got no error, want %q", c.want)
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows a credential")
			}
		})
	}
}

func TestBuild_Bounds(t *testing.T) {
	t.Parallel()
	largest := filepath.Join(t.TempDir(), "largest")
	if err := os.WriteFile(largest, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	resolver := func(address string) func(*api.Config) { return func(c *api.Config) { c.Resolver = address } }
	head := func(expect assert.Rules) func(*api.Config) {
		return func(c *api.Config) { c.Method, c.Expect = http.MethodHead, expect }
	}
	cases := map[string]struct {
		change func(*api.Config)
		good   bool
	}{
		"largest body file":          {func(c *api.Config) { c.BodyFile = largest }, true},
		"resolver":                   {resolver("127.0.0.1:53"), true},
		"resolver without host":      {resolver(":53"), false},
		"resolver without port":      {resolver("127.0.0.1"), false},
		"resolver with a service":    {resolver("127.0.0.1:domain"), false},
		"resolver with a large port": {resolver("127.0.0.1:65536"), false},
		"HEAD":                       {head(assert.Rules{Status: []string{"204"}}), true},
		"HEAD and rules": {func(c *api.Config) {
			c.Method = http.MethodHead
			c.Assert = assert.List{{Name: "quick", CEL: "duration < 1.0"}, {Name: "no error", NotContains: "error"}}
		}, true},
		"HEAD and a text": {head(assert.Rules{Contains: []string{"x"}}), false},
		"HEAD and a size": {head(assert.Rules{Size: assert.SizeRule{Min: 1}}), false},
	}
	for name, c := range cases {
		if _, err := build(t, "https://example.com/", c.change); (err == nil) != c.good {
			t.Errorf("%s: got the error %v, want it good: %v", name, err, c.good)
		}
	}
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	const (
		resolve, connect, tls        = probe.Resolve, probe.Connect, probe.TLS
		send, wait, receive          = probe.Send, probe.Wait, probe.Receive
		notAfter, notBefore, ofBytes = probe.CertificateNotAfter, probe.CertificateNotBefore, "api_response_bytes"
	)
	stay := func(c *api.Config) { c.Redirects.Max = 0 }
	cases := map[string]struct {
		url    string
		change func(*api.Config)
		want   probe.Profile
	}{
		"address, no redirects": {"http://127.0.0.1:8080/?q=a", stay, probe.Profile{
			Target: "127.0.0.1:8080", URL: "http://127.0.0.1:8080/?q=xxx", Phases: []probe.Phase{connect, send, wait, receive},
			Metrics: []string{ofBytes},
		}},
		"name, no redirects": {"http://example.com", stay, probe.Profile{
			Target: "example.com:80", URL: "http://example.com", Phases: []probe.Phase{resolve, connect, send, wait, receive},
			Metrics: []string{ofBytes},
		}},
		"address that may redirect": {"http://127.0.0.1/", nil, probe.Profile{
			Target: "127.0.0.1:80", URL: "http://127.0.0.1/", Phases: []probe.Phase{resolve, connect, tls, send, wait, receive},
			Metrics: []string{ofBytes},
		}},
		"https": {"https://[::1]/", stay, probe.Profile{
			Target: "[::1]:443", URL: "https://[::1]/", Phases: []probe.Phase{connect, tls, send, wait, receive},
			Metrics: []string{ofBytes, notAfter, notBefore}, TLS: true,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := build(t, c.url, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, built.Profile); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBuild_RedirectPolicy(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(answer("{}"))
	t.Cleanup(target.Close)
	byName := strings.Replace(target.URL, "127.0.0.1", "localhost", 1)
	url := serve(t, http.RedirectHandler(byName, http.StatusFound).ServeHTTP)
	cases := map[string]struct {
		hosts []string
		want  probe.Reason
	}{
		"any":                 {nil, ""},
		"named":               {[]string{"localhost"}, ""},
		"the first host only": {[]string{"example.com"}, probe.RedirectForbidden},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, url, func(config *api.Config) { config.Redirects.Hosts = c.hosts })
			if result.Reason != c.want {
				t.Errorf("got %q (%s), want %q", result.Reason, result.Detail, c.want)
			}
		})
	}
}
