package applink_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/applink"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	app         = "ABCDE12345.com.example.shop"
	pkg         = "com.example.shop"
	fingerprint = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	otherKey    = "00:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"
	association = `{"applinks":{"details":[{"appIDs":["` + app + `"],"components":[{"/":"/account/*","exclude":true},{"/":"/products/*"}]}]}}`
)

func statements(relation, name, key string) string {
	return fmt.Sprintf(`[{"relation":[%q],"target":{"namespace":"android_app","package_name":%q,"sha256_cert_fingerprints":[%q,%q]}}]`,
		relation, name, otherKey, key)
}

var assetLinks = statements("delegate_permission/common.handle_all_urls", pkg, fingerprint)

// stage is a site, Apple, a remote configuration and a store, all of which can be changed before they are asked.
type stage struct {
	site, others *httptest.Server
	caFile       string
	answers      map[string]http.HandlerFunc // by path
}

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// old is text as it has been for two days.
func old(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", time.Now().Add(-48*time.Hour).UTC().Format(http.TimeFormat))
		text("application/json", body)(w, r)
	}
}

const (
	iosPath, androidPath = "/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"
	copyPath             = "/a/v1/127.0.0.1"
)

func newStage(tb testing.TB) *stage {
	tb.Helper()
	s := &stage{answers: map[string]http.HandlerFunc{
		iosPath:      old(association),
		androidPath:  text("application/json; charset=utf-8", assetLinks),
		copyPath:     text("application/json", association),
		"/config":    text("application/json", `{"ios":{"min":"4.9"},"android":{"min":41000}}`),
		"/lookup/de": text("text/javascript", `{"resultCount":1,"results":[{"version":"4.10.0"}]}`),
		"/lookup/at": text("text/javascript", `{"resultCount":1,"results":[{"version":"4.9"}]}`),
	}}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handle := s.answers[r.URL.Path]; handle != nil {
			handle(w, r)
			return
		}
		http.NotFound(w, r)
	})
	s.site, s.others = httptest.NewTLSServer(answer), httptest.NewServer(answer)
	tb.Cleanup(s.site.Close)
	tb.Cleanup(s.others.Close)
	s.caFile = filepath.Join(tb.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.site.Certificate().Raw})
	if err := os.WriteFile(s.caFile, block, 0o600); err != nil {
		tb.Fatal(err)
	}
	return s
}

// build builds a prober that looks at everything; change adapts it.
func (s *stage) build(change func(*applink.Config)) (probe.Built, error) {
	c := applink.Kind().NewConfig(probe.MobileApp).(*applink.Config)
	c.URL, c.TLS.CAFile = s.site.URL, s.caFile
	c.IOS.AppIDs, c.IOS.Links, c.IOS.Copy = []string{app}, []string{s.site.URL + "/products/1?from=mail"}, s.others.URL
	c.IOS.Release.Config, c.IOS.Release.Minimum = s.others.URL+"/config?key=hunter22", "$.ios.min"
	c.IOS.Release.Store = []string{s.others.URL + "/lookup/de", s.others.URL + "/lookup/at"}
	c.Android.Package, c.Android.Fingerprints = pkg, []string{fingerprint}
	c.Android.Release.Config, c.Android.Release.Minimum, c.Android.Release.Version = s.others.URL+"/config?key=hunter22", "$.android.min", "41000"
	if change != nil {
		change(c)
	}
	return applink.Kind().Build(c, probe.Setup{
		Channel: "app", Touchpoint: "links", Type: probe.MobileApp, Every: time.Hour, Timeout: 20 * time.Second, UserAgent: "Channelwatch/1.2.3",
	})
}

