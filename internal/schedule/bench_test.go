package schedule_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

const (
	benchTouchpoints = 10_000
	benchEvery       = 10 * time.Second
	benchTakes       = 20 * time.Millisecond
)

// BenchmarkScheduler probes 10,000 touchpoints every 10 s with a prober that only waits for 20 ms. One operation is
// one interval. Beside it stands a goroutine with a ticker for each touchpoint: the plainest scheduler there is.
//
//	go test -run '^$' -bench Scheduler -benchtime 2x ./internal/schedule
func BenchmarkScheduler(b *testing.B) {
	b.Run("heap_and_workers", func(b *testing.B) {
		tps := make([]*probe.Touchpoint, benchTouchpoints)
		for i := range tps {
			tps[i] = touchpoint(fmt.Sprintf("page-%d", i), benchEvery, takes(benchTakes))
		}
		measure(b, func(late func(time.Duration)) (stop func()) {
			s := schedule.New(schedule.Options{Report: func(o *schedule.Outcome) bool {
				late(o.Lateness())
				return false
			}})
			s.Apply(tps)
			s.Start()
			return func() {
				if err := s.Stop(context.Background()); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("goroutine_each", func(b *testing.B) {
		measure(b, func(late func(time.Duration)) (stop func()) {
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			began := time.Now()
			for i := range benchTouchpoints {
				wg.Go(func() { naive(ctx, began.Add(time.Duration(i)*benchEvery/benchTouchpoints), late) })
			}
			return func() { cancel(); wg.Wait() }
		})
	})
}

// naive probes from the first tick on until ctx ends.
func naive(ctx context.Context, due time.Time, late func(time.Duration)) {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		late(time.Since(due))
		probing, cancel := context.WithTimeout(ctx, benchEvery)
		_, _ = takes(benchTakes)(probing)
		cancel()
		due = due.Add(benchEvery)
		timer.Reset(time.Until(due))
	}
}

// measure runs a scheduler for b.N intervals after a first one, and reports what its probes cost.
func measure(b *testing.B, start func(late func(time.Duration)) (stop func())) {
	b.Helper()
	var mu sync.Mutex
	var lateness []time.Duration
	before := memory()
	stop := start(func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		lateness = append(lateness, d)
	})
	<-time.After(benchEvery)
	held := memory() - before
	mu.Lock()
	lateness = make([]time.Duration, 0, (b.N+1)*benchTouchpoints)
	mu.Unlock()
	used := cpu(b)
	for b.Loop() {
		<-time.After(benchEvery)
	}
	used = cpu(b) - used
	stop()

	slices.Sort(lateness)
	b.ReportMetric(float64(held)/benchTouchpoints, "B/touchpoint")
	b.ReportMetric(float64(used.Microseconds())/float64(len(lateness)), "cpu-µs/probe")
	b.ReportMetric(lateness[len(lateness)*99/100].Seconds()*1e3, "late-p99-ms")
	b.ReportMetric(lateness[len(lateness)-1].Seconds()*1e3, "late-max-ms")
	b.ReportMetric(0, "ns/op")
}

// cpu returns the time that this process used, user and system.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memory returns the bytes in live heap and stacks.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
