package metrics_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// kinds returns two kinds with every type of metric, with and without a label.
func kinds() []probe.Kind {
	return []probe.Kind{
		{
			Name:    "page",
			Checks:  []probe.Check{{ID: "page_noindex", Dimension: probe.Correct, Cap: probe.Fair, Title: "hidden", Marketing: "m", IT: "i"}},
			Metrics: append(probe.CertificateMetrics(), probe.Metric{Name: "page_bytes", Help: "Size of the page.", Type: probe.Gauge}),
		},
		{
			Name: "push",
			Metrics: []probe.Metric{
				{Name: "push_backlog_bytes", Help: "Messages that wait.", Type: probe.Gauge, Label: "way", Values: []string{"in", "out"}},
				{Name: "push_lost_total", Help: "Messages lost.", Type: probe.Counter},
				{Name: "push_delivery_seconds", Help: "Time to arrival.", Type: probe.Histogram, Label: "qos", Values: []string{"0", "1"}, Buckets: []float64{0.5, 1, 2}},
			},
		},
	}
}

func catalogue(tb testing.TB) *probe.Catalogue {
	tb.Helper()
	c, err := probe.NewCatalogue(kinds())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// page returns a touchpoint of kind page.
func page(channel, name string) *probe.Touchpoint {
	return &probe.Touchpoint{
		Channel: channel, Name: name, Title: "Title of " + name, Kind: "page",
		Every: 30 * time.Second, Tier: probe.Critical, Weight: 2,
		Limits: probe.Limits{Excellent: 800 * time.Millisecond, Good: 1800 * time.Millisecond, Fair: 4 * time.Second},
		Built: probe.Built{Profile: probe.Profile{
			Target:  "www.example.com:443",
			Phases:  []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive},
			Metrics: []string{probe.CertificateNotAfter, probe.CertificateNotBefore, "page_bytes"},
			TLS:     true,
		}},
	}
}

// push returns the touchpoint topic of kind push in the channel shop.
func push() *probe.Touchpoint {
	return &probe.Touchpoint{
		Channel: "shop", Name: "topic", Kind: "push", Every: time.Minute, Tier: probe.Standard, Weight: 1,
		Built: probe.Built{Profile: probe.Profile{
			Target:  "[::1]:1883",
			Phases:  []probe.Phase{probe.Accept, probe.Deliver},
			Metrics: []string{"push_lost_total", "push_delivery_seconds", "push_backlog_bytes"},
		}},
	}
}

// channelOf returns a channel with touchpoints.
func channelOf(name string, tps ...*probe.Touchpoint) *probe.Channel {
	return &probe.Channel{
		Name: name, Title: "Channel " + name, Type: probe.MobileWeb, OwnerIT: "it@example.com", OwnerMkt: "brand@example.com",
		Objective:   probe.Objective{Score: 95, Window: 28 * 24 * time.Hour, Review: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)},
		Touchpoints: tps,
	}
}

// pageResult returns a complete result of kind page that took d.
func pageResult(d time.Duration) *probe.Result {
	r := &probe.Result{
		Start: time.Date(2026, 11, 22, 10, 0, 0, 250e6, time.UTC), Duration: d,
		Measurements: []probe.Measurement{
			{Metric: probe.CertificateNotAfter, Value: 1.9e9},
			{Metric: probe.CertificateNotBefore, Value: 1.7e9},
			{Metric: "page_bytes", Value: 12345678},
		},
	}
	for i, p := range []probe.Phase{probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive} {
		r.Phases.Add(p, d/time.Duration(i+2))
	}
	return r
}

// scrape returns the answer to a GET with the headers given in pairs.
func scrape(tb testing.TB, m *metrics.Metrics, header ...string) *http.Response {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, r)
	return w.Result()
}

// body returns the whole body of a response.
func body(tb testing.TB, r *http.Response) string {
	tb.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// record rates a result and records it.
func record(tb testing.TB, m *metrics.Metrics, tp *probe.Touchpoint, r *probe.Result) {
	tb.Helper()
	m.Record(tp, r, quality.Rate(catalogue(tb), tp.Limits, r))
}

// manyPages returns n touchpoints of kind page in channels of 100.
func manyPages(n int) ([]*probe.Channel, []*probe.Touchpoint) {
	var channels []*probe.Channel
	var all []*probe.Touchpoint
	for i := range n {
		if i%100 == 0 {
			channels = append(channels, channelOf(fmt.Sprintf("channel-%03d", i/100)))
		}
		c := channels[len(channels)-1]
		tp := page(c.Name, fmt.Sprintf("touchpoint-%05d", i))
		c.Touchpoints = append(c.Touchpoints, tp)
		all = append(all, tp)
	}
	return channels, all
}