func (s *stage) probe(tb testing.TB, change func(*applink.Config)) probe.Result {
	tb.Helper()
	built, err := s.build(change)
	if err != nil {
		tb.Fatal(err)
	}
	result, err := built.Prober.Probe(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

func TestProbe_AllIsFine(t *testing.T) {
	t.Parallel()
	result := newStage(t).probe(t, nil)
	if result.Reason != "" || len(result.Findings) > 0 || len(result.Evidence.Exchanges) != 7 {
		t.Errorf("got %q (%s), %v and %d exchanges, want nothing wrong with 7 documents",
			result.Reason, result.Detail, result.Findings, len(result.Evidence.Exchanges))
	}
	if n := len(result.Measurements); n != 2 {
		t.Errorf("got %v, want the dates of the site's certificate once", result.Measurements)
	}
}

func TestProbe_Findings(t *testing.T) {
	t.Parallel()
	const handle = "delegate_permission/common.handle_all_urls"
	large := strings.Replace(association, `{"/":"/products/*"}`, `{"/":"/products/*","comment":"`+strings.Repeat("x", 128<<10)+`"}`, 1)
	throttled := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }
	failed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Apple-Failure-Reason", "SWCERR00101 Bad HTTP Response: 403 Forbidden")
		w.WriteHeader(http.StatusNotFound)
	}
	cases := map[string]struct {
		path   string
		answer http.HandlerFunc
		more   map[string]http.HandlerFunc
		want   []probe.Finding // details are compared where they are given
	}{
		"no association":          {path: iosPath, want: []probe.Finding{{Check: "applink_file_missing", Detail: "apple-app-site-association: status 404, want 200"}}},
		"association redirected":  {path: iosPath, answer: http.RedirectHandler("/other", http.StatusMovedPermanently).ServeHTTP, want: []probe.Finding{{Check: "applink_file_redirected", Detail: "apple-app-site-association: status 301, want 200 without a redirect"}}},
		"association is a page":   {path: iosPath, answer: text("text/html", "<!doctype html>"), want: []probe.Finding{{Check: "applink_file_invalid"}}},
		"association of others":   {path: iosPath, answer: text("application/json", `{"webcredentials":{}}`), want: []probe.Finding{{Check: "applink_file_invalid", Detail: "apple-app-site-association: it has no applinks"}}},
		"association of any type": {path: iosPath, answer: text("application/octet-stream", association)},
		"association too large": {
			path: iosPath, answer: old(large), more: map[string]http.HandlerFunc{copyPath: text("application/json", large)},
			want: []probe.Finding{{Check: "applink_file_large"}},
		},
		"another app": {
			path: iosPath, answer: text("application/json", strings.ReplaceAll(association, "shop", "game")),
			more: map[string]http.HandlerFunc{copyPath: text("application/json", strings.ReplaceAll(association, "shop", "game"))},
			want: []probe.Finding{{Check: "applink_app_missing", Detail: "apple-app-site-association: no details for " + app}},
		},
		"another path": {
			path: iosPath, answer: text("application/json", strings.ReplaceAll(association, "products", "goods")),
			more: map[string]http.HandlerFunc{copyPath: text("application/json", strings.ReplaceAll(association, "products", "goods"))},
			want: []probe.Finding{{Check: "applink_link_unmatched"}},
		},
		"Apple's copy is written otherwise":    {path: copyPath, answer: text("application/json", strings.ReplaceAll(association, ":", " : "))},
		"Apple's copy differs":                 {path: copyPath, answer: text("application/json", strings.ReplaceAll(association, "products", "goods")), want: []probe.Finding{{Check: "applink_copy_differs"}}},
		"Apple's copy differs of a fresh file": {path: copyPath, answer: text("application/json", "{}"), more: map[string]http.HandlerFunc{iosPath: text("application/json", association)}, want: []probe.Finding{{Check: "applink_copy_pending"}}},
		"Apple was turned away":                {path: copyPath, answer: failed, want: []probe.Finding{{Check: "applink_copy_missing", Detail: `Apple's copy: status 404, want 200; Apple's reason is "SWCERR00101 Bad HTTP Response: 403 Forbidden", which is 48h0m0s old at least`}}},
		"Apple has no copy of a fresh file":    {path: copyPath, answer: failed, more: map[string]http.HandlerFunc{iosPath: text("application/json", association)}, want: []probe.Finding{{Check: "applink_copy_pending"}}},
		"Apple does not answer":                {path: copyPath, answer: throttled, want: []probe.Finding{{Check: "applink_copy_unknown", Detail: "Apple's copy: status 429, want 200 or 404"}}},
		"no asset links":                       {path: androidPath, want: []probe.Finding{{Check: "applink_file_missing", Detail: "assetlinks.json: status 404, want 200"}}},
		"asset links redirected":               {path: androidPath, answer: http.RedirectHandler("/", http.StatusFound).ServeHTTP, want: []probe.Finding{{Check: "applink_file_redirected"}}},
		"asset links of another type":          {path: androidPath, answer: text("text/plain", assetLinks), want: []probe.Finding{{Check: "applink_file_type", Detail: `assetlinks.json: content type "text/plain", want application/json`}}},
		"asset links are no list":              {path: androidPath, answer: text("application/json", "{}"), want: []probe.Finding{{Check: "applink_file_invalid"}}},
		"another package":                      {path: androidPath, answer: text("application/json", statements(handle, "com.example.game", fingerprint)), want: []probe.Finding{{Check: "applink_app_missing"}}},
		"another relation":                     {path: androidPath, answer: text("application/json", statements("delegate_permission/common.get_login_creds", pkg, fingerprint)), want: []probe.Finding{{Check: "applink_app_missing"}}},
		"included statements":                  {path: androidPath, answer: text("application/json", `[{"include":"https://example.com/a.json"}]`), want: []probe.Finding{{Check: "applink_includes_unread"}}},
		"another key":                          {path: androidPath, answer: text("application/json", statements(handle, pkg, otherKey)), want: []probe.Finding{{Check: "applink_key_missing", Detail: "assetlinks.json: com.example.shop has 2 other fingerprints, want " + fingerprint}}},
		"the key in small letters":             {path: androidPath, answer: text("application/json", statements(handle, pkg, strings.ToLower(fingerprint))), want: []probe.Finding{{Check: "applink_key_missing", Detail: "assetlinks.json: the fingerprint of com.example.shop is not in capitals"}}},
		"locked out on both": {
			path: "/config", answer: text("application/json", `{"ios":{"min":"4.10"},"android":{"min":41001}}`),
			want: []probe.Finding{{Check: "app_locked_out"}, {Check: "app_locked_out", Detail: "the app wants version 41001 at least, the store has 41000"}},
		},
		"locked out in one country":   {path: "/lookup/at", answer: text("", `{"results":[{"version":"4.8.99"}]}`), want: []probe.Finding{{Check: "app_locked_out"}}},
		"no remote configuration":     {path: "/config", answer: throttled, want: []probe.Finding{{Check: "app_config_unavailable"}, {Check: "app_config_unavailable"}}},
		"no oldest version":           {path: "/config", answer: text("application/json", `{"ios":{"min":true},"android":{"min":"1.2.x"}}`), want: []probe.Finding{{Check: "app_minimum_unreadable"}, {Check: "app_minimum_unreadable"}}},
		"the configuration is a page": {path: "/config", answer: text("text/html", "<p>"), want: []probe.Finding{{Check: "app_minimum_unreadable"}, {Check: "app_minimum_unreadable"}}},
		"the store has had enough":    {path: "/lookup/de", answer: throttled, want: []probe.Finding{{Check: "app_store_unknown"}}},
		"the store has no such app":   {path: "/lookup/de", answer: text("", `{"resultCount":0,"results":[]}`), want: []probe.Finding{{Check: "app_store_unknown"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.answers[c.path] = c.answer
			maps.Copy(s.answers, c.more)
			result := s.probe(t, nil)
			got := result.Findings
			for i := range min(len(got), len(c.want)) {
				if got[i].Detail == "" {
					t.Errorf("%s has no detail", got[i].Check)
				}
				if c.want[i].Detail == "" {
					c.want[i].Detail = got[i].Detail
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" || result.Reason != "" {
				t.Errorf("reason %q (%s), findings (-want +got):\n%s", result.Reason, result.Detail, diff)
			}
			if strings.Contains(fmt.Sprintf("%+v", result), "hunter22") {
				t.Error("the result shows the key of the remote configuration")
			}
		})
	}
}

// TestProbe_HidesWhatIsEchoed has a service that repeats its address with the key.
func TestProbe_HidesWhatIsEchoed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.answers["/config"] = func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no "+r.RequestURI, http.StatusForbidden) }
	result := s.probe(t, nil)
	if shown := fmt.Sprintf("%+v %+v", result, result.Evidence); strings.Contains(shown, "hunter22") || !strings.Contains(shown, "[redacted]") {
		t.Errorf("got %s, want the key hidden", shown)
	}
}

// TestProbe_ASlowCopyTakesNothingFromTheRest lets Apple hang.
func TestProbe_ASlowCopyTakesNothingFromTheRest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.answers[copyPath] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	built, err := s.build(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Findings) != 1 || result.Find("applink_copy_unknown") == nil || len(result.Evidence.Exchanges) != 7 {
		t.Errorf("got %v after %d exchanges, want the copy unknown after 7", result.Findings, len(result.Evidence.Exchanges))
	}
}

