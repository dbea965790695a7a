//go:build !nohistory

package history

import (
	"context"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// Query evaluates an expression at one time, as query.Engine says. It returns ErrNotReady while the store is not open.
func (s *Store) Query(ctx context.Context, expr string, at time.Time) ([]query.Series, error) {
	return s.queries.series(ctx, expr, instantAt(at))
}

// QueryRange evaluates an expression at several times, as query.Engine says: no more than 11,000, and at least 1 ms apart.
// It returns ErrNotReady while the store is not open.
func (s *Store) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]query.Series, error) {
	return s.queries.seriesRange(ctx, expr, span{from: from, to: to, step: step})
}

// API answers the reading part of Prometheus' HTTP API under /api/v1/. While the store is not open, requests that need it
// are answered with 503 and a reason. It does not check who asks.
func (s *Store) API() http.Handler { return newAPI(s.queries, s.families, s.ruler, s.log).handler() }
