package web

import (
	"fmt"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/record"
)

// loadFigures are the measurements of a result by name and label.
type loadFigures map[[2]string]float64

func newFigures(rec *record.Record) loadFigures {
	f := make(loadFigures, len(rec.Measurements))
	for _, m := range rec.Measurements {
		f[[2]string{m.Metric, m.Label}] = m.Value
	}
	return f
}

// of returns a measurement of one label; false when it was not taken.
func (f loadFigures) of(metric, label string) (int64, bool) {
	v, ok := f[[2]string{metric, label}]
	return int64(v), ok
}

// sum returns a measurement over all its labels.
func (f loadFigures) sum(metric string) int64 {
	sum := 0.0
	for key, v := range f {
		if key[0] == metric {
			sum += v
		}
	}
	return int64(sum)
}

// addFacts says what was loaded, from whom, and what went wrong. What a result counted goes before what its list of requests
// holds, which is bounded.
func (v *visitView) addFacts(f loadFigures) {
	requests, bytes := len(v.Requests)+v.Omitted, int64(0)
	for _, t := range v.Types {
		bytes += t.Bytes
	}
	if n := f.sum("page_load_requests"); n > 0 {
		requests, bytes = int(n), f.sum("page_load_bytes")
	}
	sites := len(v.Sites) + v.SitesMore
	if n, ok := f.of("page_third_party_sites", ""); ok {
		sites = int(n)
	}
	loaded := counted(requests, "request", "requests") + ", " + size(bytes)
	v.Summary = loaded
	v.add("Loaded", loaded)
	if sites > 0 {
		others := counted(sites, "site", "sites")
		v.Summary += ", " + others + " of third parties"
		if n, ok := f.of("page_party_bytes", "third"); ok && bytes > 0 {
			others += fmt.Sprintf(", %s (%d %%)", size(n), n*100/bytes)
		}
		v.add("From third parties", others)
	}
	v.addTroubles(f)
	if n := f.sum("page_cookies"); n > 0 {
		third, _ := f.of("page_cookies", "third")
		text := fmt.Sprint(n)
		if third > 0 {
			text += fmt.Sprintf(", %d of them of third parties", third)
		}
		v.add("Cookies set before anybody agreed", text)
	}
	v.add("Ended at", strings.TrimSpace(fmt.Sprintf("%s %s", v.URL, status(v.Visit))))
	v.add("Browser", v.Browser)
	if !v.Settled {
		v.add("Came to rest", "not before its time was over; what came later is missing")
	}
}

func (v *visitView) addTroubles(f loadFigures) {
	var failed []string
	if n, _ := f.of("page_failed_requests", "no_answer"); n > 0 {
		failed = append(failed, fmt.Sprintf("%d without an answer", n))
	}
	if n, _ := f.of("page_failed_requests", "http_error"); n > 0 {
		failed = append(failed, fmt.Sprintf("%d answered with an error", n))
	}
	v.add("Failed requests", strings.Join(failed, ", "))
	if n, _ := f.of("page_js_errors", ""); n > 0 {
		v.add("Script errors", fmt.Sprint(n))
	}
}

// add adds a fact that there is something to say about.
func (v *visitView) add(name, value string) {
	if value != "" {
		v.Facts = append(v.Facts, fact{name, value})
	}
}

// status says what the document was answered with; empty without an answer.
func status(v *probe.Visit) string {
	if v.Status == 0 {
		return ""
	}
	text := fmt.Sprintf("(status %d", v.Status)
	if v.Protocol != "" {
		text += ", " + v.Protocol
	}
	return text + ")"
}