func TestBuild_AsksForWhatIsSetOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var none applink.Config
	result := s.probe(t, func(c *applink.Config) { c.IOS, c.Android.Release = none.IOS, none.Android.Release })
	if n := len(result.Evidence.Exchanges); n != 1 || len(result.Findings) > 0 {
		t.Errorf("got %d exchanges and %v, want assetlinks.json alone", n, result.Findings)
	}
	result = s.probe(t, func(c *applink.Config) {
		c.Android, c.IOS.Copy, c.IOS.Release = none.Android, "", none.IOS.Release
	})
	if n := len(result.Evidence.Exchanges); n != 1 || len(result.Findings) > 0 {
		t.Errorf("got %d exchanges and %v, want the association alone", n, result.Findings)
	}
}

func TestBuild_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	cases := map[string]struct {
		change func(*applink.Config)
		want   []string
	}{
		"no app": {func(c *applink.Config) { *c = applink.Config{URL: "https://shop.example"} }, []string{"ios.app_ids: neither it nor android.package is set, want an app"}},
		"http": {func(c *applink.Config) { c.URL, c.IOS.Links = "http://shop.example", nil }, []string{
			"url: is not https, and devices ask for the files by https only",
		}},
		"a path": {func(c *applink.Config) { c.URL, c.IOS.Links = "https://shop.example/de", nil }, []string{
			"url: want https:// and a host alone: the addresses of the files are fixed",
		}},
		"many": {func(c *applink.Config) {
			c.Resolver = "dns"
			c.IOS.AppIDs, c.IOS.Links = []string{"com.example.shop"}, []string{"https://other.example/", "x"}
			c.IOS.Copy = "ftp://example.com"
			c.IOS.Release.Store, c.IOS.Release.Minimum = nil, "min"
			c.Android.Fingerprints = []string{strings.ToLower(fingerprint)}
			c.Android.Release.Version, c.Android.Release.Config = "new", "https://a:hunter22@example.com/"
		}, []string{
			`ios.app_ids[0]: "com.example.shop", want a team and a bundle identifier such as ABCDE12345.com.example.shop`,
			"ios.links[0]: is not an address of the site, want https://" + strings.TrimPrefix(s.site.URL, "https://") + "/…",
			"ios.links[1]: scheme of x, want http or https",
			"ios.copy: scheme of ftp://example.com, want http or https",
			`android.fingerprints[0]: "` + strings.ToLower(fingerprint) + `", want 32 bytes in capitals with colons between them`,
			`ios.release.minimum: "min": jsonpath: unexpected identifier at position 1, want an RFC 9535 path such as $.items[0].price`,
			"ios.release.store: want either it or version, to know what customers can get",
			"android.release.config: holds credentials, want an address that is asked for without",
			`android.release.version: version "new", want at most 8 numbers with dots between them`,
			`resolver: "dns", want host:port`,
		}},
		"keys of no package": {func(c *applink.Config) { c.Android.Package = "" }, []string{"android.package: missing beside fingerprints, want the name of the app's package"}},
		"a package of no key": {func(c *applink.Config) { c.Android.Fingerprints = nil }, []string{
			"android.fingerprints: missing, want those of the keys that sign the app",
		}},
		"links of no app": {func(c *applink.Config) { c.IOS.AppIDs = nil }, []string{"ios.links[0]: no app is set that it should open, want ios.app_ids"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.build(c.change)
			if err == nil {
				t.Fatalf("got no error, want %q", c.want)
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	site := func(tb testing.TB, change func(*stage)) probetest.Target {
		tb.Helper()
		s := newStage(tb)
		change(s)
		return probetest.Target{URL: s.site.URL, CAFile: s.caFile}
	}
	probetest.Run(t, probetest.Subject{
		Kind: applink.Kind(), Type: probe.MobileApp,
		With: func(target probetest.Target) map[string]any {
			with := map[string]any{
				"url":     target.URL,
				"ios":     map[string]any{"app_ids": []string{app}, "copy": ""},
				"android": map[string]any{"package": pkg, "fingerprints": []string{fingerprint}},
			}
			if target.CAFile != "" {
				with["tls"] = map[string]any{"ca_file": target.CAFile}
			}
			return with
		},
	}, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return site(tb, func(*stage) {})
		},
		Silent: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return site(tb, func(s *stage) {
				s.answers[iosPath] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			})
		},
		SilentWant: probe.ResponseTimeout,
		ClosedPort: func(tb testing.TB) probetest.Target {
			tb.Helper()
			target := probetest.ClosedPort(tb)
			target.URL = strings.Replace(target.URL, "http://", "https://", 1)
			return target
		},
	})
}
