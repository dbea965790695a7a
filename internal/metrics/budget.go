package metrics

import (
	"sync"
	"sync/atomic"
)

// budget bounds the series that grow with the configuration and with what goes wrong.
type budget struct {
	limit    int64 // 0: none
	used     atomic.Int64
	rejected atomic.Int64
	warn     sync.Once
}

// admit takes n series when they fit, and reports whether they do.
func (b *budget) admit(n int) bool {
	for {
		used := b.used.Load()
		if b.limit > 0 && used+int64(n) > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+int64(n)) {
			return true
		}
	}
}

// take takes n series whether they fit or not, or gives back -n.
func (b *budget) take(n int) { b.used.Add(int64(n)) }

// reject counts n refused series and says so in the log once.
func (m *Metrics) reject(n int) {
	m.budget.rejected.Add(int64(n))
	m.budget.warn.Do(func() {
		m.log.Warn("series limit reached: new series are refused, existing ones go on",
			"series_limit", m.budget.limit, "series", m.budget.used.Load(), "refused", n)
	})
}
