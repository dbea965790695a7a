package view

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestPercentAndPoints_NeverClaimMore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value           float64
		percent, points string
	}{
		{100, "100 %", "100"},
		{99.99999999999, "100 %", "100"}, // 100 in floating point
		{99.97, "99.9 %", "100"},
		{99.999, "99.9 %", "100"},
		{91, "91 %", "91"},
		{90.99999999999999, "91 %", "91"},
		{90.99, "90.9 %", "91"},
		{64.5, "64.5 %", "64.5"},
		{64.5000000000001, "64.5 %", "64.5"},
		{100.0 / 3, "33.3 %", "33.4"},
		{0.04, "0 %", "0.1"},
		{0, "0 %", "0"},
		{1e-12, "0 %", "0"},
		{-12.34, "-12.4 %", "-12.3"},
	}
	for _, tt := range tests {
		if percent, points := Percent(tt.value), Points(tt.value); percent != tt.percent || points != tt.points {
			t.Errorf("%v: got %q and %q, want %q and %q", tt.value, percent, points, tt.percent, tt.points)
		}
	}
}

func TestLasting(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second:                     "0 s",
		0:                                "0 s",
		59*time.Second + 999*1e6:         "59 s",
		time.Minute:                      "1 min",
		90 * time.Second:                 "1 min 30 s",
		12*time.Minute + 30*time.Second:  "12 min",
		2*time.Hour + 10*time.Minute:     "2 h 10 min",
		11*time.Hour + 59*time.Minute:    "11 h",
		24 * time.Hour:                   "1 d",
		51*time.Hour + 50*time.Minute:    "2 d 3 h",
		28*24*time.Hour + 23*time.Hour:   "28 d",
		9*time.Hour + 59*time.Second:     "9 h",
		9*time.Minute + 59*time.Second:   "9 min 59 s",
		time.Hour + 59*time.Second + 1e9: "1 h 1 min",
	} {
		if got := Lasting(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range probe.Ratings() {
		got = append(got, Word(r))
	}
	if diff := cmp.Diff([]string{"Unknown", "Poor", "Fair", "Good", "Excellent"}, got); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

func TestGapWords(t *testing.T) {
	t.Parallel()
	cause := func(id probe.CheckID, title string, points float64) Cause {
		return Cause{Check: id, Title: title, Points: points}
	}
	slow, link := cause("slow_server", "slow server", 8), cause("broken_link", "broken link", 1)
	weak := cause(probe.WeakestTouchpoint, "weakest touchpoint", 28.01)
	tests := []struct {
		name   string
		score  *Score
		causes []Cause
		want   string
	}{
		{"nothing measured", nil, []Cause{slow}, "Not measured."},
		{"perfect", &Score{Window: "5m", Score: 100, Up: 100}, nil, "Last 5 minutes: up 100 %, good or better 100 %."},
		{"two causes", &Score{Window: "1d", Score: 90.98, Up: 99.97}, []Cause{slow, link}, "Last 24 hours: up 99.9 %, good or better 90.9 %: 8 points are slow server, 1 is broken link."},
		{
			"three and the cap", &Score{Window: "28d", Score: 60, Up: 100},
			[]Cause{slow, link, link, weak},
			"Last 28 days: up 100 %, good or better 60 %: 8 points are slow server, 1 is broken link, 28.1 more because one important part is weak.",
		},
		{"the cap alone", &Score{Window: "1h", Score: 60, Up: 100}, []Cause{weak}, "Last hour: up 100 %, good or better 60 %: 28.1 points because one important part is weak."},
		{"early", &Score{Window: "7d", Score: 99, Up: 100, Early: true}, []Cause{link}, "So far: up 100 %, good or better 99 %: 1 point is broken link."},
		{"one point", &Score{Window: "7d", Score: 99, Up: 100}, []Cause{link}, "Last 7 days: up 100 %, good or better 99 %: 1 point is broken link."},
	}
	for _, tt := range tests {
		if got := gapWords(tt.score, tt.causes); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSinceWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		side    side
		lasted  time.Duration
		atLeast bool
		want    string
	}{
		{good, 2 * time.Hour, false, "Good or better for 2 h"},
		{good, 24 * time.Hour, true, "Good or better for at least 1 d"},
		{below, 12 * time.Minute, false, "Below good for 12 min"},
		{below, 59 * time.Second, false, ""},
		{unknown, time.Minute, true, "Not measured for at least 1 min"},
		{good, 59 * time.Second, true, ""},
	}
	for _, tt := range tests {
		if got := sinceWords(tt.side, base, base.Add(tt.lasted), tt.atLeast); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestAgreement_Words(t *testing.T) {
	t.Parallel()
	review := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		agreement     Agreement
		marketing, it string
	}{
		{
			Agreement{State: TooEarly, Score: 95, Window: "7d", Coverage: 0.299},
			"Too early to say whether the agreement holds: 29.9 % of 7 days measured so far.",
			"Objective 95 over 7 days: 29.9 % of the window measured, 50 % needed.",
		},
		{
			Agreement{State: Kept, Score: 99.5, Window: "28d", Got: new(99.99), Left: new(0.98)},
			"The agreement holds: 99.9 over 28 days, agreed were 99.5.",
			"Objective 99.5 over 28 days: score 99.9, 98 % of the room for bad results left.",
		},
		{
			Agreement{State: AtRisk, Score: 95, Window: "1d", Got: new(95.01), Left: new(0.002)},
			"The agreement is at risk: 95 over 24 hours, agreed were 95, and little room is left.",
			"Objective 95 over 24 hours: score 95, 0.2 % of the room for bad results left.",
		},
		{
			Agreement{State: Broken, Score: 95, Window: "28d", Got: new(94.999), Left: new(-0.0002), Review: &review, Overdue: true},
			"The agreement is broken: 94.9 over 28 days, agreed were 95. Its review was due on 2026-03-31.",
			"Objective 95 over 28 days: score 94.9, 100.1 % of the room for bad results used. Its review was due on 2026-03-31.",
		},
		{
			Agreement{State: Broken, Score: 95, Window: "28d", Got: new(94.0)},
			"The agreement is broken: 94 over 28 days, agreed were 95.",
			"Objective 95 over 28 days: score 94.",
		},
	}
	for _, tt := range tests {
		if got := tt.agreement.words(); got != (Sides{tt.marketing, tt.it}) {
			t.Errorf("%s: got %q and %q", tt.agreement.State, got.Marketing, got.IT)
		}
	}
}

func TestIncident_Words(t *testing.T) {
	t.Parallel()
	i := Incident{Title: "Shop", Seconds: 720, Worst: probe.Poor}
	if got := i.words().IT; got != "Shop has been poor for 12 min." {
		t.Errorf("got %q", got)
	}
	i.Until = new(base)
	i.Causes = []Cause{{Title: "slow server", Points: 1, Marketing: "Slow.", IT: "See CPU."}}
	want := Sides{"Shop was poor for 12 min: 1 point lost to slow server. Slow.", "Shop was poor for 12 min: 1 point lost to slow server. See CPU."}
	if got := i.words(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
