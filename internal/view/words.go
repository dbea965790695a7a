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

// gapWords says what an uptime monitor would see, what customers get, and what lies between, such as "Last 24 hours: up
// 99.9 %, good or better 91 %. Points lost: slow server 8, one important part is weak 1." in full. What it lists adds up.
func gapWords(s *Score, causes []Cause, young bool) string {
	if s == nil {
		return "Not measured."
	}
	when := "Last " + window(s.Window).span()
	if s.Early || young {
		when = "So far"
	}
	text := fmt.Sprintf("%s: up %s, good or better %s.", when, Percent(s.Up), Percent(s.Score))
	if lost := lostWords(s.Score, causes); len(lost) > 0 {
		text += " Points lost: " + strings.Join(lost, ", ") + "."
	}
	return text
}

// named is how many causes a sentence names beside the cap of the weakest touchpoint.
const named = 2

// lostWords lists points lost.
func lostWords(score float64, causes []Cause) []string {
	var lost []string
	weakest, others := 0, 0
	for i, n := range tenths(score, pointsLost(causes)) {
		switch {
		case causes[i].Check == probe.WeakestTouchpoint:
			weakest = n
		case i >= named:
			others += n
		case n > 0:
			lost = append(lost, causes[i].Title+" "+tenth(n))
		}
	}
	if others > 0 {
		lost = append(lost, "other causes "+tenth(others))
	}
	if weakest > 0 {
		lost = append(lost, "one important part is weak "+tenth(weakest))
	}
	return lost
}

func pointsLost(causes []Cause) []float64 {
	points := make([]float64, len(causes))
	for i, c := range causes {
		points[i] = c.Points
	}
	return points
}

// points writes points lost with their unit.
func points(n float64) string {
	if Points(n) == "1" {
		return "1 point"
	}
	return Points(n) + " points"
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

// causeWords is the sentence of what costs most. Of what is good nevertheless it says first in how many results it is so:
// a sentence alone reads as if everything had failed.
func (f *figures) causeWords(causes []Cause, present probe.Rating) Sides {
	if len(causes) == 0 {
		return Sides{}
	}
	c := causes[0]
	if sideOf(present) != good || c.Check == probe.WeakestTouchpoint || c.Marketing == "" {
		return Sides{Marketing: c.Marketing, IT: c.IT}
	}
	share := "fewer than 1"
	if n := math.Ceil(c.Points - rounding); n > 1 || c.Points >= 1 {
		share = decimal(n)
	}
	if share += " of 100 results"; f.window != recent {
		share += " of the last " + f.window.span()
	}
	return Sides{Marketing: "In " + share + ": " + c.Marketing, IT: "In " + share + ": " + c.IT}
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
		whole := window(a.Window).length()
		measured := Lasting(time.Duration(a.Coverage * float64(whole)))
		s = Sides{
			Marketing: fmt.Sprintf("Too early to say whether the agreement holds: %s of %s measured so far.", measured, w),
			IT:        fmt.Sprintf("Objective %s over %s: %s measured, %s needed.", agreed, w, measured, Lasting(whole/2)),
		}
	case Kept:
		s.Marketing = fmt.Sprintf("The agreement holds: %s over %s, %s was agreed.", got, w, agreed)
	case AtRisk:
		s.Marketing = fmt.Sprintf("The agreement is at risk: %s over %s, %s was agreed, and little room is left.", got, w, agreed)
	case Broken:
		s.Marketing = fmt.Sprintf("The agreement is broken: %s over %s, %s was agreed.", got, w, agreed)
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

// words says what an incident was. Its causes are those on average.
func (i *Incident) words() Sides {
	lasted := time.Duration(i.Seconds * float64(time.Second))
	what := fmt.Sprintf("%s was %s for %s", i.Title, i.Worst, Lasting(lasted))
	switch {
	case i.Until == nil && lasted < time.Minute:
		what = fmt.Sprintf("%s became %s just now", i.Title, i.Worst)
	case i.Until == nil:
		what = fmt.Sprintf("%s has been %s for %s", i.Title, i.Worst, Lasting(lasted))
	}
	if len(i.Causes) == 0 {
		return Sides{Marketing: what + ".", IT: what + "."}
	}
	c := i.Causes[0]
	cost := fmt.Sprintf("on average %s lost to %s", points(c.Points), c.Title)
	return Sides{Marketing: what + ": " + cost + ". " + c.Marketing, IT: what + ": " + cost + ". " + c.IT}
}
