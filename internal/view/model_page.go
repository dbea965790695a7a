package view

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

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
	Field       []Field         `json:"field,omitempty"`     // what customers' browsers told, most visits first
}

// Dimension is one side of the experience, by its worst touchpoint.
type Dimension struct {
	Name     string       `json:"name"`   // reachable, correct, fast or trusted
	Rating   probe.Rating `json:"rating"` // of the last result
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
	Every    float64      `json:"interval_seconds,omitempty"` // between two probes
	Rating   probe.Rating `json:"rating"`                     // of the last 5 minutes, or of the last result where it is probed more rarely
	Now      *Score       `json:"now,omitempty"`
	Day      *Score       `json:"day,omitempty"`
	Cause    *Cause       `json:"cause,omitempty"` // most points now
	Timeline []Span       `json:"timeline,omitempty"`
	Speed    []Point      `json:"speed,omitempty"`          // seconds that one in ten probes of the hour before took longer than (p90)
	Limits   *Limits      `json:"limits_seconds,omitempty"` // slowest that is still …
	Words    Words        `json:"words"`
}

// Limits are the slowest results that are still of a rating, in seconds.
type Limits struct {
	Excellent float64 `json:"excellent"`
	Good      float64 `json:"good"`
	Fair      float64 `json:"fair"`
}

// CauseOverTime is what one cause took at each time. Its Points are the mean over the times.
type CauseOverTime struct {
	Cause
	Line []Point `json:"line"` // the times of the page's score line; 0 where it took nothing
}

// TouchpointPage is what the recorded series know of one touchpoint. Results with evidence come from the agent that probes it.
type TouchpointPage struct {
	Touchpoint
	ChannelTitle string            `json:"channel_title"`
	At           time.Time         `json:"at"`
	Range        Range             `json:"range"`
	From         time.Time         `json:"from"`
	Windows      []Score           `json:"windows"`
	Lost         []CauseOverTime   `json:"points_lost"`
	Score        []Point           `json:"score_line"`
	Phases       []PhaseOverTime   `json:"phases,omitempty"`   // mean seconds over an hour
	Loads        *Loads            `json:"loads,omitempty"`    // of a page in a browser
	Pair         []PairSide        `json:"pair,omitempty"`     // the same page on different devices, this one among them
	Field        []Field           `json:"field,omitempty"`    // of the group of pages of the touchpoint's name, by device
	Messages     *Messages         `json:"messages,omitempty"` // of a touchpoint that sends some
	Queries      []QueryOfInterest `json:"queries"`
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

// Incident is a stretch in which a channel was fair or poor, from its first to its last such rating; other stretches
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
	Words   Sides        `json:"words"`
}

// Alert is one alert as its rule tells it.
type Alert struct {
	Name     string    `json:"name"`
	Severity string    `json:"severity"`
	From     time.Time `json:"from"`
}

// Host is a host that serves a channel.
type Host struct {
	Instance  string    `json:"instance"`
	Saturated []Stretch `json:"saturated,omitempty"` // when it was under pressure
	CPU       []Point   `json:"cpu,omitempty"`       // share of the time that something waited, 0 to 1
	Memory    []Point   `json:"memory,omitempty"`
	IO        []Point   `json:"io,omitempty"`
}

// Stretch is a stretch of time.
type Stretch struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}
