package pageload

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func ms(n float64) *time.Duration { return new(milliseconds(n)) }

func TestGathered_Vitals(t *testing.T) {
	whole := func() gathered {
		return gathered{
			Now: 10000, TTFB: 100, Ready: 300, Loaded: 900, FCP: new(400.0),
			Largest: &largest{At: 1000, URL: "u"}, Resource: &resource{Start: 250, End: 800},
		}
	}
	all := Vitals{
		TTFB: ms(100), FCP: ms(400), LCP: ms(1000), DOMReady: ms(300), Loaded: ms(900), CLS: new(0.0), TBT: ms(0),
		LCPDiscover: ms(150), LCPLoad: ms(550), LCPRender: ms(200),
	}
	tests := []struct {
		name string
		set  func(*gathered)
		want func(*Vitals)
	}{
		{"whole", func(*gathered) {}, func(*Vitals) {}},
		{"text", func(g *gathered) { g.Resource = nil }, func(v *Vitals) { v.LCPDiscover, v.LCPLoad, v.LCPRender = nil, nil, ms(900) }},
		{"preloaded before the first byte", func(g *gathered) { g.Resource.Start = 50 }, func(v *Vitals) { v.LCPDiscover, v.LCPLoad = ms(0), ms(700) }},
		{"still loading, as a video", func(g *gathered) { g.Resource.End = 5000 }, func(v *Vitals) { v.LCPLoad, v.LCPRender = ms(750), ms(0) }},
		{"never painted", func(g *gathered) { g.FCP, g.Largest = nil, nil }, func(v *Vitals) {
			*v = Vitals{TTFB: ms(100), DOMReady: ms(300), Loaded: ms(900)}
		}},
		{"hidden from the start", func(g *gathered) { g.Hidden = new(0.0) }, func(v *Vitals) {
			*v = Vitals{TTFB: ms(100), DOMReady: ms(300), Loaded: ms(900)}
		}},
		{"hidden before the largest", func(g *gathered) { g.Hidden = new(600.0) }, func(v *Vitals) {
			v.LCP, v.LCPDiscover, v.LCPLoad, v.LCPRender = nil, nil, nil, nil
		}},
		{"without a first byte", func(g *gathered) { g.TTFB = 0 }, func(v *Vitals) {
			v.TTFB, v.LCPDiscover, v.LCPLoad, v.LCPRender = nil, nil, nil, nil
		}},
		{"not loaded yet", func(g *gathered) { g.Loaded = 0 }, func(v *Vitals) { v.Loaded = nil }},
		{"a first byte in the future", func(g *gathered) { g.TTFB = 20000 }, func(v *Vitals) {
			v.TTFB, v.LCPDiscover, v.LCPLoad, v.LCPRender = nil, nil, nil, nil
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g, want := whole(), all
			test.set(&g)
			test.want(&want)
			if diff := cmp.Diff(want, g.vitals(0, g.Now)); diff != "" {
				t.Errorf("vitals (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("after another document", func(t *testing.T) {
		g := whole()
		v := g.vitals(time.Second, g.Now)
		if *v.TTFB != 1100*time.Millisecond || *v.LCP != 2*time.Second || *v.LCPLoad != 550*time.Millisecond || *v.LCP != *v.TTFB+*v.LCPDiscover+*v.LCPLoad+*v.LCPRender {
			t.Errorf("got %+v, want times since the first document was asked for", v)
		}
	})
}

func TestGathered_CLS(t *testing.T) {
	tests := []struct {
		name   string
		shifts []shift
		want   float64
	}{
		{"none", nil, 0},
		{"one window", []shift{{At: 100, Value: 0.1}, {At: 1099, Value: 0.2}}, 0.3},
		{"gap of a second", []shift{{At: 100, Value: 0.1}, {At: 1100, Value: 0.2}}, 0.2},
		{"the largest window", []shift{{At: 0, Value: 0.2}, {At: 500, Value: 0.2}, {At: 3000, Value: 0.3}}, 0.4},
		{"five seconds at most", []shift{
			{At: 0, Value: 0.1}, {At: 900, Value: 0.1}, {At: 1800, Value: 0.1}, {At: 2700, Value: 0.1}, {At: 3600, Value: 0.1}, {At: 4500, Value: 0.1}, {At: 5000, Value: 0.1},
		}, 0.6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := gathered{Shifts: test.shifts}
			if got := g.cls(); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestGathered_TBT(t *testing.T) {
	tests := []struct {
		name  string
		tasks []task
		want  float64
	}{
		{"none", nil, 0},
		{"beyond 50 ms each", []task{{At: 1000, Duration: 150}, {At: 2000, Duration: 51}, {At: 3000, Duration: 50}}, 101},
		{"before the first paint", []task{{At: 0, Duration: 400}}, 0},
		{"across the first paint", []task{{At: 400, Duration: 200}}, 50},
		{"across the end", []task{{At: 4900, Duration: 1000}}, 50},
		{"after the end", []task{{At: 5100, Duration: 1000}}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := gathered{FCP: new(500.0), Tasks: test.tasks}
			if got := g.tbt(5000); got != milliseconds(test.want) {
				t.Errorf("got %v, want %v ms", got, test.want)
			}
		})
	}
}

func TestGathered_INP(t *testing.T) {
	tests := []struct {
		name    string
		latency []float64
		count   int
		want    *time.Duration
	}{
		{"none", nil, 0, nil},
		{"the slowest", []float64{200, 100}, 2, ms(200)},
		{"of 50 the second slowest", []float64{200, 100, 50}, 50, ms(100)},
		{"of 200 with few slow ones", []float64{200, 100}, 200, ms(100)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := gathered{Latency: test.latency, Count: test.count}
			if diff := cmp.Diff(test.want, g.inp()); diff != "" {
				t.Errorf("INP (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGathered_Blocking(t *testing.T) {
	g := gathered{
		Scripts: []task{{At: 100, Duration: 80, URL: "https://h/a.js?v=1"}, {At: 200, Duration: 60, URL: "https://h/b.js"}},
		Tasks:   []task{{At: 90, Duration: 200}, {At: 1000, Duration: 70}},
	}
	want := []Script{
		{URL: "https://h/a.js?v=xxx", At: 100 * time.Millisecond, Duration: 80 * time.Millisecond},
		{At: time.Second, Duration: 70 * time.Millisecond},
		{URL: "https://h/b.js", At: 200 * time.Millisecond, Duration: 60 * time.Millisecond},
	}
	if diff := cmp.Diff(want, g.blocking(0)); diff != "" {
		t.Errorf("blocking scripts (-want +got):\n%s", diff)
	}
	g = gathered{Tasks: make([]task, 1000)}
	if got := len(g.blocking(0)); got != maxBlocking {
		t.Errorf("got %d, want %d", got, maxBlocking)
	}
}

func TestGathered_LargestShifts(t *testing.T) {
	g := gathered{Shifts: []shift{{At: 100, Value: 0.1, Selector: "a"}, {At: 200, Value: 0.3, Selector: "b"}}}
	want := []probe.Shift{{At: 1200 * time.Millisecond, Value: 0.3, Selector: "b"}, {At: 1100 * time.Millisecond, Value: 0.1, Selector: "a"}}
	if diff := cmp.Diff(want, g.largestShifts(time.Second)); diff != "" {
		t.Errorf("shifts (-want +got):\n%s", diff)
	}
	g = gathered{Shifts: make([]shift, 1000)}
	if got := len(g.largestShifts(0)); got != maxShifts {
		t.Errorf("got %d, want %d", got, maxShifts)
	}
}

func TestWireNumbers(t *testing.T) {
	for s, want := range map[float64]time.Duration{-1: 0, 0: 0, 1.5: 1500 * time.Millisecond, math.Inf(1): longest, 1e300: longest} {
		if got := seconds(s); got != want {
			t.Errorf("seconds(%v): got %v, want %v", s, got, want)
		}
	}
	if got := seconds(math.NaN()); got != 0 {
		t.Errorf("seconds(NaN): got %v, want 0", got)
	}
	for n, want := range map[float64]int64{-5: 0, 7: 7, 1e300: 1 << 50} {
		if got := wireBytes(n); got != want {
			t.Errorf("wireBytes(%v): got %d, want %d", n, got, want)
		}
	}
}
