package page_test

import (
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

func TestProbe_Downgrade(t *testing.T) {
	t.Parallel()
	plain := serve(t, html("arrived"))
	secure, ca := serveTLS(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain, http.StatusFound) })
	for allowed, want := range map[bool]probe.Reason{false: probe.RedirectDowngrade, true: ""} {
		result := run(t, config(probe.DesktopWeb, secure, func(c *page.Config) {
			c.TLS.CAFile, c.Redirects.AllowDowngrade = ca, allowed
		}))
		if result.Reason != want {
			t.Errorf("allowed %v: got %q, want %q: %s", allowed, result.Reason, want, result.Detail)
		}
	}
}

// The unspecified address is the narrowest of all, and connecting to it leads to this machine.
func TestProbe_RedirectToANarrowerAddress(t *testing.T) {
	t.Parallel()
	target, err := url.Parse(serve(t, html("arrived")))
	if err != nil {
		t.Fatal(err)
	}
	target.Host = net.JoinHostPort("0.0.0.0", target.Port())
	first := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.String(), http.StatusFound) })
	for allowed, want := range map[bool]probe.Reason{false: probe.AddressForbidden, true: ""} {
		result := run(t, config(probe.DesktopWeb, first, func(c *page.Config) { c.AllowPrivate = allowed }))
		if result.Reason != want {
			t.Errorf("allowed %v: got %q, want %q: %s", allowed, result.Reason, want, result.Detail)
		}
	}
}

func TestProbe_AsksTheResolver(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	done := make(chan struct{})
	go func() { // answers SERVFAIL to everything until the socket is closed
		defer close(done)
		message := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(message)
			if err != nil {
				return
			}
			asked.Add(1)
			message[2] |= 0x80 // a response
			message[3] = 2     // SERVFAIL
			_, _ = server.WriteTo(message[:n], from)
		}
	}()
	result := run(t, config(probe.DesktopWeb, "https://shop.example/", func(c *page.Config) { c.Resolver = server.LocalAddr().String() }))
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if asked.Load() == 0 || result.Reason != probe.DNSFailed {
		t.Errorf("got %q after %d questions, want %q after some: %s", result.Reason, asked.Load(), probe.DNSFailed, result.Detail)
	}
}

func TestProbe_EndsAtTheTimeoutOfTheTouchpoint(t *testing.T) {
	t.Parallel()
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hasty := setup()
	hasty.Timeout = time.Second
	built, err := page.Kind().Build(config(probe.DesktopWeb, target, nil), hasty)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil || result.Reason != probe.ResponseTimeout || result.Duration >= httpx.DefaultTimeout {
		t.Errorf("got reason %q after %v and error %v, want %q before the client's own timeout",
			result.Reason, result.Duration, err, probe.ResponseTimeout)
	}
}

func TestProbe_ServerName(t *testing.T) {
	t.Parallel()
	target, ca := serveTLS(t, html("hello"))
	for name, want := range map[string]probe.Reason{"": "", "example.com": "", "shop.example": probe.TLSWrongHost} {
		result := run(t, config(probe.DesktopWeb, target, func(c *page.Config) { c.TLS.CAFile, c.TLS.ServerName = ca, name }))
		if result.Reason != want {
			t.Errorf("server name %q: got %q, want %q: %s", name, result.Reason, want, result.Detail)
		}
	}
}

func TestProbe_HostIsForTheFirstHostOnly(t *testing.T) {
	t.Parallel()
	var last atomic.Value
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { last.Store(r.Host) })
	first := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	run(t, config(probe.DesktopWeb, first, func(c *page.Config) { c.Headers = map[string]string{"Host": "shop.example"} }))
	if got, want := last.Load(), other[len("http://"):]; got != want {
		t.Errorf("second host was asked for %q, want %q", got, want)
	}
}
