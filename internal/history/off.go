//go:build nohistory

package history

import (
	"context"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/query"
)

// Store is not in this build: nobody has one, and its methods are there for whoever is compiled against them.
type Store struct{}

// Open returns ErrLeftOut.
func Open(Options) (*Store, error) { return nil, ErrLeftOut }

// Included says whether this build has a history.
func Included() bool { return false }

// Run returns ErrLeftOut.
func (*Store) Run(context.Context) error { return ErrLeftOut }

// Status says that there is no history.
func (*Store) Status() Status { return Status{State: Stopped, Why: ErrLeftOut.Error()} }

// Describe returns nothing.
func Describe() []metrics.Family { return nil }

// Series returns 0.
func (*Store) Series() int { return 0 }

// Readings returns nothing.
func (*Store) Readings() []metrics.Reading { return nil }

// Query returns ErrLeftOut.
func (*Store) Query(context.Context, string, time.Time) ([]query.Series, error) {
	return nil, ErrLeftOut
}

// QueryRange returns ErrLeftOut.
func (*Store) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([]query.Series, error) {
	return nil, ErrLeftOut
}

// API answers every request with 404 and the reason.
func (*Store) API() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, ErrLeftOut.Error(), http.StatusNotFound)
	})
}

// CheckAlerting returns ErrLeftOut.
func CheckAlerting(Block) error { return ErrLeftOut }

// CheckRemoteWrite returns ErrLeftOut.
func CheckRemoteWrite(Block) error { return ErrLeftOut }
