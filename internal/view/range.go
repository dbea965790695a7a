package view

import (
	"slices"
	"time"
)

// Range is the time that a page looks back over.
type Range string

// The ranges of the pages. A long range must not hide a short trouble: every cell of a timeline shows the worst rating
// inside of it.
const (
	Hour  Range = "1h"
	Day   Range = "24h"
	Week  Range = "7d"
	Month Range = "28d"
)

// Ranges returns all ranges, the shortest first.
func Ranges() []Range { return []Range{Hour, Day, Week, Month} }

// ParseRange returns the range that a reader asked for; false when there is none of that name.
func ParseRange(text string) (Range, bool) {
	r := Range(text)
	return r, slices.Contains(Ranges(), r)
}

const day = 24 * time.Hour

// grid is how finely a range is shown.
type grid struct {
	length time.Duration // how far it reaches back
	cell   time.Duration // of a timeline, and between the points of lines
	line   window        // of the lines of scores and points lost
	spark  time.Duration // between the points of the small lines of the overview
	speed  time.Duration // between the points of lines that are means over an hour
	long   bool          // ratings are read from the rarer recorded series
	fresh  time.Duration // a page is shown again before it is built anew; the rules record every 30 s
}

func (r Range) grid() grid {
	switch r {
	case Hour:
		return grid{
			length: time.Hour, cell: 30 * time.Second, line: recent, spark: time.Minute, speed: time.Minute, fresh: 5 * time.Second,
		}
	case Week:
		return grid{
			length: 7 * day, cell: 30 * time.Minute, line: hourly, spark: 3 * time.Hour, speed: 2 * time.Hour, long: true,
			fresh: 30 * time.Second,
		}
	case Month:
		return grid{
			length: 28 * day, cell: 2 * time.Hour, line: hourly, spark: 12 * time.Hour, speed: 8 * time.Hour, long: true,
			fresh: time.Minute,
		}
	}
	return grid{
		length: day, cell: 5 * time.Minute, line: recent, spark: 30 * time.Minute, speed: 15 * time.Minute, fresh: 5 * time.Second,
	}
}

// Length returns how far the range reaches back.
func (r Range) Length() time.Duration { return r.grid().length }

// window is a time over which the rules record scores, as it stands in the names of the series.
type window string

const (
	recent  window = "5m"
	hourly  window = "1h"
	daily   window = "1d"
	weekly  window = "7d"
	monthly window = "28d"
)

func windows() []window { return []window{recent, hourly, daily, weekly, monthly} }

// length returns how long the window is.
func (w window) length() time.Duration {
	switch w {
	case hourly:
		return time.Hour
	case daily:
		return day
	case weekly:
		return 7 * day
	case monthly:
		return 28 * day
	}
	return 5 * time.Minute
}

// least returns how much of the window must have been measured before it is shown: more than the shorter windows hold. A
// day does for those of several: what they record is up to an hour old, which is little of a day.
func (w window) least() time.Duration {
	switch w {
	case hourly:
		return recent.length()
	case daily:
		return hourly.length()
	case weekly, monthly:
		return daily.length()
	}
	return 0
}

// every returns the time between two evaluations of the window's rules.
func (w window) every() time.Duration {
	switch w {
	case hourly, daily:
		return 5 * time.Minute
	case weekly:
		return 30 * time.Minute
	case monthly:
		return time.Hour
	}
	return 30 * time.Second
}

// back returns how old the last evaluation may be: PromQL itself looks back for 5 minutes only.
func (w window) back() time.Duration {
	switch w {
	case hourly, daily:
		return 15 * time.Minute
	case weekly:
		return 2 * time.Hour
	case monthly:
		return 3 * time.Hour
	}
	return 5 * time.Minute
}
