package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// num prints a score or another number of 0 to 100, rounded down as in all sentences, with the whole of it for programs.
func num(v float64) template.HTML { return data(v, strings.TrimSuffix(view.Percent(v), " %")) }

// points prints points lost, rounded up as in all sentences, with the whole of it for programs.
func points(v float64) template.HTML { return data(v, view.Points(v)) }

// data prints a number as people read it, with the whole of it beside.
func data(v float64, text string) template.HTML {
	text = template.HTMLEscapeString(text)
	return template.HTML(`<data value="` + strconv.FormatFloat(v, 'g', -1, 64) + `">` + text + `</data>`) //nolint:gosec // a number and escaped text
}

// seconds prints seconds with the unit that reads best.
func seconds(v float64) string { return took(time.Duration(v * float64(time.Second))) }

// took prints a duration with the unit that reads best.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// bare returns foreign text without characters that control anything, the direction of what stands beside it among them.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r':
			return ' '
		case unicode.IsControl(r), r == '\u061c', r >= '\u200e' && r <= '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, text)
}

// spelled prints a duration as the configuration has it, such as 5m for 5m0s.
func spelled(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// ago says how long ago t was.
func ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	default:
		return t.Format("2006-01-02 15:04 MST")
	}
}

// span says how long a range is.
func span(r view.Range) string {
	switch r {
	case view.Hour:
		return "hour"
	case view.Week:
		return "7 days"
	case view.Month:
		return "28 days"
	}
	return "24 hours"
}

// window says how long a recorded window is.
func window(name string) string {
	switch name {
	case "5m":
		return "5 minutes"
	case "1h":
		return "hour"
	case "1d":
		return "24 hours"
	case "7d":
		return "7 days"
	case "28d":
		return "28 days"
	}
	return name
}

// kindOf prints the type of a channel for people.
func kindOf(channelType string) string { return strings.ReplaceAll(channelType, "_", " ") }

// low reports whether a rating is below good.
func low(r probe.Rating) bool { return r == probe.Poor || r == probe.Fair }
