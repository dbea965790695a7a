package notify

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// incident is a group of which alerts fire or fired a moment ago.
type incident struct {
	ID     string            `json:"id"` // different for every incident everywhere
	Group  group             `json:"group"`
	Opened time.Time         `json:"opened"`         // when it was told; zero before
	Began  time.Time         `json:"began"`          // when the first alert that is told began to fire
	Quiet  time.Time         `json:"quiet,omitzero"` // when the last alert had ended; zero while one fires
	Called string            `json:"called"`         // headline of the message that opened it
	Alerts map[string]*alert `json:"alerts"`         // by fingerprint; those that ended as well, once it is open

	since time.Time // when the first alert was seen that is to be told; zero for none
}

// alert is an alert in an incident.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`    // of when it fired last
	Started     time.Time         `json:"started"`        // for the first time in the incident
	Ended       time.Time         `json:"ended,omitzero"` // zero while it fires
	Lost        bool              `json:"lost,omitempty"` // nobody said that it ended, it is just no longer reported
	Told        bool              `json:"told,omitempty"` // fired while the incident was open, and was not inhibited

	current time.Time // when it began to fire the last time
	seen    time.Time // when it was reported the last time
}

func (a *alert) fires() bool { return a.Ended.IsZero() }

// Bounds of what is kept.
const (
	mostAlerts = 10_000 // of all incidents together
	mostEnded  = 100    // alerts of an open incident that have ended
)

// report takes in what was said of an alert of the incident, and reports whether it changed the incident.
func (i *incident) report(a Alert, key string, seen time.Time) bool {
	if a.Started.IsZero() {
		a.Started = seen
	}
	known := i.Alerts[key]
	if known == nil {
		if !a.Ended.IsZero() {
			return false
		}
		i.Alerts[key] = &alert{Labels: a.Labels, Annotations: sentences(a.Annotations), Started: a.Started, current: a.Started, seen: seen}
		return true
	}
	known.seen = seen
	if a.Ended.IsZero() {
		relapse := !known.fires()
		known.Annotations, known.current = sentences(a.Annotations), a.Started
		known.Ended, known.Lost = time.Time{}, false
		return relapse
	}
	// An end is repeated for a while, even when the alert fires again by now.
	if !known.fires() || a.Ended.Before(known.current) {
		return false
	}
	known.Ended = a.Ended
	return true
}

// sentences returns the annotations that messages print, in the length in which they print them.
func sentences(annotations map[string]string) map[string]string {
	kept := make(map[string]string)
	for _, name := range []string{"summary", "marketing", "it", "owner_marketing", "owner_it"} {
		if text := line(annotations[name], mostText); text != "" {
			kept[name] = text
		}
	}
	return kept
}

// expire ends alerts that nobody has reported for timeout, and returns whether there were such. The next will be at
// next; never, when it is zero.
func (i *incident) expire(now time.Time, timeout time.Duration) (changed bool, next time.Time) {
	for _, a := range i.Alerts {
		switch {
		case !a.fires():
		case now.Sub(a.seen) >= timeout:
			a.Ended, a.Lost, changed = a.seen, true, true
		default:
			next = soonest(next, a.seen.Add(timeout))
		}
	}
	return changed, next
}

// firing returns the alerts that fire.
func (i *incident) firing() []*alert {
	var all []*alert
	for _, a := range i.Alerts {
		if a.fires() {
			all = append(all, a)
		}
	}
	return all
}

// forget drops alerts that ended until at most keep are left of them: those that are not told, and then those that ended
// the longest ago.
func (i *incident) forget(keep int) {
	var ended []string
	for key, a := range i.Alerts {
		if !a.fires() {
			ended = append(ended, key)
		}
	}
	if len(ended) <= keep {
		return
	}
	slices.SortFunc(ended, func(a, b string) int {
		x, y := i.Alerts[a], i.Alerts[b]
		if x.Told != y.Told {
			if y.Told {
				return -1
			}
			return 1
		}
		return cmp.Or(x.Ended.Compare(y.Ended), strings.Compare(a, b))
	})
	for _, key := range ended[:len(ended)-keep] {
		delete(i.Alerts, key)
	}
}

// told returns the alerts that are told, the worst first.
func (i *incident) told() []*alert {
	all := slices.DeleteFunc(slices.Collect(maps.Values(i.Alerts)), func(a *alert) bool { return !a.Told })
	slices.SortFunc(all, compareAlerts)
	return all
}

// newID returns an identifier for an incident that was first seen at since by the agent at here.
func newID(g group, here string, since time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", g.Channel, g.Agent, here, since.UnixNano()))
	return fmt.Sprintf("%x", sum[:10])
}
