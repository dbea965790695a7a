package agent

import (
	"errors"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

func TestAgent_Judge(t *testing.T) {
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	touchpoint := &probe.Touchpoint{
		Channel: "web", Name: "home", Limits: probe.Limits{Excellent: time.Second, Good: 2 * time.Second, Fair: 4 * time.Second},
		Built: probe.Built{Profile: probe.Profile{Target: "shop.example:443"}},
	}
	const hog = "the host was busy"
	starving := func(from, to time.Time) (bool, string) {
		return from.Equal(started) && to.Equal(started.Add(3*time.Second)), hog
	}
	never := func(time.Time, time.Time) (bool, string) { return false, "" }
	tests := []struct {
		name    string
		result  probe.Result
		err     error
		starved func(from, to time.Time) (bool, string)
		rating  probe.Rating
		cause   probe.CheckID
		why     string
	}{
		{"fine", probe.Result{Duration: time.Second}, nil, never, probe.Excellent, "", ""},
		{"slow", probe.Result{Duration: 3 * time.Second}, nil, never, probe.Fair, probe.Slow, ""},
		{"slow because the agent starved", probe.Result{Duration: 3 * time.Second}, nil, starving, probe.Unknown, probe.AgentStarved, hog},
		{
			"failed while the agent starved",
			probe.Result{Duration: 3 * time.Second, Reason: probe.ResponseTimeout},
			nil, starving,
			probe.Unknown, probe.AgentStarved, hog,
		},
		{"the starved time was another", probe.Result{Duration: 5 * time.Second}, nil, starving, probe.Poor, probe.Slow, ""},
		{"could not be measured", probe.Result{}, errors.New("too many open files"), never, probe.Unknown, probe.NotMeasured, "too many open files"},
		{
			"no network to ask about",
			probe.Result{Duration: time.Second, Reason: probe.ConnectTimeout},
			nil, never,
			probe.Poor, probe.ConnectTimeout, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := &Agent{catalogue: catalogue, starved: tt.starved}
			verdict, why := a.judge(&schedule.Outcome{Touchpoint: touchpoint, Result: tt.result, Err: tt.err, Started: started})
			if verdict.Rating != tt.rating || verdict.Cause != tt.cause || why != tt.why {
				t.Errorf("judge: %s because of %q (%q), want %s because of %q (%q)",
					verdict.Rating, verdict.Cause, why, tt.rating, tt.cause, tt.why)
			}
		})
	}
}
