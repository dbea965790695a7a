//go:build !nohistory

package history

import (
	"context"
	"errors"
	"os"
	"runtime/metrics"
	"sync"
	"time"
)

// maxHeap is how many bytes the heap may grow while queries run, if half of the memory of the process is not less. It
// leaves room for one query of maxSamples, and for what slices hold in reserve.
const maxHeap = 512 << 20

var errTooMuchMemory = errors.New("query needs too much memory: ask for fewer series, a shorter range or a longer step")

// budget ends queries that together fill the memory. The engine counts samples, but not the labels, the room left in slices
// and the regular expressions that come with them. It sees the heap of the whole process: whatever else grows it while a
// query runs ends the query, too, and that which is a query's cannot be told from the rest. The limit is set by the first
// of queries that overlap, and holds until none runs.
type budget struct {
	grow uint64 // bytes

	mu      sync.Mutex
	running int
	limit   uint64 // of the heap, while anything runs
}

func newBudget() *budget { return &budget{grow: min(maxHeap, memoryLimit(os.DirFS("/"))/2)} }

// watch returns a context that ends when the heap grows too much, until the function that it returns is called.
func (b *budget) watch(ctx context.Context) (context.Context, func()) {
	b.mu.Lock()
	if b.running++; b.running == 1 {
		b.limit = heap() + b.grow
	}
	limit := b.limit
	b.mu.Unlock()

	ctx, cancel := context.WithCancelCause(ctx)
	settled := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		look := time.NewTicker(20 * time.Millisecond)
		defer look.Stop()
		for {
			select {
			case <-settled:
				return
			case <-look.C:
				if heap() > limit {
					cancel(errTooMuchMemory)
					return
				}
			}
		}
	})
	return ctx, func() {
		close(settled)
		watcher.Wait()
		cancel(nil)
		b.mu.Lock()
		b.running--
		b.mu.Unlock()
	}
}

// heap returns the bytes of objects on the heap, those included that the garbage collector has not reached yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
