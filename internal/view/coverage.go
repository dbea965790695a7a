package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// enough is the share of a window that must have been measured; the rules hold agreements to the same.
const enough = 0.5

// coverage is how much of the long windows of each channel has been measured.
type coverage map[string]map[window]float64

// length returns how long the windows are that take long to be measured; 0 for the others.
func (w window) length() time.Duration {
	switch w {
	case daily:
		return day
	case weekly:
		return 7 * day
	case monthly:
		return 28 * day
	}
	return 0
}

// coverage asks in how many hours of each window the channels were measured.
func (a *asker) coverage(at time.Time, matchers []string, into *[]query.Series) {
	measured := "last_over_time(" + selector([]string{"channel:channelwatch_measured:5m"}, matchers...) + "[6m])"
	var terms []string
	for _, w := range windows() {
		if length := w.length(); length > 0 {
			terms = append(terms, fmt.Sprintf(`label_replace(count_over_time(%s[%s:1h]) / %d, "window", "%s", "", "")`,
				measured, shortOf(length), length/time.Hour, w))
		}
	}
	a.at("what has been measured", strings.Join(terms, " or "), at, into)
}

func readCoverage(answer []query.Series) coverage {
	all := make(coverage)
	for _, s := range answer {
		channel, w := s.Labels["channel"], window(s.Labels["window"])
		if all[channel] == nil {
			all[channel] = make(map[window]float64)
		}
		all[channel][w] = max(all[channel][w], min(value(s), 1))
	}
	return all
}

// judge sets how much of a window a score is of.
func (all coverage) judge(channel string, s *Score) {
	if s == nil || window(s.Window).length() == 0 {
		return
	}
	s.Coverage = all[channel][window(s.Window)]
	s.Early = s.Coverage < enough
}
