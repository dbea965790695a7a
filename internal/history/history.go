// Package history keeps what the agent exports: a Prometheus storage inside of the process, its queries, the bundled
// recording and alerting rules, alerts to Alertmanager, and remote write. It is the only importer of Prometheus' server
// code, and no probe waits for its disk: it opens in the background, and whatever goes wrong in it shows in its Status, in
// metrics and on the page while probing and /metrics go on.
//
// Of this module it imports metrics and query. It does not know what the series mean: whatever is computed of them stands in
// the rules that it is given.
//
// Built with the tag nohistory, the package keeps its face and does nothing; Included says which one this is.
package history

import (
	"errors"
	"log/slog"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// Options configures a Store.
type Options struct {
	Dir       string        // created when missing; one process at a time
	Every     time.Duration // between two rounds of appending; at least 1 s
	Retention time.Duration // how long samples are kept
	MaxBytes  int64         // of blocks, head and write-ahead log; the oldest block goes first
	MinFree   int64         // bytes of free space below which nothing is appended
	Collect   func(visit metrics.Visitor)
	Labels    []metrics.Label // added to every series, as a scrape would: job and instance

	// Rules are rule files in upstream form that are evaluated here; none when another engine evaluates them.
	Rules []RuleFile
	// Alerting and RemoteWrite are the blocks of the same name of a Prometheus configuration, unchanged; empty for none.
	// A receiver of remote write gets every sample at most once: what it had not yet taken when the agent stops, and could
	// not take within 5 s, is never sent. The store itself keeps it.
	Alerting, RemoteWrite Block
	// ExternalLabels are added to what is sent to Alertmanagers and by remote write, where a series or an alert has no label
	// of that name. Recorded series name channels and no agent: without location=<location>, those of two agents collide.
	ExternalLabels []metrics.Label
	// Alerts is told of alerts as a Prometheus tells an Alertmanager: of those that fire at once and again every minute, of
	// those that have ended at once and again for 15 minutes. One call holds alerts of one rule. It must return quickly and
	// may be called at the same time by several goroutines. nil for none.
	Alerts      func([]Alert)
	ExternalURL string // of the agent's page, in alerts
	Log         *slog.Logger
}

// RuleFile is a file of rules.
type RuleFile struct {
	Name    string // in errors and in the API
	Content []byte
}

// Alert is an alert that fires or has just ended.
type Alert struct {
	Labels, Annotations map[string]string
	Started             time.Time
	Ended               time.Time // zero while it fires
}

// State says what a store can do.
type State string

// The states of a store.
const (
	Opening  State = "opening"   // reads what was recorded before; records and answers nothing yet
	Ready    State = "ready"     // records and answers
	Full     State = "full"      // too little free space: records nothing
	Waiting  State = "waiting"   // the clock went back: records nothing until it has caught up or is taken for right
	ReadOnly State = "read_only" // the directory cannot be written: records nothing
	Failed   State = "failed"    // cannot be opened or written; tries again
	Stopped  State = "stopped"
)

// Status is how a store is.
type Status struct {
	State      State
	Since      time.Time
	Open       bool   // whether queries are answered, in any state
	Why        string // for people; empty when Ready
	Notice     string // for people, in any state: what was lost, such as a block that could not be read, or is not sent; empty for nothing
	LastAppend time.Time
	Revision   uint64 // grows when there is something new to show: samples or recorded results
}

// ErrNotReady is returned by queries while the store is not open.
var ErrNotReady = errors.New("history is not open yet")

// ErrLeftOut is returned by builds with the tag nohistory.
var ErrLeftOut = errors.New("this agent was built without history (tag nohistory)")
