package web

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// stripWords says what a timeline shows, for those who do not see it.
func stripWords(spans []view.Span) string {
	if len(spans) == 0 {
		return "Nothing was recorded."
	}
	var times int
	var low, unknown time.Duration
	worst, was := probe.Excellent, probe.Excellent
	for _, s := range spans {
		switch lasted := s.Until.Sub(s.From); {
		case s.Rating == probe.Unknown:
			unknown += lasted
		case s.Rating < probe.Good:
			low += lasted
			if was >= probe.Good || was == probe.Unknown {
				times++
			}
			worst = min(worst, s.Rating)
		}
		was = s.Rating
	}
	text := "Good or better wherever it was measured."
	if times > 0 {
		text = fmt.Sprintf("Not good %s, %s in all, at worst %s.", timesWords(times), view.Lasting(low), worst)
	}
	if unknown > 0 {
		text += " Not measured for " + view.Lasting(unknown) + "."
	}
	return text
}

// pressureWords says of a host when it was under pressure.
func pressureWords(spans []view.Stretch) string {
	if len(spans) == 0 {
		return "Never under pressure."
	}
	var total time.Duration
	for _, s := range spans {
		total += s.Until.Sub(s.From)
	}
	return fmt.Sprintf("Under pressure %s, %s in all.", timesWords(len(spans)), view.Lasting(total))
}

func timesWords(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
