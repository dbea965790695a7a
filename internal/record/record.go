// Package record gives one rated result the form in which people and programs read it: the same record on the command
// line, on the page and in the API. It explains a result with the sentences of the catalogue; it rates and stores
// nothing. It imports the domain and quality.
package record

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// Record is one rated result. Its JSON form is part of the API.
type Record struct {
	Channel      string                  `json:"channel"`
	Touchpoint   string                  `json:"touchpoint"`
	Kind         string                  `json:"kind"`
	URL          string                  `json:"url,omitempty"` // redacted
	Start        time.Time               `json:"start"`
	Duration     float64                 `json:"duration_seconds"`
	Rating       probe.Rating            `json:"rating"`
	Cause        *Finding                `json:"cause,omitempty"`
	Dimensions   map[string]probe.Rating `json:"dimensions"`
	Phases       probe.Phases            `json:"phases_seconds"`
	Reason       probe.Reason            `json:"reason,omitempty"` // why the probe could not be completed
	Detail       string                  `json:"detail,omitempty"`
	Error        string                  `json:"error,omitempty"`    // why it could not be measured
	Findings     []Finding               `json:"findings,omitempty"` // the cause among them
	Measurements []Measurement           `json:"measurements,omitempty"`
	Evidence     *probe.Evidence         `json:"evidence,omitempty"`
}

// Finding is a check that failed, with its sentences.
type Finding struct {
	Check     probe.CheckID   `json:"check"`
	Dimension probe.Dimension `json:"dimension"`
	Title     string          `json:"title"`
	Marketing string          `json:"marketing"`
	IT        string          `json:"it"`
	Detail    string          `json:"detail,omitempty"`
}

// Measurement is one number that the kind took.
type Measurement struct {
	Metric string  `json:"metric"`
	Label  string  `json:"label,omitempty"`
	Value  float64 `json:"value"`
}

// New makes the record of a result. errText says why it could not be measured; empty when it was.
func New(catalogue *probe.Catalogue, tp *probe.Touchpoint, result *probe.Result, verdict quality.Verdict, errText string) Record {
	r := Record{
		Channel:    tp.Channel,
		Touchpoint: tp.Name,
		Kind:       tp.Kind,
		URL:        tp.Profile.URL,
		Start:      result.Start,
		Duration:   result.Duration.Seconds(),
		Rating:     verdict.Rating,
		Dimensions: make(map[string]probe.Rating, probe.NumDimensions),
		Phases:     result.Phases,
		Reason:     result.Reason,
		Detail:     result.Detail,
		Error:      errText,
		Evidence:   result.Evidence,
	}
	for _, d := range probe.Dimensions() {
		r.Dimensions[d.String()] = verdict.Dimensions[d]
	}
	if result.Reason != "" && result.Find(result.Reason) == nil { // a finding of that check has words of its own
		r.Findings = append(r.Findings, explain(catalogue, result.Reason, result.Detail))
	}
	for _, f := range result.Findings {
		explained := explain(catalogue, f.Check, f.Detail)
		explained.Title = cmp.Or(f.Title, explained.Title)
		explained.Marketing, explained.IT = cmp.Or(f.Marketing, explained.Marketing), cmp.Or(f.IT, explained.IT)
		r.Findings = append(r.Findings, explained)
	}
	if verdict.Cause != "" {
		r.Cause = r.cause(catalogue, verdict.Cause, tp.Limits, result.Slowest)
	}
	for _, m := range result.Measurements {
		r.Measurements = append(r.Measurements, Measurement(m))
	}
	return r
}

// cause returns the finding that decided the rating. Slowness is no finding of a kind: quality names it, and it is
// added to the findings here, with what took the time where the kind knows it.
func (r *Record) cause(catalogue *probe.Catalogue, id probe.CheckID, limits probe.Limits, slowest string) *Finding {
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Check == id })
	if i < 0 {
		i = len(r.Findings)
		f := explain(catalogue, id, "")
		if f.Dimension == probe.Fast {
			f.Detail = fmt.Sprintf("took %.3g s, good is at most %.3g s", r.Duration, limits.Good.Seconds())
			if slowest != "" {
				f.Detail += ": " + slowest
			}
		}
		r.Findings = append(r.Findings, f)
	}
	return &r.Findings[i]
}

func explain(catalogue *probe.Catalogue, id probe.CheckID, detail string) Finding {
	check, _ := catalogue.Check(id)
	return Finding{
		Check: id, Dimension: check.Dimension, Title: check.Title, Marketing: check.Marketing, IT: check.IT, Detail: detail,
	}
}
