package ping

import "time"

// Summarise shows min, average, max and jitter of round trips.
func Summarise(trips []time.Duration) [4]time.Duration {
	s := summarise(trips)
	return [4]time.Duration{s.min, s.avg, s.max, s.jitter}
}

// LossCheck shows which check a share of lost echoes fails.
func LossCheck(share float64) string { return string(lossCheck(share)) }
