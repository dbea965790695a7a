package httpkind_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// target returns one that every other setting of is right.
func target(url string, change func(*httpkind.Target)) *httpkind.Target {
	t := &httpkind.Target{URL: url, MaxBody: 1 << 20, Redirects: httpkind.Redirects{Max: 5}}
	if change != nil {
		change(t)
	}
	return t
}

// open opens a target with a request that finds nothing.
func open(t *httpkind.Target, request httpkind.Request) (probe.Built, error) {
	if request.Judge == nil {
		request.Judge = func(*httpx.Response) []probe.Finding { return nil }
	}
	request.Metric = "test_bytes"
	return new(httpkind.Opener).Open(t, probe.Setup{Timeout: 5 * time.Second, UserAgent: "Channelwatch/1.2.3"}, request)
}

func run(t *testing.T, target *httpkind.Target, request httpkind.Request) probe.Result {
	t.Helper()
	built, err := open(target, request)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestOpen_Mistakes(t *testing.T) {
	t.Setenv("TEST_TOKEN", "Bearer hunter2")
	t.Setenv("TEST_LINE", "hunter2\n\nhunter2")
	cases := map[string]struct {
		change func(*httpkind.Target)
		want   string
	}{
		"a cookie in the open": {
			func(c *httpkind.Target) { c.Headers = map[string]string{"cookie": "session=hunter2"} },
			"headers.cookie: is a credential, want it in secret_headers as {file: …} or {env: …}",
		},
		"a name of two lines": {
			func(c *httpkind.Target) { c.Headers = map[string]string{"X\r\nY": "hunter2"} },
			`headers."X\r\nY": header name "X\r\nY", want letters, digits and hyphens`,
		},
		"a secret name of two lines": {
			func(c *httpkind.Target) {
				c.SecretHeaders = map[string]probe.Secret{"X\nY": {Env: "TEST_TOKEN"}}
			},
			`secret_headers."X\nY": header name "X\nY", want letters, digits and hyphens`,
		},
		"a secret of two lines": {
			func(c *httpkind.Target) { c.SecretHeaders = map[string]probe.Secret{"X": {Env: "TEST_LINE"}} },
			`secret_headers.X: value of header "X", want no control characters`,
		},
		"a header in the open and secret": {
			func(c *httpkind.Target) {
				c.Headers = map[string]string{"x-key": "1"}
				c.SecretHeaders = map[string]probe.Secret{"X-Key": {Env: "TEST_TOKEN"}}
			},
			"secret_headers.X-Key: is set twice, want one value",
		},
		"port 0 of a resolver": {func(c *httpkind.Target) { c.Resolver = "127.0.0.1:0" }, `resolver: "127.0.0.1:0", want host:port`},
		"a server name of two lines": {
			func(c *httpkind.Target) { c.TLS.ServerName = "a\r\nb" },
			`tls.server_name: "a\r\nb", want the name of a host`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := open(target("https://shop.example/", c.change), httpkind.Request{})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestOpen_Hosts(t *testing.T) {
	t.Parallel()
	const wrong = ": want a host such as shop.example.com or *.example.com, without scheme, port and path"
	cases := map[string]bool{
		"shop.example.com": true, "*.example.com": true, "localhost": true, "Example.COM.": true, "a_b.example": true,
		"münchen.example": true, "*.münchen.example": true, "127.0.0.1": true, "::1": true, "[::1]": true,
		"": false, "*": false, "*.": false, "*example.com": false, "a.*.example": false, "https://example.com": false,
		"exa mple": false, "example.com:443": false, "example.com/path": false, "a..b": false, "*.127.0.0.1:80": false,
		"ü\u2028.example": false, "-ü.example": false,
	}
	for host, good := range cases {
		_, err := open(target("https://a.example/", func(c *httpkind.Target) { c.Redirects.Hosts = []string{"b.example", host} }), httpkind.Request{})
		switch {
		case good && err != nil:
			t.Errorf("%q: got %v, want no error", host, err)
		case !good && (err == nil || !strings.HasPrefix(err.Error(), "redirects.hosts[1]: ") || !strings.HasSuffix(err.Error(), wrong)):
			t.Errorf("%q: got %v, want redirects.hosts[1]…%s", host, err, wrong)
		}
	}
}

// TestProbe_RedirectHosts is refused by the first address that a host resolves to, unless the host itself is.
func TestProbe_RedirectHosts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		location string
		hosts    []string
		allowed  bool
	}{
		"its own host":                 {"/arrived", []string{"b.example"}, true},
		"another host":                 {"http://localhost:1/", []string{"b.example"}, false},
		"in capitals":                  {"http://localhost:1/", []string{"LocalHost."}, true},
		"below a host":                 {"http://shop.localhost:1/", []string{"*.localhost"}, true},
		"a host is not below itself":   {"http://localhost:1/", []string{"*.localhost"}, false},
		"an international host":        {"http://xn--mnchen-3ya.localhost:1/", []string{"münchen.localhost"}, true},
		"below an international host":  {"http://a.xn--mnchen-3ya.localhost:1/", []string{"*.münchen.localhost"}, true},
		"an address":                   {"http://127.0.0.2:1/", []string{"127.0.0.2"}, true},
		"an address of another family": {"http://[::1]:1/", []string{"[::1]"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					http.Redirect(w, r, c.location, http.StatusFound)
				}
			})
			result := run(t, target(first+"/", func(target *httpkind.Target) { target.Redirects.Hosts = c.hosts }), httpkind.Request{})
			if allowed := result.Reason != probe.RedirectForbidden; allowed != c.allowed {
				t.Errorf("got %q (%s), want it allowed: %v", result.Reason, result.Detail, c.allowed)
			}
		})
	}
}

