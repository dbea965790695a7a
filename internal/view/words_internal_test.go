package view

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
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
		young  bool
		want   string
	}{
		{"nothing measured", nil, []Cause{slow}, true, "Not measured."},
		{"perfect", &Score{Window: "5m", Score: 100, Up: 100}, nil, false, "Last 5 minutes: up 100 %, good or better 100 %."},
		{
			"two causes", &Score{Window: "1d", Score: 91.02, Up: 99.97},
			[]Cause{cause("slow_server", "slow server", 7.94), cause("broken_link", "broken link", 1.04)},
			false, "Last 24 hours: up 99.9 %, good or better 91 %. Points lost: slow server 8, broken link 1.",
		},
		{
			"four and the cap", &Score{Window: "28d", Score: 60.99, Up: 100},
			[]Cause{slow, link, link, link, weak},
			false, "Last 28 days: up 100 %, good or better 60.9 %. Points lost: slow server 8, broken link 1, other causes 2, one important part is weak 28.1.",
		},
		{
			"the cap alone", &Score{Window: "1h", Score: 71.99, Up: 100},
			[]Cause{weak},
			false, "Last hour: up 100 %, good or better 71.9 %. Points lost: one important part is weak 28.1.",
		},
		{
			"less than is printed", &Score{Window: "5m", Score: 98.98, Up: 100},
			[]Cause{link, cause("slow_server", "slow server", 0.02)},
			false, "Last 5 minutes: up 100 %, good or better 98.9 %. Points lost: broken link 1, slow server 0.1.",
		},
		{
			"nothing of it printed", &Score{Window: "5m", Score: 98.96, Up: 100},
			[]Cause{cause("broken_link", "broken link", 1.03), cause("slow_server", "slow server", 0.01)},
			false, "Last 5 minutes: up 100 %, good or better 98.9 %. Points lost: broken link 1.1.",
		},
		{"early", &Score{Window: "7d", Score: 99, Up: 100, Early: true}, []Cause{link}, false, "So far: up 100 %, good or better 99 %. Points lost: broken link 1."},
		{"young", &Score{Window: "5m", Score: 100, Up: 100}, nil, true, "So far: up 100 %, good or better 100 %."},
	}
	for _, tt := range tests {
		if got := gapWords(tt.score, tt.causes, tt.young); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestCauseWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		window  window
		points  float64
		check   probe.CheckID
		present probe.Rating
		want    string
	}{
		{"of what is poor", recent, 60, "slow_server", probe.Poor, "Slow."},
		{"of what is fair", recent, 30, "slow_server", probe.Fair, "Slow."},
		{"of what cannot be measured", daily, 3, "slow_server", probe.Unknown, "Slow."},
		{"of what is good", recent, 3.2, "slow_server", probe.Good, "In 4 of 100 results: Slow."},
		{"of what is excellent", recent, 3.0000000000001, "slow_server", probe.Excellent, "In 3 of 100 results: Slow."},
		{"of the day", daily, 1, "slow_server", probe.Excellent, "In 1 of 100 results of the last 24 hours: Slow."},
		{"of very few", recent, 0.99, "slow_server", probe.Excellent, "In fewer than 1 of 100 results: Slow."},
		{"of the cap", recent, 20, probe.WeakestTouchpoint, probe.Good, "Slow."},
	}
	for _, tt := range tests {
		f := &figures{window: tt.window}
		got := f.causeWords([]Cause{{Check: tt.check, Points: tt.points, Marketing: "Slow.", IT: "See CPU."}, {Marketing: "Other."}}, tt.present)
		if want := (Sides{tt.want, strings.Replace(tt.want, "Slow.", "See CPU.", 1)}); got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
	}
	var nothing *figures
	if got := nothing.causeWords(nil, probe.Good); got != (Sides{}) {
		t.Errorf("without causes: got %+v", got)
	}
	if got := (&figures{window: recent}).causeWords([]Cause{{Check: "gone", Points: 3}}, probe.Good); got != (Sides{}) {
		t.Errorf("of a check that nobody knows: got %+v", got)
	}
}

