package httpkind_test

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// advertise starts a server by TCP that names an alternative, and returns it as a target that trusts the authority of the
// alternative, too.
func advertise(t *testing.T, alternative probetest.Target, field string) *httpkind.Target {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if field != "" {
			w.Header().Set("Alt-Svc", field)
		}
	}))
	t.Cleanup(server.Close)
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if alternative.CAFile != "" {
		more, err := os.ReadFile(alternative.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, more...)
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, roots, 0o600); err != nil {
		t.Fatal(err)
	}
	return target(server.URL, func(c *httpkind.Target) { c.TLS.CAFile, c.HTTP3 = file, "check" })
}

// fault returns one of the services that misbehave by HTTP/3.
func fault(t *testing.T, name string) func(testing.TB) probetest.Target {
	t.Helper()
	faults := probetest.QUICFaults()
	i := slices.IndexFunc(faults, func(f probetest.Fault) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("there is no fault %q", name)
	}
	return faults[i].Start
}

func value(result *probe.Result, metric string) (float64, bool) {
	for _, m := range result.Measurements {
		if m.Metric == metric {
			return m.Value, true
		}
	}
	return 0, false
}

// nowhere is where nobody is asked.
func nowhere(testing.TB) probetest.Target { return probetest.Target{URL: "https://127.0.0.1:1"} }

func portOf(t *testing.T, target probetest.Target) string {
	t.Helper()
	u, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestProbe_ComparesHTTP3(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start     func(testing.TB) probetest.Target
		field     string // %s is the port
		finding   string // beginning of its detail; empty: none
		exchanges int
		measured  bool
	}{
		"works":          {probetest.HealthyHTTP3, `h3=":%s"; ma=86400`, "", 2, true},
		"works, of many": {probetest.HealthyHTTP3, `h2=":443", h3-29=":1", h3="127.0.0.1:%s"`, "", 2, true},
		"not advertised": {nowhere, "", "", 1, false},
		"taken back":     {nowhere, "clear", "", 1, false},
		"nothing there": {
			probetest.ClosedHTTP3, `h3=":%s"`,
			"advertised by Alt-Svc, but by HTTP/3: connecting by QUIC: nothing listens on this UDP port (connect_refused)", 2, false,
		},
		"black hole": {
			fault(t, "QUIC: black hole"), `h3=":%s"`,
			"advertised by Alt-Svc, but by HTTP/3: connecting by QUIC: no answer in time (connect_timeout)", 2, false,
		},
		"another status": {
			fault(t, "HTTP/3: status 500"), `h3=":%s"`,
			"status 500 by HTTP/3, want 200 as over HTTP/1.1", 2, false,
		},
		"expired certificate": {
			fault(t, "QUIC: expired certificate"), `h3=":%s"`,
			"advertised by Alt-Svc, but by HTTP/3: certificate of CN=127.0.0.1 expired", 2, false,
		},
		"metadata address": {
			nowhere, `h3="169.254.169.254:%s"`,
			"advertised by Alt-Svc, but by HTTP/3: redirect leads to 169.254.169.254, which is link-local or metadata (address_forbidden)", 2, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alternative := tt.start(t)
			result := run(t, advertise(t, alternative, strings.ReplaceAll(tt.field, "%s", portOf(t, alternative))), httpkind.Request{})
			if result.Reason != "" {
				t.Fatalf("got reason %q: %s", result.Reason, result.Detail)
			}
			finding := result.Find(httpkind.HTTP3Broken)
			switch {
			case tt.finding == "" && finding != nil:
				t.Errorf("got %+v, want no finding", finding)
			case tt.finding != "" && (finding == nil || !strings.HasPrefix(finding.Detail, tt.finding)):
				t.Errorf("got %+v, want %q", finding, tt.finding)
			}
			exchanges := result.Evidence.Exchanges
			if _, measured := value(&result, "http3_duration_seconds"); measured != tt.measured || len(exchanges) != tt.exchanges {
				t.Errorf("got a measurement: %v and %d exchanges, want %v and %d", measured, len(exchanges), tt.measured, tt.exchanges)
			}
			// Nobody waits for the comparison.
			if result.Duration != exchanges[0].Phases.Sum() || result.Phases != exchanges[0].Phases {
				t.Errorf("got duration %v and phases %+v, want those of the first exchange %+v", result.Duration, result.Phases, exchanges[0].Phases)
			}
		})
	}
}

