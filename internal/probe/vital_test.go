package probe_test

import (
	"math"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestBounds_Rate(t *testing.T) {
	t.Parallel()
	for vital, want := range map[probe.Vital]probe.Bounds{
		probe.CLS: {0.05, 0.1, 0.25}, probe.TBT: {0.1, 0.2, 0.6}, probe.INP: {0.1, 0.2, 0.5},
		probe.FCP: {0.9, 1.8, 3}, probe.TTFB: {0.4, 0.8, 1.8},
	} {
		b, ok := vital.Bounds()
		if !ok || b != want {
			t.Errorf("%s: got %v and %t, want %v", vital, b, ok, want)
		}
		for value, rating := range map[float64]probe.Rating{
			0: probe.Excellent, want.Excellent: probe.Excellent, math.Nextafter(want.Excellent, 9): probe.Good, want.Good: probe.Good,
			math.Nextafter(want.Good, 9): probe.Fair, want.Fair: probe.Fair, math.Nextafter(want.Fair, 9): probe.Poor,
		} {
			if got := b.Rate(value); got != rating {
				t.Errorf("%s of %v: got %v, want %v", vital, value, got, rating)
			}
		}
	}
	for _, vital := range []probe.Vital{probe.LCP, "load", ""} {
		if b, ok := vital.Bounds(); ok || b.Rate(1) != probe.Unknown {
			t.Errorf("%q: got bounds %v, want none, and no rating", vital, b)
		}
	}
}

func TestLimits_Bounds(t *testing.T) {
	t.Parallel()
	l := probe.Limits{Excellent: 1200 * time.Millisecond, Good: 2500 * time.Millisecond, Fair: 4 * time.Second}
	if got, want := l.Bounds(), (probe.Bounds{1.2, 2.5, 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (probe.Limits{}).Bounds().Rate(1); got != probe.Unknown {
		t.Errorf("without limits: got %v, want unknown", got)
	}
}
