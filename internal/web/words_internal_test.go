package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 1549: "1.5 kB", 9949: "9.9 kB", 9950: "10 kB", 100_000: "100 kB", 999_499: "999 kB",
		999_500: "1 MB", 1_970_000: "1.97 MB", 9_994_999: "9.99 MB", 9_995_000: "10 MB", 50_000_000: "50 MB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d bytes: got %q, want %q", n, got, want)
		}
	}
}

func TestVitalValue(t *testing.T) {
	t.Parallel()
	lcp := probe.Bounds{Excellent: 1.2, Good: 2.5, Fair: 4}
	cls, _ := probe.CLS.Bounds()
	tbt, _ := probe.TBT.Bounds()
	for _, tt := range []struct {
		vital  probe.Vital
		bounds probe.Bounds
		v      float64
		want   string
	}{
		{probe.LCP, lcp, 0, "0 ms"},
		{probe.LCP, lcp, 0.0004, "0 ms"},
		{probe.LCP, lcp, 0.364, "364 ms"},
		{probe.LCP, lcp, 0.9996, "1 s"},
		{probe.LCP, lcp, 1.064, "1.06 s"},
		{probe.LCP, lcp, 1.2, "1.2 s"},
		{probe.LCP, lcp, 1.2001, "1.21 s"},
		{probe.LCP, lcp, 2.496, "2.5 s"},
		{probe.LCP, lcp, 2.504, "2.51 s"},
		{probe.LCP, probe.Bounds{}, 2.504, "2.5 s"},
		{probe.LCP, lcp, 10, "10 s"},
		{probe.TBT, tbt, 0.2, "200 ms"},
		{probe.TBT, tbt, 0.2003, "201 ms"},
		{probe.CLS, cls, 0, "0"},
		{probe.CLS, cls, 0.1, "0.1"},
		{probe.CLS, cls, 0.1001, "0.101"},
		{probe.CLS, cls, 0.03973, "0.04"},
		{probe.CLS, cls, 1.25, "1.25"},
	} {
		if got := vitalValue(tt.vital, tt.v, tt.bounds); got != tt.want {
			t.Errorf("%s of %v: got %q, want %q", tt.vital, tt.v, got, tt.want)
		}
	}
}

// TestScale_MarksTheBandThatIsNamed places values at both ends of each band.
func TestScale_MarksTheBandThatIsNamed(t *testing.T) {
	t.Parallel()
	b := probe.Bounds{Excellent: 1, Good: 2, Fair: 4}
	for v, want := range map[float64]string{0: "0.6", 0.5: "12.5", 1: "25", 1.5: "37.5", 2: "50", 3: "62.5", 4: "75", 6: "87.5", 8: "99", 100: "99"} {
		if got := string(scale(v, b)); !strings.Contains(got, `d="M`+want+` 0v10"`) {
			t.Errorf("%v: got %s, want the needle at %s", v, got, want)
		}
	}
}

// TestChosen_KeepsWhatFailed leaves out requests that went well first, and the last of them.
func TestChosen_KeepsWhatFailed(t *testing.T) {
	t.Parallel()
	var all []probe.Request
	for i := range 10 {
		all = append(all, probe.Request{URL: fmt.Sprint(i), Status: 200, Start: time.Duration(10-i) * time.Second})
	}
	all[0].Error, all[1].Status, all[2].Status, all[3].Error = "net::ERR_FAILED", 500, 399, blocked
	for most, want := range map[int]string{20: "9876543210", 10: "9876543210", 5: "98710", 2: "10", 1: "1"} {
		var got strings.Builder
		for _, r := range chosen(all, most) {
			got.WriteString(r.URL)
		}
		if got.String() != want {
			t.Errorf("%d of them: got %s, want %s", most, got.String(), want)
		}
	}
}

func TestShortName(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://www.shop.example/": "shop.example", "https://shop.example": "shop.example", "https://shop.example/a/b.css?v=…": "b.css",
		"https://shop.example/a/": "a", "data:image/png": "data:image/png", "://": "://",
	} {
		if got := shortName(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func TestSpelled(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30s", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m", 100 * time.Millisecond: "100ms",
		10 * time.Minute: "10m", 3610 * time.Second: "1h0m10s",
	} {
		if got := spelled(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
