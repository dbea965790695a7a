package web

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

func TestStripWords(t *testing.T) {
	at := time.Now()
	spans := func(ratings ...probe.Rating) (all []view.Span) {
		for i, r := range ratings {
			all = append(all, view.Span{From: at.Add(time.Duration(i) * time.Minute), Until: at.Add(time.Duration(i+1) * time.Minute), Rating: r})
		}
		return all
	}
	for want, in := range map[string][]view.Span{
		"Nothing was recorded.":                                                  nil,
		"Good or better wherever it was measured.":                               spans(probe.Good, probe.Excellent),
		"Not good once, 2 min in all, at worst poor.":                            spans(probe.Good, probe.Fair, probe.Poor, probe.Good),
		"Not good 2 times, 2 min in all, at worst fair. Not measured for 1 min.": spans(probe.Fair, probe.Good, probe.Fair, probe.Unknown),
		"Good or better wherever it was measured. Not measured for 1 min.":       spans(probe.Unknown),
	} {
		if got := stripWords(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPressureWords(t *testing.T) {
	at := time.Now()
	for want, in := range map[string][]view.Stretch{
		"Never under pressure.":                 nil,
		"Under pressure once, 1 min in all.":    {{From: at, Until: at.Add(time.Minute)}},
		"Under pressure 2 times, 3 min in all.": {{From: at, Until: at.Add(time.Minute)}, {From: at, Until: at.Add(2 * time.Minute)}},
	} {
		if got := pressureWords(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
