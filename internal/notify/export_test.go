package notify

import "time"

// RetryAfter makes the first wait after a failure short, for tests over real networks.
func (n *Notifier) RetryAfter(first time.Duration) { n.retry = backoff{first, 10 * first} }

// InhibitionTable returns sources with targets and equal labels.
func InhibitionTable() (sources []string, targets, equal [][]string) {
	for _, row := range inhibitions() {
		sources, targets, equal = append(sources, row.source), append(targets, row.targets), append(equal, row.equal)
	}
	return sources, targets, equal
}
