package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
)

const (
	// starvedFactor is how much slower than at its best a browser may be: beyond it, every time of a page is wrong.
	starvedFactor = 2
	// learning is how often a browser is looked at before it is judged: the first times teach what it can do.
	learning = 3
	// bestLasts is how long a browser is held to its best: a host that became slower for good is judged anew.
	bestLasts = 24 * time.Hour
)

// exercise is a fixed piece of work for a blank page, five times about 10 ms of one idle core. It returns how long the
// quickest took, in ms: a hiccup costs one of them, a host that is too busy all.
const exercise = `(() => {
	let best = Infinity, x = 1;
	for (let round = 0; round < 5; round++) {
		const start = performance.now();
		for (let i = 0; i < 1e7; i++) x = (Math.imul(x, 31) + i) | 0;
		best = Math.min(best, performance.now() - start);
	}
	return best + (x === 0 ? 1e-9 : 0);
})()`

// warmUp has a tab that is still blank do the exercise, and returns the failure when the browser is too slow to time
// anything. It has a second try.
func (s *pool) warmUp(ctx context.Context, tab *chromium.Tab, version string) (*failure, error) {
	for try := 0; ; try++ {
		took, err := exert(ctx, tab)
		if err != nil {
			return nil, err
		}
		best, starved := s.note(version, took, time.Now())
		switch {
		case !starved:
			return nil, nil
		case try > 0:
			return failuref(browserStarved, "a script that takes the browser %v at best took %v: the agent's host is too busy", rounded(best),
				rounded(took)), nil
		}
	}
}

// exert does the exercise once.
func exert(ctx context.Context, tab *chromium.Tab) (time.Duration, error) {
	var answer struct {
		Result struct {
			Value float64 `json:"value"`
		} `json:"result"`
	}
	params := map[string]any{"expression": exercise, "returnByValue": true}
	if err := tab.Conn().Call(ctx, tab.Session(), "Runtime.evaluate", params, &answer); err != nil {
		return 0, fmt.Errorf("timing the browser: %w", err)
	}
	return time.Duration(answer.Result.Value * float64(time.Millisecond)), nil
}

// note remembers how long the exercise took just now, and reports whether that is too long, compared with the best of late.
func (s *pool) note(version string, took time.Duration, now time.Time) (best time.Duration, starved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.best[version]
	if now.Sub(p.since) > bestLasts {
		p = pace{}
	}
	if p.judged == 0 || took < p.best {
		p.best, p.since = took, now
	}
	p.judged++
	if s.best == nil {
		s.best = make(map[string]pace)
	}
	s.best[version] = p
	return p.best, p.judged > learning && float64(took) > s.patience*float64(p.best)
}
