// Package query is how the pages ask for recorded series: one small interface over PromQL, whether the agent's own history
// answers or a Prometheus, Thanos, Mimir or VictoriaMetrics elsewhere. It evaluates nothing itself, and imports nothing
// of this module but the domain's secrets.
package query

import (
	"context"
	"time"
)

// Engine evaluates PromQL. It is safe for concurrent use. Every call ends by the deadline of its context or by the
// engine's own, whichever comes first.
type Engine interface {
	// Query evaluates an expression at one time; every series has one point. The zero time means now.
	Query(ctx context.Context, expr string, at time.Time) ([]Series, error)
	// QueryRange evaluates an expression at from, from+step, … up to and including to.
	QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error)
}

// Series is one line of an answer.
type Series struct {
	Labels map[string]string // the name of the metric is __name__
	Points []Point           // ascending in time; never empty
}

// Point is a value at a time.
type Point struct {
	At    int64 // Unix milliseconds
	Value float64
}

// Time returns the time of the point.
func (p Point) Time() time.Time { return time.UnixMilli(p.At) }
