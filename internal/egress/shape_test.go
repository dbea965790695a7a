package egress_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/httpx"
)

// tolerance is what a shaped time may be off by, as a share of it. It is never short.
const tolerance = 0.15

// fits checks a time against the one that the line prescribes. A busy machine may be late at one time, but not at every:
// the measurement is repeated, until it has fitted once.
func fits(t *testing.T, what string, want time.Duration, measure func() time.Duration) {
	t.Helper()
	var got time.Duration
	for range 30 {
		if got = measure(); got < want-2*time.Millisecond {
			t.Errorf("%s: took %v, and cannot be below %v", what, got, want)
			return
		}
		if got <= want+time.Duration(float64(want)*tolerance) {
			return
		}
	}
	t.Errorf("%s: took %v, want %v within %v %%", what, got, want, tolerance*100)
}

// answering returns a server that answers "/30ms" after that time with nothing, and "/0s/1000" with so many bytes.
func answering(t *testing.T) (*httptest.Server, *httptest.Server) {
	t.Helper()
	h := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		first, size, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if wait, err := time.ParseDuration(first); err == nil && wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			<-timer.C
		}
		n := 0
		_, _ = fmt.Sscan(size, &n)
		_, _ = w.Write(bytes.Repeat([]byte("x"), n))
	}
	return plain(t, h), secure(t, h)
}

// firstByte returns how long the first byte of an answer takes.
func firstByte(t *testing.T, c *http.Client, url string) time.Duration {
	t.Helper()
	var first time.Time
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Now() }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, resp)
	return first.Sub(start)
}

// The time to the first byte is what the server takes and, on top, the round trips of a customer: a slow back end shows
// in full, where a floor under each request would hide it.
func TestShape_AddsToTheServer(t *testing.T) {
	t.Parallel()
	const trip = 150 * time.Millisecond
	server, secured := answering(t)
	for _, delay := range []time.Duration{0, 300 * time.Millisecond, 562 * time.Millisecond, time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			for _, test := range []struct {
				base  string
				trips time.Duration
			}{{server.URL, 2}, {secured.URL, 3}} { // handshake, that of TLS 1.3, request
				url := test.base + "/" + delay.String()
				fits(t, url, test.trips*trip+delay, func() time.Duration {
					p := open(t, egress.Options{AllowPrivate: true, Delay: trip, Down: 1_638_400, Up: 750_000})
					defer p.Close()
					took := firstByte(t, browser(t, p), url)
					t.Logf("first byte after %v", took.Round(time.Millisecond))
					return took
				})
			}
		})
	}
}

func TestShape_RoundTrips(t *testing.T) {
	t.Parallel()
	const trip = 100 * time.Millisecond
	server, secured := answering(t)
	old := httptest.NewUnstartedServer(server.Config.Handler)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12} //nolint:gosec // its handshake has two round trips
	old.StartTLS()
	t.Cleanup(old.Close)
	dns := nameserver(t, func(string) any { return []string{"127.0.0.1"} })
	_, port := hostPort(t, server.URL)
	tests := []struct {
		name, url    string
		first, later time.Duration // round trips of the first request, and of one on the same connection
	}{
		{"address", server.URL, 2, 1},
		{"TLS 1.3", secured.URL, 3, 1},
		{"TLS 1.2", old.URL, 4, 1},
		{"name", "http://shop.test:" + port, 3, 1},
		{"localhost", "http://localhost:" + port, 2, 1},
		{"known name", "http://known.test", 2, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var later []func()
			fits(t, "first request", test.first*trip, func() time.Duration {
				host, _ := hostPort(t, server.URL)
				p := open(t, egress.Options{
					AllowPrivate: true, Delay: trip,
					Resolver: httpx.Resolver{Server: dns}, Hosts: map[string]string{"known.test": host},
				})
				c := browser(t, p)
				took := firstByte(t, c, test.url)
				conn := p.Report().Conns[0]
				if parts := conn.Resolve + conn.ResolveAdded + conn.Connect + conn.ConnectAdded; parts > took || conn.ConnectAdded < trip {
					t.Errorf("got parts %+v of %v, want at least %v added to connect", conn, took, trip)
				}
				if looked := test.name == "name"; (conn.ResolveAdded >= trip) != looked || (conn.Resolve > 0) != looked {
					t.Errorf("got resolve %v + %v, want looked up: %v", conn.Resolve, conn.ResolveAdded, looked)
				}
				later = append(later, func() {
					fits(t, "later request", test.later*trip, func() time.Duration { return firstByte(t, c, test.url) })
				})
				return took
			})
			later[len(later)-1]()
		})
	}
}

