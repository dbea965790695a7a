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

// judge sets how much of its window the score of the figures is of, and returns them. Of a history as short as a shorter
// window it returns nil: both would tell of the same time, and the longer one, recorded more rarely, of less of it.
func (all coverage) judge(channel string, f *figures) *figures {
	if f == nil || f.score == nil || f.window == recent {
		return f
	}
	ratio := all[channel][f.window]
	if time.Duration(ratio*float64(f.window.length())) <= f.window.least() {
		return nil
	}
	f.score.Coverage, f.score.Early = ratio, ratio < enough
	return f
}
