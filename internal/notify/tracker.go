package notify

import (
	"maps"
	"slices"
	"time"
)

// alertTimeout is how long an alert is taken to fire after it was reported the last time. Alerts that fire are reported
// every minute; the rules may start anew with the agent meanwhile.
const alertTimeout = 5 * time.Minute

// tracker follows incidents from alert to alert. It sends nothing.
type tracker struct {
	wait, hold time.Duration
	here       string
	incidents  map[group]*incident
	altered    bool
}

// event is the beginning or the end of an incident.
type event struct {
	*incident
	ended bool
}

func newTracker(wait, hold time.Duration, here string) tracker {
	return tracker{wait: wait, hold: hold, here: here, incidents: make(map[group]*incident)}
}

// observe takes in what was said of an alert. It reports false when there is no room for it. What is for the record only is
// told to nobody: neither alone nor beside other alerts, nor does an incident last for it.
func (t *tracker) observe(a Alert, seen time.Time) bool {
	if a.Labels[severityLabel] == forTheRecord {
		return true
	}
	g, key := groupOf(a.Labels, t.here), fingerprint(a.Labels)
	i := t.incidents[g]
	if i == nil || i.Alerts[key] == nil {
		if !a.Ended.IsZero() {
			return true // of something that was never told
		}
		if t.alerts() >= mostAlerts {
			return false
		}
	}
	if i == nil {
		i = &incident{Group: g, Alerts: make(map[string]*alert)}
		t.incidents[g] = i
	}
	t.altered = i.report(a, key, seen) || t.altered
	return true
}

// changed reports whether anything but a repetition has happened since the last call.
func (t *tracker) changed() bool {
	changed := t.altered
	t.altered = false
	return changed
}

func (t *tracker) alerts() int {
	n := 0
	for _, i := range t.incidents {
		n += len(i.Alerts)
	}
	return n
}

// open counts the incidents that were told and have not ended.
func (t *tracker) open() int {
	n := 0
	for _, i := range t.incidents {
		if !i.Opened.IsZero() {
			n++
		}
	}
	return n
}

// step returns what happened until now, and when to look again.
func (t *tracker) step(now time.Time) (events []event, next time.Time) {
	var firing []*alert
	for _, i := range t.incidents {
		changed, at := i.expire(now, alertTimeout)
		t.altered = t.altered || changed
		next = soonest(next, at)
		firing = append(firing, i.firing()...)
	}
	inhibitor := newInhibitor(firing)
	for _, g := range slices.SortedFunc(maps.Keys(t.incidents), group.compare) {
		i := t.incidents[g]
		var at time.Time
		var happened bool
		if i.Opened.IsZero() {
			happened, at = t.gather(i, inhibitor, now)
		} else {
			happened, at = t.follow(i, inhibitor, now)
		}
		if happened {
			events = append(events, event{i, !i.Quiet.IsZero()})
		}
		next = soonest(next, at)
	}
	return events, next
}

// gather looks at an incident that was not told yet, and reports whether it is to be. What ends meanwhile is forgotten.
func (t *tracker) gather(i *incident, by *inhibitor, now time.Time) (opened bool, next time.Time) {
	i.forget(0)
	if len(i.Alerts) == 0 {
		delete(t.incidents, i.Group)
		return false, time.Time{}
	}
	var tellable []*alert
	for _, a := range i.Alerts {
		if !by.inhibits(a) {
			tellable = append(tellable, a)
		}
	}
	switch due := i.since.Add(t.wait); {
	case len(tellable) == 0:
		i.since = time.Time{}
		return false, time.Time{}
	case i.since.IsZero() && t.wait > 0:
		i.since = now
		return false, now.Add(t.wait)
	case now.Before(due):
		return false, due
	}
	if i.since.IsZero() {
		i.since = now
	}
	i.ID, i.Opened, i.Began = newID(i.Group, t.here, i.since), now, now
	for _, a := range tellable {
		a.Told = true
		i.Began = soonest(i.Began, a.Started)
	}
	i.Called = i.told()[0].headline()
	return true, time.Time{}
}

// follow looks at an incident that was told, and reports whether it has ended. An alert that is inhibited is no reason
// to tell of an incident, but none to say that it has ended either.
func (t *tracker) follow(i *incident, by *inhibitor, now time.Time) (ended bool, next time.Time) {
	i.forget(mostEnded)
	firing := i.firing()
	for _, a := range firing {
		if !a.Told && !by.inhibits(a) {
			a.Told = true
		}
	}
	switch {
	case len(firing) > 0:
		i.Quiet = time.Time{}
		return false, time.Time{}
	case i.Quiet.IsZero():
		i.Quiet = now
	}
	if due := i.Quiet.Add(t.hold); now.Before(due) {
		return false, due
	}
	delete(t.incidents, i.Group)
	return true, time.Time{}
}
