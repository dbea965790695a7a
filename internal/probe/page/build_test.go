package page_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	tests := []struct {
		name   string
		url    string
		change func(*page.Config)
		want   []string
	}{
		{"no URL", "", nil, []string{"url: missing, want https://host/path"}},
		{"no scheme", "www.example.com", nil, []string{"url: scheme of www.example.com, want http or https"}},
		{"no host", "https:///path", nil, []string{"url: URL https:///path has no host"}},
		{"a password", "https://user:hunter2@example.com/", nil, []string{"url: holds credentials, want them in secret_headers as Authorization"}},
		{"profile", "https://a.example/", func(c *page.Config) { c.Profile = "tablet" }, []string{`profile: "tablet", want desktop or phone`}},
		{
			"an inline credential", "https://a.example/",
			func(c *page.Config) { c.Headers = map[string]string{"authorization": "Bearer hunter2"} },
			[]string{"headers.authorization: is a credential, want it in secret_headers as {file: …} or {env: …}"},
		},
		{
			"header names", "https://a.example/",
			func(c *page.Config) { c.Headers = map[string]string{"X Y": "1", "Connection": "close"} },
			[]string{
				`headers.Connection: header "Connection" belongs to the connection and is set by the client`,
				`headers."X Y": header name "X Y", want letters, digits and hyphens`,
			},
		},
		{
			"a header value", "https://a.example/", func(c *page.Config) { c.Headers = map[string]string{"X-Key": "hunter2\n"} },
			[]string{`headers.X-Key: value of header "X-Key", want no control characters`},
		},
		{
			"a secret that cannot be read", "https://a.example/",
			func(c *page.Config) { c.SecretHeaders = map[string]probe.Secret{"X-Key": {File: missing}} },
			[]string{"secret_headers.X-Key: stat " + missing + ": no such file or directory"},
		},
		{"redirects", "https://a.example/", func(c *page.Config) { c.Redirects.Max = -1 }, []string{"redirects.max: -1, want 0 or more"}},
		{"body", "https://a.example/", func(c *page.Config) { c.MaxBody = 0 }, []string{"max_body: 0, want 1 byte or more"}},
		{"resolver without port", "https://a.example/", func(c *page.Config) { c.Resolver = "192.0.2.1" }, []string{`resolver: "192.0.2.1", want host:port`}},
		{"resolver without host", "https://a.example/", func(c *page.Config) { c.Resolver = ":53" }, []string{`resolver: ":53", want host:port`}},
		{"resolver with a wrong port", "https://a.example/", func(c *page.Config) { c.Resolver = "192.0.2.1:dns" }, []string{`resolver: "192.0.2.1:dns", want host:port`}},
		{
			"authorities", "https://a.example/", func(c *page.Config) { c.TLS.CAFile = missing },
			[]string{"tls: reading CA file: open " + missing + ": no such file or directory"},
		},
		{
			"status", "https://a.example/", func(c *page.Config) { c.Expect.Status = []string{"200", "ok"} },
			[]string{`expect.status[1]: "ok": want a code such as 200, a class such as 2xx or a range such as 200-204`},
		},
		{
			"texts", "https://a.example/", func(c *page.Config) { c.Expect.Text, c.Expect.NotText = []string{"a", " \n"}, []string{""} },
			[]string{"expect.text[1]: is empty, want a text", "expect.not_text[0]: is empty, want a text"},
		},
		{"final URL", "https://a.example/", func(c *page.Config) { c.Expect.FinalURL = "/thanks" }, []string{"expect.final_url: scheme of /thanks, want http or https"}},
		{
			"canonical", "https://a.example/", func(c *page.Config) { c.Expect.Canonical = "itself" },
			[]string{"expect.canonical: scheme of itself, want http or https, or self"},
		},
		{
			"charset", "https://a.example/", func(c *page.Config) { c.Expect.Charset = "utf-9" },
			[]string{`expect.charset: "utf-9", want the name of an encoding such as utf-8`},
		},
		{
			"everything at once", "ftp://a.example/",
			func(c *page.Config) {
				c.Profile, c.MaxBody, c.Resolver, c.TLS.CAFile = "tablet", -1, "53", missing
				c.Headers = map[string]string{"Proxy-Authorization": "hunter2"}
				c.Expect.Charset = "utf-9"
			},
			[]string{
				"url: scheme of ftp://a.example/, want http or https",
				"max_body: -1, want 1 byte or more",
				`resolver: "53", want host:port`,
				"headers.Proxy-Authorization: is a credential, want it in secret_headers as {file: …} or {env: …}",
				"tls: reading CA file: open " + missing + ": no such file or directory",
				`profile: "tablet", want desktop or phone`,
				`expect.charset: "utf-9", want the name of an encoding such as utf-8`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			built, err := page.Kind().Build(config(probe.DesktopWeb, tt.url, tt.change), setup())
			if err == nil {
				t.Fatalf("got %+v, want an error", built)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got a secret in %q", err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			for _, mistake := range leaves(err) {
				if _, ok := errors.AsType[*probe.FieldError](mistake); !ok {
					t.Errorf("got %T %q, want a *probe.FieldError", mistake, mistake)
				}
			}
		})
	}
}

// leaves returns the errors that were joined.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, inner := range joined.Unwrap() {
		all = append(all, leaves(inner)...)
	}
	return all
}

func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	withoutTLS := []probe.Phase{probe.Resolve, probe.Connect, probe.Send, probe.Wait, probe.Receive}
	all := []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive}
	dated := []string{"page_bytes", "tls_certificate_not_after_timestamp_seconds", "tls_certificate_not_before_timestamp_seconds"}
	noRedirects := func(c *page.Config) { c.Redirects.Max = 0 }
	tests := []struct {
		name   string
		url    string
		change func(*page.Config)
		want   probe.Profile
	}{
		{
			"https", "https://shop.example/a?token=1", nil,
			probe.Profile{Target: "shop.example:443", URL: "https://shop.example/a?token=xxx", Phases: all, Metrics: dated, TLS: true},
		},
		{
			"http can be redirected to https", "http://shop.example/", nil,
			probe.Profile{Target: "shop.example:80", URL: "http://shop.example/", Phases: all, Metrics: dated[:1]},
		},
		{
			"http that must become https", "http://shop.example/", func(c *page.Config) { c.Expect.FinalURL = "https://shop.example/*" },
			probe.Profile{Target: "shop.example:80", URL: "http://shop.example/", Phases: all, Metrics: dated, TLS: true},
		},
		{
			"http alone", "http://shop.example:8080/", noRedirects,
			probe.Profile{Target: "shop.example:8080", URL: "http://shop.example:8080/", Phases: withoutTLS, Metrics: dated[:1]},
		},
		{
			"an address alone has no name to look up", "https://[::1]:8443/", noRedirects,
			probe.Profile{Target: "[::1]:8443", URL: "https://[::1]:8443/", Phases: all[1:], Metrics: dated, TLS: true},
		},
		{
			"an address can be redirected to a name", "http://127.0.0.1/", nil,
			probe.Profile{Target: "127.0.0.1:80", URL: "http://127.0.0.1/", Phases: all, Metrics: dated[:1]},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			built, err := page.Kind().Build(config(probe.DesktopWeb, tt.url, tt.change), setup())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, built.Profile); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}