func TestParts_AddUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		score  float64
		points []float64
		want   []string
	}{
		{"nothing lost", 100, nil, []string{}},
		{"in order", 73.74, []float64{14.46, 11.8}, []string{"14.5", "11.8"}},
		{"each would be rounded up", 73.75, []float64{14.43, 11.82}, []string{"14.5", "11.8"}},
		{"the greatest rests", 40.05, []float64{19.96, 19.98, 20.01}, []string{"20", "20", "20"}},
		{"thirds", 0, []float64{100.0 / 3, 100.0 / 3, 100.0 / 3}, []string{"33.4", "33.3", "33.3"}},
		{"what is exact", 64.5, []float64{25, 10.5}, []string{"25", "10.5"}},
		{"almost perfect", 99.99, []float64{0.007, 0.003}, []string{"0.1", "0"}},
		{"a part of what is lost", 90, []float64{4, 3}, []string{"4", "3"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Parts(tt.score, tt.points)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	for range 1000 {
		points, lost := make([]float64, 1+random.IntN(12)), 0.0
		for i := range points {
			points[i] = random.Float64() * 8
			lost += points[i]
		}
		printed := []string{strings.TrimSuffix(Percent(100-lost), " %")}
		printed = append(printed, Parts(100-lost, points)...)
		sum := 0.0
		for i, text := range printed {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || i > 0 && (n < points[i-1]-0.1 || n > points[i-1]+0.1) {
				t.Fatalf("%v is printed as %q, error %v", points, printed, err)
			}
			sum += n
		}
		if math.Round(sum*1e6) != 100e6 {
			t.Fatalf("%q of %v are %v, want 100", printed, points, sum)
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
			"Too early to say whether the agreement holds: 2 d 2 h of 7 days measured so far.",
			"Objective 95 over 7 days: 2 d 2 h measured, 3 d 12 h needed.",
		},
		{
			Agreement{State: Kept, Score: 99.5, Window: "28d", Got: new(99.99), Left: new(0.98)},
			"The agreement holds: 99.9 over 28 days, 99.5 was agreed.",
			"Objective 99.5 over 28 days: score 99.9, 98 % of the room for bad results left.",
		},
		{
			Agreement{State: AtRisk, Score: 95, Window: "1d", Got: new(95.01), Left: new(0.002)},
			"The agreement is at risk: 95 over 24 hours, 95 was agreed, and little room is left.",
			"Objective 95 over 24 hours: score 95, 0.2 % of the room for bad results left.",
		},
		{
			Agreement{State: Broken, Score: 95, Window: "28d", Got: new(94.999), Left: new(-0.0002), Review: &review, Overdue: true},
			"The agreement is broken: 94.9 over 28 days, 95 was agreed. Its review was due on 2026-03-31.",
			"Objective 95 over 28 days: score 94.9, 100.1 % of the room for bad results used. Its review was due on 2026-03-31.",
		},
		{
			Agreement{State: Broken, Score: 95, Window: "28d", Got: new(94.0)},
			"The agreement is broken: 94 over 28 days, 95 was agreed.",
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
	slow := []Cause{{Title: "slow server", Points: 1, Marketing: "Slow.", IT: "See CPU."}}
	tests := []struct {
		incident      Incident
		marketing, it string
	}{
		{Incident{Seconds: 720}, "Shop has been poor for 12 min.", "Shop has been poor for 12 min."},
		{Incident{Seconds: 0}, "Shop became poor just now.", "Shop became poor just now."},
		{Incident{Seconds: 59, Causes: slow}, "Shop became poor just now: on average 1 point lost to slow server. Slow.", "Shop became poor just now: on average 1 point lost to slow server. See CPU."},
		{Incident{Seconds: 60}, "Shop has been poor for 1 min.", "Shop has been poor for 1 min."},
		{Incident{Seconds: 30, Until: new(base)}, "Shop was poor for 30 s.", "Shop was poor for 30 s."},
		{Incident{Seconds: 720, Until: new(base), Causes: slow}, "Shop was poor for 12 min: on average 1 point lost to slow server. Slow.", "Shop was poor for 12 min: on average 1 point lost to slow server. See CPU."},
	}
	for _, tt := range tests {
		tt.incident.Title, tt.incident.Worst = "Shop", probe.Poor
		if got := tt.incident.words(); got != (Sides{tt.marketing, tt.it}) {
			t.Errorf("got %+v, want %q and %q", got, tt.marketing, tt.it)
		}
	}
}