func TestProbe_WhoGetsWhichHeader(t *testing.T) {
	t.Setenv("TEST_TOKEN", "hunter2")
	var second atomic.Pointer[http.Header]
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { second.Store(new(r.Header.Clone())) })
	var first atomic.Pointer[http.Header]
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		first.Store(new(r.Header.Clone()))
		http.Redirect(w, r, other, http.StatusFound)
	})
	run(t, target(url, func(c *httpkind.Target) {
		c.Headers = map[string]string{
			"accept-language": "de", "X-Tenant": "shop", "Sec-Ch-Ua-Mobile": "?1", "Referer": "https://shop.example/",
			"User-Agent": "Test/1", "accept-encoding": "gzip", "Upgrade-Insecure-Requests": "1",
		}
		c.SecretHeaders = map[string]probe.Secret{"X-Api-Key": {Env: "TEST_TOKEN"}, "Cookie": {Env: "TEST_TOKEN"}}
	}), httpkind.Request{Device: http.Header{"Accept-Language": {"en"}, "Sec-Fetch-Dest": {"document"}}})
	device := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"de"}, "Sec-Ch-Ua-Mobile": {"?1"},
		"Sec-Fetch-Dest": {"document"}, "User-Agent": {"Test/1"}, "Upgrade-Insecure-Requests": {"1"}, "Connection": {"close"},
	}
	if diff := cmp.Diff(device, *second.Load()); diff != "" {
		t.Errorf("the other site (-want +got):\n%s", diff)
	}
	own := device.Clone()
	own.Set("X-Tenant", "shop")
	own.Set("Referer", "https://shop.example/")
	own.Set("X-Api-Key", "hunter2")
	own.Set("Cookie", "hunter2")
	if diff := cmp.Diff(own, *first.Load()); diff != "" {
		t.Errorf("the first site (-want +got):\n%s", diff)
	}
}

func TestProbe_Judged(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "none") // which nobody has heard of
		_, _ = w.Write([]byte("password1 is wrong"))
	})
	result := run(t, target(url, nil), httpkind.Request{
		Secrets: []string{"password1"},
		Judge: func(response *httpx.Response) []probe.Finding {
			return []probe.Finding{{Check: "text_missing", Detail: "got " + string(response.Body)}}
		},
	})
	want := []probe.Finding{
		{Check: probe.EncodingOdd, Detail: result.Findings[0].Detail},
		{Check: "text_missing", Detail: "got [redacted] is wrong"},
	}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got, want := result.Evidence.Exchanges[0].BodyStart, "[redacted] is wrong"; got != want {
		t.Errorf("got the start of the body %q, want %q", got, want)
	}
	if diff := cmp.Diff([]probe.Measurement{{Metric: "test_bytes", Value: 18}}, result.Measurements); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	if got, want := result.Detail, "status 200, 18 bytes over HTTP/1.1"; got != want {
		t.Errorf("got detail %q, want %q", got, want)
	}
}

// TestProbe_CertificateBehindARedirect exports its dates only where it is known in advance that there are some.
func TestProbe_CertificateBehindARedirect(t *testing.T) {
	t.Parallel()
	healthy := probetest.HealthyHTTP(t)
	url := serve(t, http.RedirectHandler(healthy.URL, http.StatusFound).ServeHTTP)
	change := func(c *httpkind.Target) { c.TLS.CAFile = healthy.CAFile }
	if got := run(t, target(url, change), httpkind.Request{}).Measurements; len(got) != 1 {
		t.Errorf("got %v, want the bytes alone", got)
	}
	if got := run(t, target(url, change), httpkind.Request{Secure: true}).Measurements; len(got) != 3 {
		t.Errorf("got %v, want the bytes and two dates, as the answer has to be secure", got)
	}
}

func TestOpen_ContentType(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Header.Get("Content-Type")) })
	request := httpkind.Request{Method: http.MethodPost, Body: []byte("{}"), ContentType: "application/json"}
	for configured, want := range map[string]string{"": "application/json", "text/json": "text/json"} {
		run(t, target(address, func(c *httpkind.Target) {
			if configured != "" {
				c.Headers = map[string]string{"content-type": configured}
			}
		}), request)
		if got.Load() != want {
			t.Errorf("configured %q: got %q, want %q", configured, got.Load(), want)
		}
	}
}

func TestOpen_Profile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://shop.example/": "shop.example:80", "https://shop.example/": "shop.example:443", "http://[::1]:8080/": "[::1]:8080",
	} {
		built, err := open(target(text, nil), httpkind.Request{})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if built.Profile.Target != want || built.Profile.TLS != (parsed.Scheme == "https") {
			t.Errorf("%s: got %+v, want target %s", text, built.Profile, want)
		}
	}
}
