// Package browser is the kind that watches a page as customers see it: a real browser opens it on a device and a line
// like theirs, with everything that the page brings along. A marketer cares because what customers wait for, what jumps
// away under their fingers and who else is told of their visit is decided there, and nowhere before.
//
// Every run has a fresh visitor: no cookies, nothing in the cache. The figures are those of the page at the URL as it
// loads, by the definitions of Core Web Vitals; steps then act on it and are judged by what is to be seen. All traffic goes
// through a proxy of the run, which makes the line as slow as a customer's and keeps pages out of private networks.
//
// What is the agent's own trouble, such as no browser or a host that is too busy, is a reason that rates unknown.
// Secrets that steps type are in no text of a result. From the first one on no pictures are taken, because a page may show
// it anywhere and in any form: what is kept is how the page looked before.
//
// It may import probe, httpx, httpkind, assert, and what drives a browser: chromium, cdp, pageload and egress. It does not
// rate, and knows neither the schedule nor the metrics.
package browser

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Kind returns the kind for the list of kinds. Its touchpoints share one browser.
func Kind() probe.Kind { return kindOf(&pool{patience: starvedFactor}) }

// kindOf returns the kind with its pool of one browser.
func kindOf(shared *pool) probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "browser",
		Summary: "Opens a page in a real browser as customers on desktops and phones do: how soon they see it, whether it holds still, what it loads and from whom.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   time.Minute,
		Every:   5 * time.Minute,
		Timeout: time.Minute,
		Limits:  limits,
		Line:    true,
		State:   shared.readings,
		Told:    told(),
	}, defaults, shared.build)
}

// limits returns the bounds of Largest Contentful Paint. Good and fair end where Core Web Vitals end good and "needs
// improvement" (web.dev/articles/lcp); excellent ends well inside of good, for phones later than for desktops. See record 018.
func limits(t probe.ChannelType) probe.Limits {
	excellent := 1200 * time.Millisecond
	if onPhones(t) {
		excellent = 1800 * time.Millisecond
	}
	return probe.Limits{Excellent: excellent, Good: 2500 * time.Millisecond, Fair: 4 * time.Second}
}

func defaults(t probe.ChannelType) Config {
	return Config{Profile: defaultProfile(t), CPU: 1, Runs: 1}
}
