package view

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Overview is the first page: all channels at one time, those that need somebody first.
type Overview struct {
	At       time.Time `json:"at"`    // when the rules last recorded; everything "now" is of it
	Range    Range     `json:"range"` // of the timelines
	From     time.Time `json:"from"`  // start of the timelines
	Channels []Channel `json:"channels"`
}

// Channel is one channel as a row of the overview.
type Channel struct {
	Name           string       `json:"name"`
	Title          string       `json:"title"`
	Type           string       `json:"type"`
	Orphan         bool         `json:"orphan,omitempty"` // configured, but no agent probes it; its type is not known
	OwnerIT        string       `json:"owner_it,omitempty"`
	OwnerMarketing string       `json:"owner_marketing,omitempty"`
	Rating         probe.Rating `json:"rating"`                   // of the last 5 minutes
	Since          *time.Time   `json:"since,omitempty"`          // since when it has been good or better, or not; absent when not known
	SinceAtLeast   bool         `json:"since_at_least,omitempty"` // nothing is known of the time before
	Now            *Score       `json:"now,omitempty"`            // over 5 minutes; absent when nothing was measured
	Day            *Score       `json:"day,omitempty"`            // over 24 hours; absent until more than an hour was measured
	Month          *Score       `json:"month,omitempty"`          // over 28 days; absent until more than a day was measured
	Causes         []Cause      `json:"causes,omitempty"`         // of Now, most points first, weakest_touchpoint last; those of Day where Now has none
	CausesOf       string       `json:"causes_of,omitempty"`      // window of Causes: 5m or 1d
	Agreement      Agreement    `json:"agreement"`
	Timeline       []Span       `json:"timeline,omitempty"` // of the overview's range; holes where nothing was recorded
	Spark          []Point      `json:"spark,omitempty"`    // score over an hour (over 5 minutes on the shortest range), through the range
	Words          Words        `json:"words"`
}

// Words are sentences about a channel or a touchpoint, ready to print.
type Words struct {
	Gap   string `json:"gap"`             // up, good or better, and what lies between
	Since string `json:"since,omitempty"` // how long it has been so
	Cause Sides  `json:"cause,omitzero"`  // what costs most
}

// Sides are one fact in a sentence for each side. The numbers in both are the same.
type Sides struct {
	Marketing string `json:"marketing"`
	IT        string `json:"it"`
}

// Score is one recorded window of a channel or a touchpoint. All are 0 to 100, Unknown is 0 to 1.
type Score struct {
	Window   string       `json:"window"` // 5m, 1h, 1d, 7d or 28d
	Score    float64      `json:"score"`
	Up       float64      `json:"up"`
	Gap      float64      `json:"gap"`     // of a channel; 0 for touchpoints
	Unknown  float64      `json:"unknown"` // share of results that could not be measured
	Rating   probe.Rating `json:"rating"`
	At       time.Time    `json:"at"`                 // when the rules recorded it
	Coverage float64      `json:"coverage,omitempty"` // share of the window in which the channel has been measured, 0 to 1; absent for 5m
	Early    bool         `json:"early,omitempty"`    // that is less than half, too little to say that this is how the window was
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
	Got      *float64       `json:"score,omitempty"`          // over the window; absent while it is too early
	Left     *float64       `json:"budget_left,omitempty"`    // ratio of the allowed bad results that is left; negative when broken, absent while it is too early
	Coverage float64        `json:"coverage"`                 // share of the window that has been measured, 0 to 1
	Review   *time.Time     `json:"review,omitempty"`         // when both look at it again
	Overdue  bool           `json:"review_overdue,omitempty"` // that day is past
	Words    Sides          `json:"words"`
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
