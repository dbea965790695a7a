package freshness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// What a value can be.
const (
	valueTime = "time"
	valueAge  = "age"
)

// maxValue bounds the text of a value, in bytes.
const maxValue = 100

// zoned are the forms of a time with a zone: RFC 3339, what databases make of it, and RFC 9110.
func zoned() []string {
	return []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999Z0700",
		"2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z0700", "2006-01-02 15:04:05.999999999 Z07:00",
		"2006-01-02 15:04:05.999999999 UTC", "2006-01-02 15:04:05.999999999-07:00:00", "2006-01-02T15:04Z07:00",
		time.RFC1123, time.RFC1123Z,
	}
}

// unzoned are those without.
func unzoned() []string {
	return []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	}
}

// moment is a time that was found.
type moment struct {
	at       time.Time
	zoneless bool // the text names no zone
}

// parseTime reads a time. Numbers count from 1970: in seconds, or in whichever of milliseconds, microseconds and
// nanoseconds makes them a time of this age. zone is that of times that name none.
func parseTime(text string, zone *time.Location) (moment, error) {
	text = strings.TrimSpace(text)
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return sinceEpoch(text, number)
	}
	for _, form := range zoned() {
		at, err := time.Parse(form, text)
		if err != nil {
			continue
		}
		// An abbreviation other than UTC and GMT means nothing without knowing where.
		if name, offset := at.Zone(); form == time.RFC1123 && offset == 0 && name != "UTC" && name != "GMT" {
			return moment{}, fmt.Errorf("%q has the zone %s, want UTC, GMT or an offset", clip(text), name)
		}
		return moment{at: at}, nil
	}
	for _, form := range unzoned() {
		if at, err := time.ParseInLocation(form, text, zone); err == nil {
			return moment{at: at, zoneless: true}, nil
		}
	}
	return moment{}, fmt.Errorf("%q is no time, want RFC 3339 such as 2026-01-31T12:00:00Z, or a number since 1970", clip(text))
}

// sinceEpoch reads a number. Seconds stay below 1e11 until the year 5138; in milliseconds that is 1973.
func sinceEpoch(text string, number float64) (moment, error) {
	const limit, step = 1e11, 1e3
	scale := 1.0
	for scale < 1e9 && math.Abs(number)/scale >= limit {
		scale *= step
	}
	seconds := number / scale
	if math.IsNaN(seconds) || math.Abs(seconds) >= limit {
		return moment{}, fmt.Errorf("%q is no time, want a number since 1970", clip(text))
	}
	whole, fraction := math.Modf(seconds)
	return moment{at: time.Unix(int64(whole), int64(fraction*float64(time.Second)))}, nil
}

// parseAge reads an age in seconds.
func parseAge(text string) (time.Duration, error) {
	const most = float64(math.MaxInt64 / int64(time.Second))
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > most {
		return 0, fmt.Errorf("%q is no age, want a number of seconds", clip(text))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// clip cuts a value for details.
func clip(text string) string { return probe.Clip(text, maxValue) }
