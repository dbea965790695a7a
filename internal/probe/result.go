package probe

import (
	"fmt"
	"time"
)

// Result is what one probe of one touchpoint saw. A kind fills it in and never rates it. A channel that is broken is
// a Result with a Reason or with Findings; an error beside it means "could not measure" and is rated Unknown.
type Result struct {
	Start        time.Time     // when the probe began
	Duration     time.Duration // what the customer waited in all, body included; failures are timed too
	Phases       Phases
	Reason       Reason // why the probe could not be completed; empty when it was
	Detail       string // one line for people: what was got and what was wanted; never a label, never a secret
	Slowest      string // what took the time, in one line for people, for results that turn out to be slow; may be empty
	Findings     []Finding
	Measurements []Measurement
	Evidence     *Evidence // what was sent and seen, redacted; may be nil
}

// Finding is one thing wrong or worth knowing in a result.
type Finding struct {
	Check  CheckID
	Detail string // what was got and what was wanted; never a label, never a secret

	// The operator's own words for the check's title and sentences, of checks that operators write; empty for the
	// catalogue's.
	Title, Marketing, IT string
}

// Findingf returns a finding with a formatted detail.
func Findingf(id CheckID, format string, args ...any) *Finding {
	return &Finding{Check: id, Detail: fmt.Sprintf(format, args...)}
}

// Measurement is one number that a kind took beyond duration and phases. Metric must be one that the kind declares.
type Measurement struct {
	Metric string  // name without the channelwatch_ prefix, as in Metric.Name
	Label  string  // value of the metric's own label; empty when it has none
	Value  float64 // seconds, bytes or a ratio; added to counters, set on gauges, observed by histograms
}

// Find returns a finding of check id, or nil.
func (r *Result) Find(id CheckID) *Finding {
	for i := range r.Findings {
		if r.Findings[i].Check == id {
			return &r.Findings[i]
		}
	}
	return nil
}
