package push_test

import (
	"errors"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// What counts is how fast it comes, not how long ago the last probe was.
func TestFlood(t *testing.T) {
	t.Parallel()
	const kib, mib = 1 << 10, 1 << 20
	tests := []struct {
		name   string
		bytes  int // at each step
		step   time.Duration
		steps  int
		floods bool
	}{
		{"5 KiB a second for an hour", 5 * kib, time.Second, 3600, false},
		{"60 KiB a second in small pieces for five minutes", 60, time.Millisecond, 300_000, false},
		{"1 MiB a second for an hour", mib, time.Second, 3600, false},
		{"16 MiB at once", 16 * mib, 0, 1, false},
		{"16 MiB every 16 s", 16 * mib, 16 * time.Second, 100, false},
		{"more than 16 MiB at once", 17 * mib, 0, 1, true},
		{"2 MiB a second for half a minute", 2 * mib, time.Second, 30, true},
		{"line rate", 64 * kib, 500 * time.Microsecond, 1000, true},
	}
	for _, test := range tests {
		var f push.Flood
		var err error
		now := time.Now()
		for range test.steps {
			if err = f.Take(test.bytes, now); err != nil {
				break
			}
			now = now.Add(test.step)
		}
		if errors.Is(err, push.ErrFlood) != test.floods {
			t.Errorf("%s: got %v, want a flood: %t", test.name, err, test.floods)
		}
	}
}
