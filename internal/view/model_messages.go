package view

import "time"

// Messages is what became of the messages of a touchpoint that sends some. Counts and times are of 24 hours.
type Messages struct {
	Silent     time.Time          `json:"silent_since"`             // last arrival; of acceptance where nobody can see any; when one was first waited for where there was none
	Delivered  *time.Time         `json:"last_delivered,omitempty"` // last arrival that an agent has seen since its start
	Accepted   *time.Time         `json:"last_accepted,omitempty"`  // when a provider last took one, as agents know since their start
	Counted    *time.Time         `json:"counted_until,omitempty"`  // when counts, shares and times were last recorded
	Seen       *bool              `json:"arrivals_seen,omitempty"`  // whether anybody can see arrivals; absent while no agent sends
	Beats      bool               `json:"heartbeats,omitempty"`     // these are heartbeats of a sender: nothing is counted
	Ended      []Counted          `json:"ended,omitempty"`          // by how they ended, the best way first: delivered, late, corrupted, lost, rejected, unsent, unseen
	Answers    []Counted          `json:"provider_answers,omitempty"`
	OnTime     *float64           `json:"on_time,omitempty"` // share of all messages whose arrival could be seen, 0 to 1
	Lost       *float64           `json:"lost,omitempty"`    // share of those that were accepted, 0 to 1
	Half       *float64           `json:"delivery_seconds_p50,omitempty"`
	Most       *float64           `json:"delivery_seconds_p95,omitempty"`
	Credential *bool              `json:"credential_ok,omitempty"`    // whether the provider took it last; absent until it was asked
	Target     *bool              `json:"target_valid,omitempty"`     // whether the provider knows the test device
	Receiver   *bool              `json:"receiver_up,omitempty"`      // whether the agent's own receiver was ready
	Refreshed  *time.Time         `json:"target_refreshed,omitempty"` // when the file of the test device was written
	Expires    *time.Time         `json:"certificate_not_after,omitempty"`
	Delivery   []DeliveryOverTime `json:"delivery,omitempty"` // through the range: p50, then p95
}

// Counted is how many messages had one value of a closed list.
type Counted struct {
	Value string  `json:"value"`
	Count float64 `json:"count"` // more than 0
}

// DeliveryOverTime is how long messages took to arrive.
type DeliveryOverTime struct {
	Share float64 `json:"share"` // of the messages of the hour before, or the day where few are sent: 0.5 or 0.95
	Line  []Point `json:"line"`  // seconds
}
