package ledger_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// each is how much of no use an address may send in a period.
const each = 50

func TestServer_LimitsWhatIsOfNoUseByAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		account := d.Account()
		expected, other := account.Expect(time.Now().Add(time.Hour)), account.Expect(time.Now().Add(time.Hour))
		guess := func(from string, n int) (refused float64) {
			before := countsOf(d.Ledger)
			for i := range n {
				d.post(from, "/v1/receipts/"+id(i), "", "")
			}
			got := countsOf(d.Ledger).minus(before)
			if got.unknown+got.limited != float64(n) {
				t.Errorf("%s: got %+v, want %d refused", from, got, n)
			}
			return got.limited
		}
		for _, test := range []struct {
			name, from string
			n          int
			limited    float64
		}{
			{"a flood", "203.0.113.7:4711", each + 5, 5},
			{"from another port", "203.0.113.7:4712", 2, 2},
			{"from a neighbour", "203.0.113.8:4711", each, 0},
			{"from an IPv6 network", "[2001:db8:1:2:3::4]:1", each, 0},
			{"from the same network", "[2001:db8:1:2:ffff::1]:1", 1, 1},
			{"from the next network", "[2001:db8:1:3::1]:1", 1, 0},
			{"from the same address, written as IPv6", "[::ffff:203.0.113.7]:1", 1, 1},
			{"from nowhere", "@", each + 1, 1},
		} {
			if got := guess(test.from, test.n); got != test.limited {
				t.Errorf("%s: %v are limited, want %v", test.name, got, test.limited)
			}
		}
		d.post("203.0.113.7:4711", "/v1/receipts/"+expected.ID, "", "")
		if len(expected.Arrivals()) != 1 {
			t.Error("a true receipt among a flood from its address is lost")
		}
		<-time.After(10*time.Second - 1)
		if got := guess("203.0.113.7:4711", 1); got != 1 {
			t.Errorf("%v are limited at the end of the period, want 1", got)
		}
		<-time.After(1)
		if got := guess("203.0.113.7:4711", each+1); got != 1 {
			t.Errorf("%v are limited in the next period, want 1", got)
		}
		if !d.Confirm(other.ID, time.Now()) {
			t.Error("a true receipt after a flood is lost")
		}
	})
}

func TestServer_FloodsDrownNoReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b, p := d.OpenBook(token, time.Minute), d.OpenPulse(token, time.Minute)
		defer b.Close()
		defer p.Close()
		const from = "192.0.2.1:1" // that of the sender
		for range 2 * each {
			d.post(from, "/v1/sent", "{}", "a-guess-at-the-token")
		}
		for n := range 3 * each {
			d.sent(n)
			d.post(from, "/v1/receipts/"+id(n), "", "")
			d.post(from, "/v1/heartbeat", "", token)
		}
		got := countsOf(d.Ledger)
		want := counts{receipt: 3 * each, report: 3 * each, heartbeat: 3 * each, unauthorized: each, limited: each}
		if got != want || len(b.Settle().Delivered) != 3*each || p.Take().OnTime != 3*each {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestServer_LimitedReceiptsAreNotHeld has an address that guesses what a sender is about to report.
func TestServer_LimitedReceiptsAreNotHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		for n := range 2 * each {
			d.arrived(n)
		}
		for n := range 2 * each {
			d.sent(n)
		}
		if got := b.Settle(); len(got.Delivered) != each || got.Outstanding != each {
			t.Errorf("%d are delivered and %d outstanding, want %d of each", len(got.Delivered), got.Outstanding, each)
		}
	})
}

func TestServer_BelievesTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8:99::/48")}
	for _, test := range []struct {
		name, remote string
		forwarded    []string
		same         string // address that is limited after a flood
	}{
		{"nobody between", "203.0.113.7:1", nil, "203.0.113.7:2"},
		{"a proxy", "192.0.2.1:1", []string{"203.0.113.7"}, "203.0.113.7:2"},
		{"a proxy that names the port", "192.0.2.1:1", []string{"[2001:db8::7]:99"}, "[2001:db8::8]:2"},
		{"two proxies", "192.0.2.1:1", []string{"203.0.113.7, 192.0.2.9"}, "203.0.113.7:2"},
		{"two lines", "192.0.2.1:1", []string{"198.51.100.1", "203.0.113.7, 2001:db8:99::1"}, "203.0.113.7:2"},
		{"what the sender claims before it", "192.0.2.1:1", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7:2"},
		{"what a stranger claims", "203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7:2"},
		{"what nobody can read", "192.0.2.1:1", []string{"203.0.113.9, unknown"}, "192.0.2.1:2"},
		{"an empty line", "192.0.2.1:1", []string{""}, "192.0.2.1:2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New()
			server, err := ledger.NewServer(ledger.Options{Ledger: l, TrustedProxies: proxies})
			if err != nil {
				t.Fatal(err)
			}
			ask := func(remote string, forwarded []string) {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				r.RemoteAddr, r.Header = remote, http.Header{"X-Forwarded-For": forwarded}
				server.ServeHTTP(httptest.NewRecorder(), r)
			}
			for range each {
				ask(test.remote, test.forwarded)
			}
			ask(test.same, nil)
			ask("198.51.100.99:1", nil)
			if got := countsOf(l); got != (counts{malformed: each + 1, limited: 1}) {
				t.Errorf("got %+v, want one of %s limited and no other", got, test.same)
			}
		})
	}
}

func TestNewServer_RefusesProxiesThatAreEverybody(t *testing.T) {
	t.Parallel()
	for i, proxy := range []netip.Prefix{
		{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.PrefixFrom(netip.MustParseAddr("::ffff:192.0.2.0"), 120),
	} {
		opts := ledger.Options{Ledger: ledger.New(), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), proxy}}
		_, err := ledger.NewServer(opts)
		wrong, ok := errors.AsType[*probe.FieldError](err)
		if !ok || wrong.Field != "trusted_proxies[1]" || fmt.Sprint(ledger.Check(opts)) != err.Error() {
			t.Errorf("%d: got %v for %v, want a mistake in trusted_proxies[1]", i, err, proxy)
		}
	}
}
