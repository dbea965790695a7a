package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Word returns the rating as it is printed everywhere.
func Word(r probe.Rating) string {
	text := r.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// rounding is how far a number may be from a decimal that it stands for.
const rounding = 1e-9

// Percent writes a score with one decimal at most. It rounds down: text never claims more than the number, and only
// what is 100 reads 100 %.
func Percent(score float64) string { return decimal(math.Floor(score*10+rounding)/10) + " %" }

// Points writes points lost with one decimal at most. It rounds up, to the worse.
func Points(points float64) string { return decimal(math.Ceil(points*10-rounding) / 10) }

func decimal(v float64) string {
	if v == 0 {
		v = 0 // rounding up makes -0
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Lasting writes how long something has been so, in at most two units; it leaves off what has not passed yet.
func Lasting(d time.Duration) string {
	days, hours, minutes := int(d/day), int(d%day/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(int(d/time.Second), 0))
	case days > 0:
		return units(days, "d", hours, "h")
	case hours > 0:
		return units(hours, "h", minutes, "min")
	}
	return units(minutes, "min", int(d%time.Minute/time.Second), "s")
}

// units writes the smaller unit only beside few of the greater.
func units(n int, unit string, rest int, small string) string {
	if rest == 0 || n >= 10 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, rest, small)
}

// span names a window for people.
func (w window) span() string {
	switch w {
	case recent:
		return "5 minutes"
	case hourly:
		return "hour"
	case daily:
		return "24 hours"
	case weekly:
		return "7 days"
	}
	return "28 days"
}

// gapWords says what an uptime monitor would see, what customers get, and what lies between, such as "Last 24 hours:
// up 99.9 %, good or better 91 %: 8 points are slow server, 1 more because one important part is weak." in full.
func gapWords(s *Score, causes []Cause) string {
	if s == nil {
		return "Not measured."
	}
	var b strings.Builder
	when := "Last " + window(s.Window).span()
	if s.Early {
		when = "So far"
	}
	fmt.Fprintf(&b, "%s: up %s, good or better %s", when, Percent(s.Up), Percent(s.Score))
	for i, c := range causes {
		switch {
		case c.Check == probe.WeakestTouchpoint && i == 0:
			fmt.Fprintf(&b, ": %s because one important part is weak", points(c.Points))
		case c.Check == probe.WeakestTouchpoint:
			fmt.Fprintf(&b, ", %s more because one important part is weak", Points(c.Points))
		case i == 0:
			fmt.Fprintf(&b, ": %s %s %s", points(c.Points), are(c.Points), c.Title)
		case i == 1:
			fmt.Fprintf(&b, ", %s %s %s", Points(c.Points), are(c.Points), c.Title)
		}
	}
	b.WriteString(".")
	return b.String()
}

// points writes points lost with their unit.
func points(n float64) string {
	if Points(n) == "1" {
		return "1 point"
	}
	return Points(n) + " points"
}

func are(n float64) string {
	if Points(n) == "1" {
		return "is"
	}
	return "are"
}

// sinceWords says how long a channel has been as it is; nothing in the first minute.
func sinceWords(s side, since, at time.Time, atLeast bool) string {
	if at.Sub(since) < time.Minute {
		return ""
	}
	what := [...]string{unknown: "Not measured", below: "Below good", good: "Good or better"}[s]
	least := ""
	if atLeast {
		least = "at least "
	}
	return what + " for " + least + Lasting(at.Sub(since))
}

// causeWords is the sentence of what costs most.
func causeWords(causes []Cause) Sides {
	if len(causes) == 0 {
		return Sides{}
	}
	c := causes[0]
	return Sides{Marketing: c.Marketing, IT: c.IT}
}

// words says how an agreement stands.
func (a *Agreement) words() Sides {
	w := window(a.Window).span()
	agreed := decimal(a.Score)
	var got string
	if a.Got != nil {
		got = strings.TrimSuffix(Percent(*a.Got), " %")
	}
	var s Sides
	switch a.State {
	case NoAgreement:
		return Sides{
			Marketing: "No agreement: nobody has said yet how good is good enough.",
			IT:        "No agreement: the channel has no objective.",
		}
	case TooEarly:
		measured := Percent(100 * a.Coverage)
		s = Sides{
			Marketing: fmt.Sprintf("Too early to say whether the agreement holds: %s of %s measured so far.", measured, w),
			IT:        fmt.Sprintf("Objective %s over %s: %s of the window measured, 50 %% needed.", agreed, w, measured),
		}
	case Kept:
		s.Marketing = fmt.Sprintf("The agreement holds: %s over %s, agreed were %s.", got, w, agreed)
	case AtRisk:
		s.Marketing = fmt.Sprintf("The agreement is at risk: %s over %s, agreed were %s, and little room is left.", got, w, agreed)
	case Broken:
		s.Marketing = fmt.Sprintf("The agreement is broken: %s over %s, agreed were %s.", got, w, agreed)
	}
	if s.IT == "" {
		s.IT = fmt.Sprintf("Objective %s over %s: score %s%s.", agreed, w, got, a.room())
	}
	if a.Overdue {
		due := " Its review was due on " + a.Review.Format(time.DateOnly) + "."
		s.Marketing, s.IT = s.Marketing+due, s.IT+due
	}
	return s
}

// room says how much of the room for bad results is left.
func (a *Agreement) room() string {
	switch {
	case a.Left == nil:
		return ""
	case *a.Left < 0:
		return fmt.Sprintf(", %s of the room for bad results used", strings.TrimSpace(Points(100*(1-*a.Left))+" %"))
	}
	return fmt.Sprintf(", %s of the room for bad results left", Percent(100**a.Left))
}

// words says what an incident was.
func (i *Incident) words() Sides {
	lasted := "was"
	if i.Until == nil {
		lasted = "has been"
	}
	what := fmt.Sprintf("%s %s %s for %s", i.Title, lasted, i.Worst, Lasting(time.Duration(i.Seconds*float64(time.Second))))
	if len(i.Causes) == 0 {
		return Sides{Marketing: what + ".", IT: what + "."}
	}
	c := i.Causes[0]
	cost := fmt.Sprintf("%s lost to %s", points(c.Points), c.Title)
	return Sides{Marketing: what + ": " + cost + ". " + c.Marketing, IT: what + ": " + cost + ". " + c.IT}
}
