package web

import (
	"html/template"
	"time"
)

// stamp prints a time as people say it, seen from now, in the agent's zone. The scripts print it again in the reader's.
func stamp(now, t time.Time) template.HTML {
	layout := "2 Jan 2006 15:04"
	switch days := daysBetween(t, now); {
	case days == 0:
		layout = "15:04"
	case days > 0 && days < 7:
		layout = "Mon 15:04"
	case t.Year() == now.Year():
		layout = "2 Jan 15:04"
	}
	return timeTag(t, "stamp", layout)
}

// daysBetween counts the midnights from a to b in the agent's zone; negative when b is before a.
func daysBetween(a, b time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.Local().Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(b).Sub(midnight(a)).Hours() / 24)
}

// clock prints a time of day with seconds.
func clock(t time.Time) template.HTML { return timeTag(t, "clock", "15:04:05") }

// zoned prints a time with its zone.
func zoned(t time.Time) template.HTML { return timeTag(t, "zoned", "2006-01-02 15:04:05 MST") }

// date prints a day; a day has no zone.
func date(t time.Time) string { return t.Format("2 January 2006") }

func timeTag(t time.Time, as, layout string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" data-as="` + as + `">` + //nolint:gosec // digits and fixed words
		template.HTMLEscapeString(t.Local().Format(layout)) + `</time>`)
}
