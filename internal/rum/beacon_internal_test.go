package rum

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// FuzzDecode sends anything, and counts what is taken for a beacon.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		fullBeacon, "", "null", "{}", "[" + fullBeacon + "]", fullBeacon + fullBeacon, fullBeacon[:40],
		`{"v":1,"path":"/\ud800?","device":"other","rate":1e-300,"values":{"cls":1e308,"lcp":null,"":-0}}`,
		`{"V":1,"v":1,"PATH":"/","path":"x","device":"MOBILE","rate":1,"values":{"lcp":1,"lcp":2}}`,
		`{"v":1,"path":"/","device":"tablet","rate":1,"values":{"inp":0.0000001,"fcp":60000,"ttfb":99999999}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxBody {
			return
		}
		b, err := decode(body)
		if err != nil {
			if text := err.Error(); len(text) > 100 {
				t.Errorf("the error has %d bytes, want fixed words: %s", len(text), text)
			}
			return
		}
		if b.Version != 1 || b.Path[0] != '/' || strings.ContainsAny(b.Path, "?#") || len(b.Path) > maxPath || b.Rate <= 0 || b.Rate > 1 ||
			!slices.Contains(devices(), b.Device) || len(b.Values) > maxValues {
			t.Fatalf("%+v is taken for a beacon", b)
		}
		a := newApp(&App{Channel: "shop", Groups: []Group{{"home", "^/$"}, {"product", "^/p/"}}})
		a.take(b)
		var values, dropped uint64
		for _, c := range a.cells {
			for vital := range vitals() {
				if c == nil || c[vital] == nil {
					continue
				}
				for _, n := range c[vital].Counts {
					values += n
				}
				if sum := c[vital].Sum; !(sum >= 0 && sum <= maxSeconds) {
					t.Errorf("the sum of %s is %v", vitals()[vital], sum)
				}
			}
		}
		for i := range a.dropped {
			dropped += a.dropped[i].Load()
		}
		if values+dropped != uint64(len(b.Values)) {
			t.Errorf("%d values are counted and %d dropped of %d", values, dropped, len(b.Values))
		}
	})
}

// TestBounds_AreEdges wants the share of page views with each rating to be exact.
func TestBounds_AreEdges(t *testing.T) {
	for _, vital := range vitals() {
		bounds, ok := vital.Bounds()
		edges := secondsBounds()
		switch {
		case vital == probe.CLS:
			edges = shiftBounds()
		case !ok: // the default limits of a browser's pages on desktops and on mobile devices
			bounds = probe.Bounds{Excellent: 1.2, Good: 2.5, Fair: 4}
			if !slices.Contains(edges, 1.8) {
				t.Errorf("1.8 s is no edge of %v", edges)
			}
		}
		for _, bound := range []float64{bounds.Excellent, bounds.Good, bounds.Fair} {
			if !slices.Contains(edges, bound) {
				t.Errorf("%s: %v is no edge of %v", vital, bound, edges)
			}
		}
		if !slices.IsSorted(edges) || slices.ContainsFunc(edges, math.IsNaN) {
			t.Errorf("edges %v are not in order", edges)
		}
	}
}

// TestCell_CountsAnEdgeAsBelow wants a value at a bound to have the rating that ends there.
func TestCell_CountsAnEdgeAsBelow(t *testing.T) {
	for _, test := range []struct {
		vital  probe.Vital
		value  float64 // as in a beacon
		bucket float64 // upper edge
	}{
		{probe.LCP, 2500, 2.5},
		{probe.LCP, 2500.1, 3},
		{probe.TTFB, 800, 0.8},
		{probe.INP, 0, 0.1},
		{probe.INP, 200, 0.2},
		{probe.FCP, 20_000, 20},
		{probe.FCP, 20_001, math.Inf(1)},
		{probe.CLS, 0, 0.01},
		{probe.CLS, 0.1, 0.1},
		{probe.CLS, 0.1001, 0.15},
		{probe.CLS, 3, math.Inf(1)},
	} {
		var c cell
		vital := slices.Index(vitals(), test.vital)
		c.observe(vital, test.value)
		at := slices.Index(c[vital].Counts, 1)
		edge := math.Inf(1)
		if at < len(c[vital].Bounds) {
			edge = c[vital].Bounds[at]
		}
		if edge != test.bucket {
			t.Errorf("%s of %v is below %v, want %v", test.vital, test.value, edge, test.bucket)
		}
	}
}
