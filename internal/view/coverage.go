package view

import (
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// enough is the share of a window that must have been measured; the rules hold agreements to the same.
const enough = 0.5

// coverage is how much of the windows of each channel has been measured.
type coverage map[string]map[window]float64

const coverageName = "channel:channelwatch_coverage:ratio"

// coverage asks how much of each window was measured; of the shortest it is not recorded.
func (a *asker) coverage(at time.Time, matchers []string, into *[]query.Series) {
	var names []string
	for _, w := range windows() {
		if w != recent {
			names = append(names, coverageName+string(w))
		}
	}
	a.at("what has been measured", "last_over_time("+selector(names, matchers...)+"["+promDuration(monthly.back())+"])", at, into)
}

func readCoverage(answer []query.Series) coverage {
	all := make(coverage)
	for _, s := range oneSource(answer) {
		channel := s.Labels["channel"]
		if all[channel] == nil {
			all[channel] = make(map[window]float64)
		}
		all[channel][window(strings.TrimPrefix(s.Labels["__name__"], coverageName))] = value(s)
	}
	return all
}

// judge sets how much of its window a score is of.
func (all coverage) judge(channel string, s *Score) {
	if s == nil || window(s.Window) == recent {
		return
	}
	s.Coverage = all[channel][window(s.Window)]
	s.Early = s.Coverage < enough
}
