package egress_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
)

func open(t *testing.T, opts egress.Options) *egress.Proxy {
	t.Helper()
	p, err := egress.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func client(t *testing.T, p *egress.Proxy) *http.Client {
	t.Helper()
	transport := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: p.Address()}),
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestProxy_Carries(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %q", r.Method, r.URL, r.Proto, b)
	})
	plain := httptest.NewServer(h)
	defer plain.Close()
	secure := httptest.NewUnstartedServer(h)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	for _, base := range []string{plain.URL, secure.URL} {
		for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
			p := open(t, egress.Options{AllowPrivate: true, Delay: delay})
			c := client(t, p)
			for i := range 3 {
				start := time.Now()
				resp, err := c.Post(base+"/x?y=1", "text/plain", io.MultiReader(strings.NewReader("hello")))
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				t.Log(i, time.Since(start), string(b))
			}
			p.Close()
			t.Logf("%+v", p.Report())
		}
	}
}
