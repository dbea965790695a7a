package rum

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// fill takes in what makes every series that there can be.
func fill(tb testing.TB, s *Server) {
	tb.Helper()
	for _, path := range []string{"/", "/p/1", "/c/x", "/cart", "/sale", "/else"} {
		for _, device := range devices() {
			s.ServeHTTP(httptest.NewRecorder(), testRequest(tb, fmt.Sprintf(
				`{"v":1,"path":%q,"device":%q,"rate":1,"values":{"ttfb":1,"fcp":1,"lcp":1,"inp":1,"cls":1}}`, path, device)))
		}
	}
}

// TestServer_SeriesIsTheWorstCase fills every place that there is.
func TestServer_SeriesIsTheWorstCase(t *testing.T) {
	s := testServer(t)
	fill(t, s)
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New(metrics.Options{Catalogue: catalogue})
	m.SetPart("rum", s.Readings())
	n := &counting{}
	if err := m.Walk(n, true); err != nil {
		t.Fatal(err)
	}
	if n.series != s.Series() {
		t.Errorf("%d series are exported, %d are announced as the most", n.series, s.Series())
	}
}

// counting counts the series of customers' browsers.
type counting struct {
	rum    bool
	series int
}

func (c *counting) Family(f *metrics.Family) {
	c.rum = strings.HasPrefix(f.Name, "channelwatch_rum_")
}

func (c *counting) Float(*metrics.Ref, float64) {
	if c.rum {
		c.series++
	}
}

func (c *counting) Histogram(*metrics.Ref, *metrics.NativeHistogram) { c.series += 1 << 20 } // there are none
