package notify

import (
	"cmp"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// notice is what is told of an incident, as it was when it was decided to tell it.
type notice struct {
	ID      string    `json:"id"` // of the incident
	Group   group     `json:"group"`
	Ended   bool      `json:"ended,omitempty"`
	At      time.Time `json:"at"` // when it was decided
	Here    string    `json:"here"`
	Title   string    `json:"title"` // of the channel
	Called  string    `json:"called"`
	Started time.Time `json:"started"`
	Until   time.Time `json:"until,omitzero"` // when the last alert ended

	OwnerIT        string `json:"owner_it,omitempty"`
	OwnerMarketing string `json:"owner_marketing,omitempty"`
	IT             string `json:"it,omitempty"` // sentence of the worst alert for this side
	Marketing      string `json:"marketing,omitempty"`

	Alerts []told `json:"alerts"`         // the worst first
	More   int    `json:"more,omitempty"` // alerts that were left out of the list
}

// told is an alert as it is told.
type told struct {
	Name       string            `json:"name"`
	Severity   string            `json:"severity"`
	Headline   string            `json:"headline"`
	Started    time.Time         `json:"started"`
	Ended      time.Time         `json:"ended,omitzero"`
	Unreported bool              `json:"unreported,omitempty"`
	Labels     map[string]string `json:"labels"`
}

// Bounds of a message.
const (
	mostTold   = 20   // alerts
	mostLabels = 30   // of an alert
	mostText   = 2000 // bytes of a sentence
	mostLine   = 200  // bytes of a name, a title or a headline
)

// newNotice tells of an event that was decided now.
func newNotice(e event, here string, now time.Time) notice {
	alerts := e.told()
	worst := alerts[0]
	n := notice{
		ID: e.ID, Group: e.Group, Ended: e.ended, At: now, Here: line(here, mostLine), Called: e.Called,
		Title:          title(e.Group, alerts),
		OwnerIT:        first(alerts, "owner_it"),
		OwnerMarketing: first(alerts, "owner_marketing"),
		IT:             worst.Annotations["it"],
		Marketing:      worst.Annotations["marketing"],
		Started:        e.Began,
	}
	for _, a := range alerts {
		n.Started = soonest(n.Started, a.Started)
	}
	if e.ended {
		for _, a := range e.Alerts {
			if a.Ended.After(n.Until) {
				n.Until = a.Ended
			}
		}
	}
	for _, a := range alerts[:min(len(alerts), mostTold)] {
		n.Alerts = append(n.Alerts, a.tell())
	}
	n.More = len(alerts) - len(n.Alerts)
	return n
}

// title returns how people call what an incident is about.
func title(g group, alerts []*alert) string {
	if g.Channel == "" {
		return "Channelwatch at " + line(g.Agent, mostLine)
	}
	return line(cmp.Or(first(alerts, "title"), g.Channel), mostLine)
}

// first returns the first annotation of a name, and where there is none the first such label, as one line.
func first(alerts []*alert, name string) string {
	for _, a := range alerts {
		if value := a.Annotations[name]; value != "" {
			return value
		}
	}
	for _, a := range alerts {
		if value := a.Labels[name]; value != "" {
			return line(value, mostText)
		}
	}
	return ""
}

// headline says in a few words what is wrong.
func (a *alert) headline() string {
	return line(cmp.Or(a.Annotations["summary"], a.Labels[nameLabel], "an alert without a name"), mostLine)
}

func (a *alert) tell() told {
	t := told{
		Name: line(a.Labels[nameLabel], mostLine), Severity: line(a.Labels[severityLabel], mostLine), Headline: a.headline(),
		Started: a.Started, Ended: a.Ended, Unreported: a.Lost, Labels: make(map[string]string),
	}
	for name, value := range a.Labels {
		if len(t.Labels) < mostLabels {
			t.Labels[line(name, mostLine)] = line(value, mostLine)
		}
	}
	return t
}

// compareAlerts puts the worst alert first, and of the same severity what began earlier.
func compareAlerts(a, b *alert) int {
	return cmp.Or(
		severity(a.Labels[severityLabel])-severity(b.Labels[severityLabel]),
		a.Started.Compare(b.Started),
		strings.Compare(a.Labels[nameLabel], b.Labels[nameLabel]),
		strings.Compare(fingerprint(a.Labels), fingerprint(b.Labels)),
	)
}

// severity orders severities, the worst first.
func severity(of string) int {
	switch of {
	case "critical":
		return 0
	case "warning":
		return 1
	}
	return 2
}

// unreported says that an incident ended because nobody reports its last alerts any more.
func (n *notice) unreported() bool {
	if !n.Ended {
		return false
	}
	for _, a := range n.Alerts {
		if a.Unreported && a.Ended.Equal(n.Until) {
			return true
		}
	}
	return false
}

// line returns foreign text as one line of at most limit bytes and an ellipsis, without characters that control
// anything: neither lines nor headers nor the direction of what stands beside it.
func line(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r == '\v', r == '\f', r == '\u0085', r == '\u2028', r == '\u2029':
			return ' '
		case r < ' ', r >= '\u007f' && r < '\u00a0', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return probe.Clip(strings.Join(strings.Fields(text), " "), limit)
}
