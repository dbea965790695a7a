package browser_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// serve starts a server on loopback.
func serve(tb testing.TB, handler http.HandlerFunc) string {
	tb.Helper()
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	return server.URL
}

// html answers every request with the document.
func html(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(document)) // a client that went away is the test's own
	}
}

// local is a configuration for a page of the test.
func local(url string, change func(*browser.Config)) *browser.Config {
	return config(probe.DesktopWeb, url, func(c *browser.Config) {
		c.AllowPrivate, c.Profile = true, "native"
		if change != nil {
			change(c)
		}
	})
}

// run probes once.
func run(tb testing.TB, kind probe.Kind, c *browser.Config) probe.Result {
	tb.Helper()
	built, err := kind.Build(c, setup())
	if err != nil {
		tb.Fatal(err)
	}
	defer built.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// fitting probes until nothing is wrong with the times of a result, and fails the test when something always is: a busy
// machine may be late at one time, but not at every.
func fitting(tb testing.TB, kind probe.Kind, c *browser.Config, wrong func(*probe.Result) string) probe.Result {
	tb.Helper()
	const most = 8
	for tries := 1; ; tries++ {
		result := run(tb, kind, c)
		what := wrong(&result)
		if what == "" {
			return result
		}
		if tries == most {
			tb.Errorf("%d times, at last: got %s", most, what)
			return result
		}
		tb.Logf("try %d: got %s", tries, what)
	}
}

func TestProbe_Healthy(t *testing.T) {
	url := serve(t, html("<title>Shop</title><h1>Shoes</h1><p>Add to basket"))
	result := run(t, browser.PatientKind(), local(url, nil))
	t.Logf("%+v", result)
	if result.Reason != "" || len(result.Findings) > 0 {
		t.Errorf("got reason %q (%s) and findings %+v, want none", result.Reason, result.Detail, result.Findings)
	}
}
