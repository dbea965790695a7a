package notify

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// look is a word with its colour, as it stands on every page.
type look struct {
	Word string
	Fill string // #rrggbb
	Text string // colour of the word on it
}

// looks of a rating, which is what an alert of the bundled rules is about, and of alerts that are about none.
func lookPoor() look  { return look{"Poor", "#C8374B", "#FFFFFF"} }
func lookFair() look  { return look{"Fair", "#F0BE4A", "#1B1F24"} }
func lookEnded() look { return look{"Ended", "#6B7785", "#FFFFFF"} }

// look returns how the notice looks. That an incident has ended says nothing about the rating now.
func (n *notice) look() look {
	if n.Ended {
		return lookEnded()
	}
	switch worst := n.Alerts[0]; {
	case worst.Name == "ChannelPoor":
		return lookPoor()
	case worst.Name == "ChannelDegraded":
		return lookFair()
	case worst.Severity == "critical":
		return look{"Critical", lookPoor().Fill, lookPoor().Text}
	}
	return look{"Warning", lookFair().Fill, lookFair().Text}
}

// form is how times and links are written.
type form struct {
	pages string // URL of the agent's page without the slash at its end; empty for none
	zone  *time.Location
}

// link returns the page of what the notice is about; empty for none.
func (f form) link(n *notice) string {
	switch {
	case f.pages == "":
		return ""
	case n.Group.Channel != "":
		return f.pages + "/channels/" + url.PathEscape(n.Group.Channel)
	}
	return f.pages + "/"
}

// subject says in one line what a message is about.
func subject(n *notice) string {
	headline := n.Alerts[0].Headline
	switch {
	case n.unreported():
		return fmt.Sprintf("No longer reported after %s: %s", span(n.Until.Sub(n.Started)), headline)
	case n.Ended:
		return fmt.Sprintf("Ended after %s: %s", span(n.Until.Sub(n.Started)), headline)
	}
	return headline
}

// when says since when, and until when.
func (f form) when(n *notice) string {
	if !n.Ended {
		return "Since " + f.time(n.Started)
	}
	return fmt.Sprintf("From %s until %s (%s)", f.time(n.Started), f.time(n.Until), span(n.Until.Sub(n.Started)))
}

// remarks say what the rest of a message does not. Late is a message about an end that nobody was told the beginning of.
func (f form) remarks(n *notice, late bool) []string {
	var all []string
	if n.unreported() {
		all = append(all, "What was wrong is no longer reported. That does not say that it is good again: it may have left the configuration.")
	}
	if late {
		all = append(all, "The message about its beginning could not be delivered.")
	} else if n.Ended && n.Called != n.Alerts[0].Headline {
		all = append(all, fmt.Sprintf("It was announced as: %s.", strings.TrimSuffix(n.Called, ".")))
	}
	return all
}

// alert describes one alert of a notice in a line.
func (f form) alert(a told, n *notice) string {
	text := a.Headline + " (" + strings.Join(slices.DeleteFunc([]string{a.Name, a.Severity}, func(s string) bool { return s == "" }), ", ") + ")"
	if !n.Ended {
		return text + " since " + f.time(a.Started)
	}
	end := a.Ended
	if end.IsZero() {
		end = n.Until
	}
	return fmt.Sprintf("%s from %s until %s", text, f.time(a.Started), f.time(end))
}

func (f form) time(t time.Time) string { return t.In(f.zone).Format("Mon 2 Jan 2006 15:04 MST") }

// span writes how long something took in its two greatest units.
func span(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
}
