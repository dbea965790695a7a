package agent

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
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
	t.Run("others' reports do not starve", func(t *testing.T) {
		passive := *touchpoint
		passive.Profile.Passive = true
		a := &Agent{catalogue: catalogue, starved: func(time.Time, time.Time) (bool, string) { return true, hog }}
		if verdict, _ := a.judge(&schedule.Outcome{Touchpoint: &passive, Result: probe.Result{Duration: time.Second}, Started: started}); verdict.Rating != probe.Excellent {
			t.Errorf("judge: %s because of %q, want excellent", verdict.Rating, verdict.Cause)
		}
	})
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

// Silence can be the agent's own: nothing was acknowledged, nothing was confirmed, nobody reported.
func TestSilent(t *testing.T) {
	canary, sender := probe.Profile{Receipts: true}, probe.Profile{Receipts: true, Passive: true}
	for _, tt := range []struct {
		name      string
		profile   probe.Profile
		reason    probe.Reason
		dimension probe.Dimension
		want      bool
	}{
		{"no echo comes back", probe.Profile{}, "ping_unanswered", probe.Reachable, true},
		{"a broker does not acknowledge", probe.Profile{}, push.Unsent, probe.Reachable, true},
		{"a broker refuses", probe.Profile{}, push.Rejected, probe.Reachable, false},
		{"a broker loses", probe.Profile{}, push.Lost, probe.Correct, false},
		{"a device does not confirm", canary, push.Lost, probe.Correct, true},
		{"a provider refuses", canary, push.BadCredential, probe.Reachable, false},
		{"nobody reports", sender, "heartbeat_missing", probe.Reachable, true},
	} {
		verdict := quality.Verdict{Rating: probe.Poor, Dimension: tt.dimension, Cause: tt.reason}
		if got := silent(&verdict, &probe.Result{Reason: tt.reason}, &tt.profile); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestAgent_LogsChanges rates one touchpoint again and again: a line for each change, not for each result.
func TestAgent_LogsChanges(t *testing.T) {
	catalogue, err := probe.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := &Agent{
		log:       slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		catalogue: catalogue, metrics: metrics.New(metrics.Options{Catalogue: catalogue}), recent: recent.New(1 << 20),
		starved: func(time.Time, time.Time) (bool, string) { return false, "" },
	}
	touchpoint := func(name string) *probe.Touchpoint {
		return &probe.Touchpoint{
			Channel: "web", Name: name, Limits: probe.Limits{Excellent: time.Second, Good: 2 * time.Second, Fair: 4 * time.Second},
		}
	}
	home, cart := touchpoint("home"), touchpoint("cart")
	steps := []struct {
		name     string
		on       *probe.Touchpoint
		duration time.Duration
		reason   probe.Reason
		want     string // level and attributes; empty for no line
	}{
		{"first and fine", home, time.Second, "", "DEBUG rating=excellent was=unknown"},
		{"fine again", home, time.Second, "", ""},
		{"good", home, 2 * time.Second, "", "INFO rating=good was=excellent"},
		{"poor", home, time.Second, probe.ConnectRefused, "WARN rating=poor was=good cause=connect_refused"},
		{"as poor", home, time.Second, probe.ConnectRefused, ""},
		{"as poor for another cause", home, time.Second, probe.DNSFailed, "WARN rating=poor was=poor cause=dns_failed was_cause=connect_refused"},
		{"as poor for that cause", home, time.Second, probe.DNSFailed, ""},
		{"fine after all", home, time.Second, "", "INFO rating=excellent was=poor was_cause=dns_failed"},
		{"first and poor", cart, 5 * time.Second, "", "WARN rating=poor was=unknown cause=slow"},
	}
	field := regexp.MustCompile(`level=([A-Z]+)|(?:rating|was|cause|was_cause)=[a-z_]+`)
	for _, step := range steps {
		log.Reset()
		started := time.Now()
		a.report(&schedule.Outcome{
			Touchpoint: step.on, Started: started, Result: probe.Result{Start: started, Duration: step.duration, Reason: step.reason},
		})
		got := strings.TrimPrefix(strings.Join(field.FindAllString(log.String(), -1), " "), "level=")
		if got != step.want {
			t.Errorf("%s: logged %q, want %q", step.name, got, step.want)
		}
	}
}
