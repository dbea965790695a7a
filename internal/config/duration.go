package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	durationPart = regexp.MustCompile(`([0-9]+(?:\.[0-9]+)?)([a-zµ]+)`)
	plainNumber  = regexp.MustCompile(`^[0-9.]+$`)
)

// durationPattern is what ParseDuration takes, in the words of a JSON Schema.
const durationPattern = `^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+)$`

// unit is one suffix of a duration.
type unit struct {
	name string
	size time.Duration
}

// units are the suffixes of a duration, the longest first.
func units() []unit {
	const day = 24 * time.Hour
	return []unit{
		{"w", 7 * day},
		{"d", day},
		{"h", time.Hour},
		{"m", time.Minute},
		{"s", time.Second},
		{"ms", time.Millisecond},
		{"us", time.Microsecond},
		{"µs", time.Microsecond},
		{"ns", time.Nanosecond},
	}
}

// ParseDuration reads a duration such as "800ms", "1.8s", "1h30m", "28d" or "4w". A day is 24 hours. Durations are
// never negative.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	parts := durationPart.FindAllStringSubmatch(s, -1)
	whole := 0
	var total float64
	for _, part := range parts {
		whole += len(part[0])
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, err
		}
		size, err := unitSize(part[2])
		if err != nil {
			return 0, err
		}
		total += n * float64(size)
	}
	switch {
	case len(parts) == 0 && plainNumber.MatchString(s):
		return 0, errors.New("has no unit")
	case len(parts) == 0 || whole != len(s):
		return 0, errors.New("is not a duration")
	case total >= math.MaxInt64:
		return 0, errors.New("is too long")
	}
	return time.Duration(math.Round(total)), nil
}

func unitSize(name string) (time.Duration, error) {
	for _, u := range units() {
		if u.name == name {
			return u.size, nil
		}
	}
	return 0, fmt.Errorf("has the unknown unit %q", name)
}

// FormatDuration writes a duration as people write it: "28d", "1m30s", "1.8s". ParseDuration reads it back.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	if d < time.Second {
		return d.String()
	}
	var b strings.Builder
	for _, u := range units()[1:4] {
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.size
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(float64(d)/float64(time.Second), 'f', -1, 64) + "s")
	}
	return b.String()
}
