package rum

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const testOrigin = "https://www.shop.example"

// testServer returns a server of one website on a clock that gives every beacon its tokens.
func testServer(tb testing.TB) *Server {
	tb.Helper()
	now := time.Unix(1_795_000_000, 0)
	s, err := New(Options{
		Apps: []App{{Channel: "shop", Origins: []string{testOrigin}, Groups: []Group{
			{"home", "^/$"}, {"product", "^/p/"}, {"category", "^/c/[a-z]+/?$"}, {"basket", "^/(cart|basket)"}, {"sale", "/sale(/|$)"},
		}}},
		Sample: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// testRequest returns a request as it comes from a browser through a proxy.
func testRequest(tb testing.TB, body string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, beaconPath, strings.NewReader(body))
	r.Header = http.Header{
		"Origin": {testOrigin}, "Content-Type": {"text/plain;charset=UTF-8"}, "X-Forwarded-For": {"203.0.113.7"},
		"User-Agent": {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"},
	}
	return r
}

// hostile returns a request that differs from all others in all that a sender chooses.
func hostile(tb testing.TB, n int) *http.Request {
	tb.Helper()
	pick := func(all ...string) string { return all[rand.IntN(len(all))] }
	unique := fmt.Sprint(n)
	r := testRequest(tb, fmt.Sprintf(`{"v":1,"path":%q,"device":%q,"rate":%s,"values":{%q:%d,"%s":%s}}`,
		pick("/", "/p/", "/c/", "/x")+unique, pick("mobile", "desktop", "tablet", "other", "other", unique), pick("1", "0."+unique), "v"+unique, n,
		pick("ttfb", "fcp", "lcp", "inp", "cls"), pick("-1", "0", "1e9", unique)))
	var address [4]byte
	binary.BigEndian.PutUint32(address[:], uint32(n)<<8)
	r.Header.Set("X-Forwarded-For", netip.AddrFrom4(address).String())
	r.Header.Set("User-Agent", unique)
	r.Header.Set("Referer", testOrigin+"/"+unique)
	r.Header.Set("Cookie", "id="+unique)
	if rand.IntN(10) == 0 {
		r.Header.Set("Origin", "https://"+unique+".example")
	}
	return r
}

// seriesOf returns every series that the readings have.
func seriesOf(s *Server) []string {
	var all []string
	for _, r := range s.Readings() {
		all = append(all, fmt.Sprint(r.Name, r.Labels))
	}
	slices.Sort(all)
	return all
}

// TestServer_FloodsChangeNeitherMemoryNorSeries compares what is there after a flood with what is there after a second,
// longer one of nothing that was there before.
func TestServer_FloodsChangeNeitherMemoryNorSeries(t *testing.T) {
	s := testServer(t)
	flood := func(from, to int) (series []string, heap uint64) {
		for n := from; n < to; n++ {
			s.ServeHTTP(httptest.NewRecorder(), hostile(t, n))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return seriesOf(s), m.HeapAlloc
	}
	for n := range 5 * maxNetworks { // until the map has grown as large as one of so many networks that come and go becomes
		s.limits.seen(networkOf(1<<20+n), s.now())
	}
	first, before := flood(0, maxNetworks)
	second, after := flood(maxNetworks, 3*maxNetworks)
	if !slices.Equal(first, second) {
		t.Errorf("%d series after a flood, %d after a second one", len(first), len(second))
	}
	if growth := int64(after) - int64(before); growth > 512<<10 {
		t.Errorf("the second flood takes %d KiB, want next to nothing", growth>>10)
	}
	if len(s.limits.networks) > maxNetworks {
		t.Errorf("%d networks are remembered, want at most %d", len(s.limits.networks), maxNetworks)
	}
	runtime.KeepAlive(s)
}
