// Package page is the kind that watches a web page as customers with a certain device get it: whether it answers, shows
// what it should, is quick, and is safe. A marketer cares because a page that is down, empty, slow, left out of search
// results or marked as not secure costs visits that were paid for.
//
// Every probe opens a fresh connection, follows redirects, and reads the page to its end; without any rule only a 2xx
// status after all redirects passes. Its HTML is read as text: scripts do not run, and images and other resources are
// not fetched.
//
// It may import probe, httpkind, httpx, assert and libraries for HTML and character encodings. It does not rate, retry, or know
// HTTP clients.
package page

import (
	_ "embed" // for the sample
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// pageBytes is the kind's own metric.
const pageBytes = "page_bytes"

// Kind returns the kind page. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "page",
		Summary: "Watches a web page as a desktop or a phone gets it: whether customers reach it, see the right content, soon and safely.",
		Sample:  sample,
		Checks:  slices.Concat(checks(), assert.AssertionChecks(), httpkind.Checks()),
		Metrics: append(httpkind.Metrics(), probe.Metric{
			Name: pageBytes, Help: "Size of the HTML document as transferred, in bytes, without images and other resources.", Type: probe.Gauge,
		}),
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, new(builder).build)
}

// limits returns the bounds of the time until the document is complete, the same for desktop and phone, as the field
// thresholds of web.dev/articles/vitals are. Nothing can be shown before the document begins to arrive, so its time is
// held to what those thresholds leave: up to 800 ms is a good time to first byte; up to 1.8 s the first content can
// still be painted in good time; past 4 s even the largest content paint is poor whatever the page does.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 800 * time.Millisecond, Good: 1800 * time.Millisecond, Fair: 4 * time.Second}
}

func defaults(t probe.ChannelType) Config {
	c := Config{
		Target:  httpkind.Target{Redirects: httpkind.Redirects{Max: 10}, MaxBody: 8 << 20},
		Profile: desktop,
	}
	switch t {
	case probe.MobileWeb, probe.MobileApp, probe.MobileDisplay:
		c.Profile = phone
	}
	return c
}
