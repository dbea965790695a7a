//go:build !nohistory

package history

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Rounds and several groups of rules make new series at the same time, while somebody reads the index. It is the race
// detector that looks at this.
func TestGate_NewSeriesDisturbNoReader(t *testing.T) {
	const each = 2000
	db := openShop(t, t.TempDir())
	g := &gate{Storage: db, to: db}
	at := time.Now().UnixMilli()
	named := func(writer, n int) labels.Labels {
		return labels.FromStrings(model.MetricNameLabel, "x", "writer", fmt.Sprint(writer), "n", fmt.Sprint(n))
	}
	var writers, readers sync.WaitGroup
	var written atomic.Bool
	for writer := range 4 {
		writers.Go(func() {
			old, young := g.Appender(t.Context()), g.AppenderV2(t.Context())
			for n := range each {
				var err error
				if writer%2 == 0 {
					_, err = old.Append(0, named(writer, n), at, 1)
				} else {
					_, err = young.Append(0, named(writer, n), 0, at, 1, nil, nil, storage.AOptions{})
				}
				if err != nil {
					t.Errorf("appending: %v", err)
				}
			}
			for _, err := range []error{old.Commit(), young.Commit()} {
				if err != nil {
					t.Errorf("committing: %v", err)
				}
			}
		})
	}
	readers.Go(func() {
		for !written.Load() {
			count(t, db, at)
		}
	})
	writers.Wait()
	written.Store(true)
	readers.Wait()
	if n := count(t, db, at); n != 4*each {
		t.Errorf("%d series, want %d", n, 4*each)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// count counts the series that are there at a time.
func count(t *testing.T, db storage.Queryable, at int64) (n int) {
	t.Helper()
	querier, err := db.Querier(at, at)
	if err != nil {
		t.Error(err)
		return 0
	}
	all := querier.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "x"))
	for all.Next() {
		n++
	}
	if err := all.Err(); err != nil {
		t.Error(err)
	}
	if err := querier.Close(); err != nil {
		t.Error(err)
	}
	return n
}
