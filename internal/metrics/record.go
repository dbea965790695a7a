package metrics

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// Record counts a result and its verdict and keeps its times and measurements. Results rated unknown are counted, but
// not timed: they say nothing about the channel. A touchpoint that was not applied is ignored, so that a probe that
// ends after a reload does no harm. Record neither keeps result nor allocates once a touchpoint has settled.
func (m *Metrics) Record(tp *probe.Touchpoint, result *probe.Result, verdict quality.Verdict) {
	t := m.set.Load().byKey[keyOf(tp)]
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.retired {
		return
	}
	m.countLocked(t, &verdict)
	t.recordLocked(result, &verdict)
}

// Aside takes in what a result that counts for nothing says of the way to the channel, such as that a receiver had to
// connect again: the next result does not know it.
func (m *Metrics) Aside(tp *probe.Touchpoint, result *probe.Result) {
	t := m.set.Load().byKey[keyOf(tp)]
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.retired {
		t.asideLocked(result)
	}
}

// Rechecked counts the second look at a poor result: whether it confirmed it for alerts. The score does not know it.
func (m *Metrics) Rechecked(tp *probe.Touchpoint, confirmed bool) {
	t := m.set.Load().byKey[keyOf(tp)]
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if confirmed {
		t.rechecks[1]++
	} else {
		t.rechecks[0]++
	}
}

// countLocked counts a verdict exactly once, or rejects a new series when there is no room for it.
func (m *Metrics) countLocked(t *touchpoint, verdict *quality.Verdict) {
	if verdict.Rating >= probe.Good {
		t.good[verdict.Rating-probe.Good]++
		t.state = m.good[verdict.Rating-probe.Good]
		return
	}
	e := experience{rating: verdict.Rating, cause: verdict.Cause}
	if verdict.Rating != probe.Unknown {
		e.dimension = verdict.Dimension.String()
	}
	counter := t.findLocked(e)
	t.state = m.notMeasured
	if of, known := m.experiences[e]; known {
		t.state = of
	}
	if counter == nil {
		if counter = m.bearLocked(t, e); counter == nil {
			return
		}
	}
	counter.n++
}

// bearLocked returns the counter of an explanation that has not struck before. One outside of the catalogue is a
// mistake of a kind and counts as not measured, as it does in the catalogue.
func (m *Metrics) bearLocked(t *touchpoint, e experience) *causeCount {
	of, known := m.experiences[e]
	if !known {
		of = m.notMeasured
		if counter := t.findLocked(of.experience); counter != nil {
			return counter
		}
	}
	if !m.budget.admit(1) {
		m.reject(1)
		return nil
	}
	t.causes = append(t.causes, causeCount{of: of})
	return &t.causes[len(t.causes)-1]
}