// A name is looked up once in a visit, however many ask.
func TestShape_LooksUpOnce(t *testing.T) {
	t.Parallel()
	server, _ := answering(t)
	_, port := hostPort(t, server.URL)
	var asked atomic.Int64
	dns := nameserver(t, func(string) any {
		asked.Add(1)
		return []string{"127.0.0.1"}
	})
	p := open(t, egress.Options{AllowPrivate: true, Delay: 50 * time.Millisecond, Resolver: httpx.Resolver{Server: dns}})
	start := time.Now()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			conn, in := dial(t, p, "CONNECT shop.test:"+port+" HTTP/1.1\r\n\r\n")
			if _, err := in.ReadString('\n'); err != nil {
				t.Error(err)
			}
			_ = conn.Close()
		})
	}
	all.Wait()
	took := time.Since(start)
	if got := asked.Load(); got != 1 {
		t.Errorf("the name was looked up %d times, want 1", got)
	}
	for _, conn := range p.Report().Conns {
		if conn.Resolve < 0 || conn.Resolve+conn.ResolveAdded == 0 || conn.ResolveAdded > took {
			t.Errorf("got resolve %v + %v, want its share of the one look-up", conn.Resolve, conn.ResolveAdded)
		}
	}
	if _, err := browser(t, p).Get("http://shop.test:" + port); err != nil {
		t.Error(err)
	}
	conns := p.Report().Conns
	var longest time.Duration // of whoever asked
	for _, conn := range conns[:6] {
		longest = max(longest, conn.ResolveAdded)
	}
	if last := conns[6]; last.Resolve < 0 || last.Resolve+last.ResolveAdded >= longest {
		t.Errorf("got resolve %v + %v for a name that is known by now", last.Resolve, last.ResolveAdded)
	}
}

// The rate is right for what is small and for what is large, both ways.
func TestShape_Rate(t *testing.T) {
	t.Parallel()
	const down, up = 1_638_400, 750_000
	server, _ := answering(t)
	ideal := func(size, rate int) time.Duration {
		return time.Duration(float64(size) * 8 / float64(rate) * float64(time.Second))
	}
	tests := []struct {
		name     string
		down, up int // bytes
	}{
		{"10 KB down", 10_000, 0},
		{"100 KB down", 100_000, 0},
		{"2 MB down", 2_000_000, 0},
		{"100 KB up", 0, 100_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fits(t, test.name, ideal(test.down, down)+ideal(test.up, up), func() time.Duration {
				p := open(t, egress.Options{AllowPrivate: true, Down: down, Up: up})
				defer p.Close()
				start := time.Now()
				resp, err := browser(t, p).Post(fmt.Sprintf("%s/0s/%d", server.URL, test.down), "", bytes.NewReader(make([]byte, test.up)))
				if err != nil {
					t.Fatal(err)
				}
				if got := drain(t, resp); len(got) != test.down {
					t.Errorf("got %d bytes, want %d", len(got), test.down)
				}
				took := time.Since(start)
				t.Logf("took %v, ideal %v", took, ideal(test.down, down)+ideal(test.up, up))
				return took
			})
		})
	}
}

// Connections share the line, and none has to wait for another's end.
func TestShape_SharedRate(t *testing.T) {
	t.Parallel()
	const size, rate, conns = 100_000, 4_000_000, 4
	server, _ := answering(t)
	fits(t, "all", conns*size*8*time.Second/rate, func() time.Duration {
		p := open(t, egress.Options{AllowPrivate: true, Down: rate})
		defer p.Close()
		took := make([]time.Duration, conns)
		start := time.Now()
		var all sync.WaitGroup
		for i := range conns {
			all.Go(func() {
				defer func() { took[i] = time.Since(start) }()
				resp, err := browser(t, p).Get(fmt.Sprintf("%s/0s/%d", server.URL, size))
				if err != nil {
					t.Error(err)
					return
				}
				drain(t, resp)
			})
		}
		all.Wait()
		whole := time.Since(start)
		if slices.Min(took) < whole/3 {
			t.Logf("got %v, want all at nearly the same time", took)
			return 2 * whole // try again
		}
		return whole
	})
}

// A longer line is not a narrower one: what waits for its turn does not keep the next bytes from setting off.
func TestShape_DelayLeavesThroughput(t *testing.T) {
	t.Parallel()
	const size, trip = 4 << 20, 200 * time.Millisecond
	server, _ := answering(t)
	p := open(t, egress.Options{AllowPrivate: true, Delay: trip})
	start := time.Now()
	if body := get(t, browser(t, p), fmt.Sprintf("%s/0s/%d", server.URL, size)); len(body) != size {
		t.Errorf("got %d bytes, want %d", len(body), size)
	}
	// A window of 1 MiB in each half of the round trip, where one chunk at a time would take 25 s.
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v, want about %v", took, 2*trip+4*trip/2)
	}
}
