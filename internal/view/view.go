// Package view turns recorded series into what people read: how good every channel is, why, since when, and whether
// the agreement holds. The pages, the JSON API and the badges show its models and nothing else, so that they agree to the
// last digit. It computes no score: every score, rating, gap and point lost is read from the series that the recording
// rules made, here or on a Prometheus elsewhere (see package query).
//
// It imports the domain and query.
package view

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Range is the time that a page looks back over.
type Range string

// The ranges of the pages. A long range must not hide a short trouble: every cell of a timeline shows the worst rating
// inside of it.
const (
	Hour  Range = "1h"
	Day   Range = "24h"
	Week  Range = "7d"
	Month Range = "28d"
)

// Ranges returns all ranges, the shortest first.
func Ranges() []Range { return []Range{Hour, Day, Week, Month} }

// Overview is the first page: all channels at one time.
type Overview struct {
	At       time.Time `json:"at"`    // evaluation time; everything "now" is of it
	Range    Range     `json:"range"` // of the timelines
	From     time.Time `json:"from"`  // start of the timelines
	Channels []Channel `json:"channels"`
}

// Channel is one channel as a row of the overview.
type Channel struct {
	Name           string       `json:"name"`
	Title          string       `json:"title"`
	Type           string       `json:"type"`
	OwnerIT        string       `json:"owner_it,omitempty"`
	OwnerMarketing string       `json:"owner_marketing,omitempty"`
	Rating         probe.Rating `json:"rating"`                   // of the last 5 minutes
	Since          *time.Time   `json:"since,omitempty"`          // since when it has been good or better, or not; absent when not known
	SinceAtLeast   bool         `json:"since_at_least,omitempty"` // it was so before the look back began
	Now            *Score       `json:"now,omitempty"`            // over 5 minutes; absent when nothing was measured
	Day            *Score       `json:"day,omitempty"`            // over 24 hours
	Month          *Score       `json:"month,omitempty"`          // over 28 days
	Causes         []Cause      `json:"causes,omitempty"`         // of Now, most points first; those of Day where Now has none
	CausesOf       string       `json:"causes_of,omitempty"`      // window of Causes: 5m or 1d
	Agreement      Agreement    `json:"agreement"`
	Timeline       []Span       `json:"timeline,omitempty"` // of the overview's range; holes where nothing was recorded
	Spark          []Point      `json:"spark,omitempty"`    // score over an hour, through the range
}

// Score is one recorded window of a channel or a touchpoint. All are 0 to 100, Unknown is 0 to 1.
type Score struct {
	Window  string       `json:"window"` // 5m, 1h, 1d, 7d or 28d
	Score   float64      `json:"score"`
	Up      float64      `json:"up"`
	Gap     float64      `json:"gap"`
	Unknown float64      `json:"unknown"` // share of results that could not be measured
	Rating  probe.Rating `json:"rating"`
	At      time.Time    `json:"at"` // when the rules recorded it
}

// Cause is what took points, with the sentences of the catalogue.
type Cause struct {
	Check     probe.CheckID `json:"check"`
	Dimension string        `json:"dimension,omitempty"` // empty for weakest_touchpoint
	Points    float64       `json:"points"`
	Title     string        `json:"title"`
	Marketing string        `json:"marketing"`
	IT        string        `json:"it"`
}

// AgreementState says whether what both owners signed holds.
type AgreementState string

// The states of an agreement.
const (
	NoAgreement AgreementState = "none"    // nothing was agreed
	TooEarly    AgreementState = "early"   // less than half of the window has been measured
	Kept        AgreementState = "kept"    // the score is at least what was agreed
	AtRisk      AgreementState = "at_risk" // kept, with less than a quarter of the room for bad results left
	Broken      AgreementState = "broken"
)

// Agreement is what both owners signed and how it stands.
type Agreement struct {
	State    AgreementState `json:"state"`
	Score    float64        `json:"objective,omitempty"`      // agreed, 0 to 100
	Window   string         `json:"window,omitempty"`         // 1d, 7d or 28d
	Got      *float64       `json:"score,omitempty"`          // over the window so far
	Left     *float64       `json:"budget_left,omitempty"`    // ratio of the allowed bad results that is left; negative when broken
	Coverage float64        `json:"coverage,omitempty"`       // share of the window that has been measured, 0 to 1
	Review   *time.Time     `json:"review,omitempty"`         // when both look at it again
	Overdue  bool           `json:"review_overdue,omitempty"` // that day is past
}

// Span is a stretch of one rating.
type Span struct {
	From   time.Time    `json:"from"`
	Until  time.Time    `json:"until"`
	Rating probe.Rating `json:"rating"`
}

