package web

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// stepRow is one step of a journey, with its bar in hundredths of the width.
type stepRow struct {
	Title, Name string
	Outcome     string // in words
	Passed      bool
	Failed      bool
	Took        string
	From, Width string
	Detail      string
}

// newSteps returns the steps of a journey as bars one below the other, each where it began.
func newSteps(steps []probe.Step) []stepRow {
	total := time.Duration(0)
	for i := range steps {
		if steps[i].Outcome != probe.StepSkipped {
			total = max(total, steps[i].At+steps[i].Duration)
		}
	}
	rows := make([]stepRow, 0, len(steps))
	for i := range steps {
		s := &steps[i]
		row := stepRow{Title: s.Title, Name: s.Name, Outcome: outcomeWords(s.Outcome), Detail: s.Detail, From: "0", Width: "0"}
		row.Passed, row.Failed = s.Outcome == probe.StepPassed, s.Outcome == probe.StepFailed
		if s.Outcome != probe.StepSkipped {
			row.Took = took(s.Duration)
			if total > 0 {
				row.From = fmt.Sprintf("%.2f", 100*s.At.Seconds()/total.Seconds())
				row.Width = fmt.Sprintf("%.2f", max(100*s.Duration.Seconds()/total.Seconds(), 0.5))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func outcomeWords(outcome probe.StepOutcome) string {
	switch outcome {
	case probe.StepPassed:
		return "done"
	case probe.StepFailed:
		return "failed"
	case probe.StepSkipped:
		return "not reached"
	}
	return string(outcome)
}