func TestProbe_EveryAddress(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr
	good := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	other := serveAt(t, "127.0.0.3:"+u.Port(), http.StatusServiceUnavailable)
	judge := func(response *httpx.Response) []probe.Finding {
		if response.Status != http.StatusOK {
			return []probe.Finding{{Check: "status_unexpected", Detail: "not 200"}}
		}
		return nil
	}
	for name, tt := range map[string]struct {
		addresses []netip.Addr
		reason    probe.Reason
		disagree  string
		failed    float64
		exchanges int
		timed     bool
	}{
		"one":                   {[]netip.Addr{addr("127.0.0.1")}, "", "", 0, 1, true},
		"one fails":             {[]netip.Addr{addr("127.0.0.2"), addr("127.0.0.1")}, "", "1 of 2 addresses fail: 127.0.0.2 (connect_refused)", 1, 2, true},
		"one answers otherwise": {[]netip.Addr{other, addr("127.0.0.1")}, "", "1 of 2 addresses fail: 127.0.0.3 (status_unexpected)", 1, 2, true},
		"all fail":              {[]netip.Addr{addr("127.0.0.2"), addr("127.0.0.4")}, probe.ConnectRefused, "", 2, 2, false},
		"without a route":       {[]netip.Addr{addr("127.0.0.1"), addr("ff0e::1")}, "", "", 0, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := probetest.ServeName(t, tt.addresses...)
			result := run(t, target("http://"+net.JoinHostPort(probetest.Name, u.Port()), func(c *httpkind.Target) {
				c.Resolver, c.Addresses = resolver, "all"
			}), httpkind.Request{Judge: judge})
			if result.Reason != tt.reason {
				t.Errorf("got reason %q (%s), want %q", result.Reason, result.Detail, tt.reason)
			}
			disagree := ""
			if finding := result.Find(httpkind.AddressesDisagree); finding != nil {
				disagree = finding.Detail
			}
			if disagree != tt.disagree {
				t.Errorf("got %q, want %q", disagree, tt.disagree)
			}
			if failed, ok := value(&result, "addresses_failed"); !ok || failed != tt.failed {
				t.Errorf("got %v failed, want %v", failed, tt.failed)
			}
			best, timed := value(&result, "addresses_best_seconds")
			worst, _ := value(&result, "addresses_worst_seconds")
			if timed != tt.timed || best > worst {
				t.Errorf("got best %v and worst %v, want some: %v", best, worst, tt.timed)
			}
			if got := len(result.Evidence.Exchanges); got != tt.exchanges {
				t.Errorf("got %d exchanges, want one of each address: %d", got, tt.exchanges)
			}
			if _, resolved := result.Phases.Get(probe.Resolve); !resolved || result.Phases.Sum() != result.Duration {
				t.Errorf("got phases %+v of %v, want all of it, the lookup included", result.Phases, result.Duration)
			}
		})
	}
}

// serveAt serves a status at an address of loopback until the test ends.
func serveAt(t *testing.T, address string, status int) netip.Addr {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(address).Addr()
}

func TestOpen_Reach(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url, method, http3, addresses string
		want                          string // empty: no mistake
	}{
		"HTTP/3 alone":         {"https://shop.example/", http.MethodPost, "only", "all", "addresses: all repeats the request, want GET, HEAD or OPTIONS, not POST"},
		"HTTP/3 of all":        {"https://shop.example/", http.MethodGet, "only", "all", ""},
		"HTTP/3 alone, posted": {"https://shop.example/", http.MethodPost, "only", "", ""},
		"no such word":         {"https://shop.example/", "", "yes", "some", "http3: \"yes\", want only or check\naddresses: \"some\", want any or all"},
		"plain":                {"http://shop.example/", "", "check", "any", "http3: HTTP/3 is for https only, but the URL begins with http"},
		"both":                 {"https://shop.example/", "", "check", "all", "http3: check and addresses: all are two comparisons, want one of them in a touchpoint"},
		"posted twice":         {"https://shop.example/", http.MethodPost, "check", "", "http3: check repeats the request, want GET, HEAD or OPTIONS, not POST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(target(tt.url, func(c *httpkind.Target) { c.HTTP3, c.Addresses = tt.http3, tt.addresses }), httpkind.Request{Method: tt.method})
			if got := errorText(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