// Point is a value at a time.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// ChannelPage is everything about one channel.
type ChannelPage struct {
	Channel
	At          time.Time       `json:"at"`
	Range       Range           `json:"range"`
	From        time.Time       `json:"from"`
	Windows     []Score         `json:"windows"` // all recorded ones, shortest first
	Dimensions  []Dimension     `json:"dimensions"`
	Touchpoints []Touchpoint    `json:"touchpoints"`         // worst first
	Lost        []CauseOverTime `json:"points_lost"`         // most points first; at each time score and points lost are 100
	Score       []Point         `json:"score_line"`          // at the times of Lost
	Incidents   []Incident      `json:"incidents,omitempty"` // in the range, newest first
	Hosts       []Host          `json:"hosts,omitempty"`     // that serve the channel
}

// Dimension is one side of the experience, by its worst touchpoint.
type Dimension struct {
	Name     string       `json:"name"` // reachable, correct, fast or trusted
	Rating   probe.Rating `json:"rating"`
	Timeline []Span       `json:"timeline,omitempty"`
}

// Touchpoint is one touchpoint as a row of its channel's page.
type Touchpoint struct {
	Channel  string       `json:"channel"`
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Kind     string       `json:"kind"`
	Tier     string       `json:"tier"`
	Target   string       `json:"target,omitempty"` // host that is probed
	Weight   float64      `json:"weight"`
	Rating   probe.Rating `json:"rating"` // of the last 5 minutes, or of the last result where it is probed more rarely
	Now      *Score       `json:"now,omitempty"`
	Day      *Score       `json:"day,omitempty"`
	Cause    *Cause       `json:"cause,omitempty"` // most points now
	Timeline []Span       `json:"timeline,omitempty"`
	Speed    []Point      `json:"speed,omitempty"`          // seconds that one in ten customers waits for longer (p90 over an hour)
	Limits   *Limits      `json:"limits_seconds,omitempty"` // slowest that is still …
}

// Limits are the slowest results that are still of a rating, in seconds.
type Limits struct {
	Excellent float64 `json:"excellent"`
	Good      float64 `json:"good"`
	Fair      float64 `json:"fair"`
}

// CauseOverTime is what one cause took at each time.
type CauseOverTime struct {
	Cause
	Line []Point `json:"line"` // the times of ChannelPage.Score; 0 where it took nothing
}

// TouchpointPage is what the recorded series know of one touchpoint. Results with evidence come from the agent that probes it.
type TouchpointPage struct {
	Touchpoint
	At      time.Time         `json:"at"`
	Range   Range             `json:"range"`
	From    time.Time         `json:"from"`
	Windows []Score           `json:"windows"`
	Lost    []CauseOverTime   `json:"points_lost"`
	Score   []Point           `json:"score_line"`
	Phases  []PhaseOverTime   `json:"phases,omitempty"` // mean seconds over an hour
	Queries []QueryOfInterest `json:"queries"`
}

// PhaseOverTime is the mean time of one phase.
type PhaseOverTime struct {
	Phase string  `json:"phase"`
	Line  []Point `json:"line"`
}

// QueryOfInterest is a PromQL expression to copy.
type QueryOfInterest struct {
	Title string `json:"title"`
	Expr  string `json:"expr"`
}

// Incident is a stretch in which a channel was fair or poor, from its first to its last such rating; good stretches
// shorter than 5 minutes do not end it.
type Incident struct {
	Channel string       `json:"channel"`
	Title   string       `json:"title"`
	From    time.Time    `json:"from"`
	Until   *time.Time   `json:"until,omitempty"`  // absent while it lasts
	Seconds float64      `json:"duration_seconds"` // until now while it lasts
	Worst   probe.Rating `json:"worst"`
	Score   float64      `json:"lowest_score"`     // over 5 minutes
	Causes  []Cause      `json:"causes,omitempty"` // mean points over the incident, most first
	Alerts  []Alert      `json:"alerts,omitempty"` // that fired meanwhile
	Hosts   []Host       `json:"hosts,omitempty"`  // that serve the channel and were under pressure meanwhile
}

// Alert is one alert as its rule tells it.
type Alert struct {
	Name     string    `json:"name"`
	Severity string    `json:"severity"`
	From     time.Time `json:"from"`
}

// Host is a host that serves a channel.
type Host struct {
	Instance  string  `json:"instance"`
	Saturated []Span  `json:"saturated,omitempty"` // when it was under pressure; Rating is unset
	CPU       []Point `json:"cpu,omitempty"`       // share of the time that something waited, 0 to 1
	Memory    []Point `json:"memory,omitempty"`
	IO        []Point `json:"io,omitempty"`
}
