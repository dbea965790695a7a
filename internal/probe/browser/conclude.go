package browser

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// judged is a visit with its verdict.
type judged struct {
	*visit

	run     int      // from 1
	failed  *failure // nil when the page did what it should
	painted time.Duration
}

// conclude makes one result of the runs of a probe. It depends on nothing but the plan and the visits.
//
// The run with the median Largest Contentful Paint is published whole, so that its figures belong together. A run that
// failed is slower than any other. Runs that the agent could not do say nothing, unless there is no other.
func (p *plan) conclude(visits []*visit) probe.Result {
	all := make([]judged, len(visits))
	var runs []*judged
	for i, v := range visits {
		all[i] = judged{visit: v, run: i + 1, failed: p.judge(v)}
		if all[i].failed == nil {
			all[i].painted = v.painted()
		}
		if !all[i].ownFault() {
			runs = append(runs, &all[i])
		}
	}
	if len(runs) == 0 {
		runs = append(runs, &all[len(all)-1])
	}
	published := median(runs)
	result := probe.Result{Start: visits[0].start}
	if published.failed != nil {
		p.fail(&result, published, runs)
	} else {
		p.succeed(&result, published, runs)
	}
	result.Evidence = &probe.Evidence{}
	for i := range all {
		result.Evidence.Visits = append(result.Evidence.Visits, all[i].record(&all[i] == published)...)
	}
	return result
}

// ownFault reports whether the agent and not the page is to blame.
func (j *judged) ownFault() bool {
	if j.failed == nil {
		return false
	}
	switch j.failed.reason {
	case browserMissing, browserSandbox, browserFailed, browserCrashed, browserStarved, probe.NotMeasured:
		return true
	}
	return false
}

// painted returns when the largest content was painted; when the browser told of none, the first.
func (v *visit) painted() time.Duration {
	if v.vitals.LCP != nil {
		return *v.vitals.LCP
	}
	return *v.vitals.FCP
}

// median returns the run in the middle, of two the quicker one.
func median(runs []*judged) *judged {
	sorted := slices.Clone(runs)
	slices.SortStableFunc(sorted, func(a, b *judged) int {
		if broken := (a.failed != nil) != (b.failed != nil); broken {
			if a.failed != nil {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.painted, b.painted)
	})
	return sorted[(len(sorted)-1)/2]
}

// fail fills in a result without figures.
func (p *plan) fail(result *probe.Result, published *judged, runs []*judged) {
	result.Reason, result.Detail = published.failed.reason, published.failed.detail
	result.Duration = max(published.wall, time.Nanosecond)
	if load := published.load; load != nil && load.Duration > 0 && result.Reason != stepFailed {
		result.Duration = load.Duration // without the look at the page
	}
	if published.ownFault() {
		return
	}
	result.Phases = published.failedPhases(result.Reason, result.Duration)
	if failed := count(runs, func(j *judged) bool { return j.failed != nil }); len(runs) > 1 {
		result.Detail += fmt.Sprintf(" (%d of %d runs failed)", failed, len(runs))
	}
}

// succeed fills in a result with the figures of a run.
func (p *plan) succeed(result *probe.Result, published *judged, runs []*judged) {
	result.Duration = published.painted
	result.Phases = published.phases(published.painted)
	result.Findings = append(p.find(published.visit), failedRuns(runs)...)
	result.Measurements = published.measure()
	if spread, ok := spread(runs); ok {
		result.Measurements = append(result.Measurements, probe.Measurement{Metric: webVitalSpread, Value: spread.Seconds()})
	}
	result.Slowest = published.slowest()
	sum := total(&published.load.Weight)
	result.Detail = fmt.Sprintf("largest content after %v; status %d, %d bytes in %d requests", rounded(published.painted),
		published.load.Status, sum.Bytes, sum.Requests)
	if !published.load.Settled {
		result.Detail += "; the page never came to rest"
	}
	if len(runs) > 1 {
		result.Detail += fmt.Sprintf("; run %d is the median of %d", published.run, len(runs))
	}
	if failed := count(runs, func(j *judged) bool { return j.failed != nil }); failed > 0 {
		result.Detail += fmt.Sprintf(", of which %d failed", failed)
	}
}

// failedRuns finds runs that failed while others went well.
func failedRuns(runs []*judged) []probe.Finding {
	var causes []string
	for _, j := range runs {
		if j.failed != nil {
			causes = append(causes, fmt.Sprintf("run %d: %s (%s)", j.run, j.failed.reason, j.failed.detail))
		}
	}
	if len(causes) == 0 {
		return nil
	}
	return []probe.Finding{*named(probe.Findingf(runsFailed, "%d of %d runs failed", len(causes), len(runs)), causes)}
}

// slowest names what Largest Contentful Paint timed.
func (v *visit) slowest() string {
	largest := v.load.Largest
	if largest == nil {
		return ""
	}
	text := quotable(largest.Selector)
	if largest.URL != "" {
		text += " (" + quotable(largest.URL) + ")"
	}
	return text
}

// spread returns by how much the runs that went well differ; false for less than two.
func spread(runs []*judged) (time.Duration, bool) {
	var times []time.Duration
	for _, j := range runs {
		if j.failed == nil {
			times = append(times, j.painted)
		}
	}
	if len(times) < 2 {
		return 0, false
	}
	return slices.Max(times) - slices.Min(times), true
}

func count(runs []*judged, is func(*judged) bool) int {
	n := 0
	for _, j := range runs {
		if is(j) {
			n++
		}
	}
	return n
}
