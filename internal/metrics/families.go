package metrics

import (
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// durationBounds returns the classic buckets of probe_duration_seconds: the default limits of pages (0.8, 1.8, 4 s)
// and of calls (0.3, 1, 3 s), so that shares within a limit are exact, and a few around them.
func durationBounds() []float64 { return []float64{0.02, 0.1, 0.3, 0.8, 1, 1.8, 3, 4, 10, 30} }

// allFamilies returns the families of channels and touchpoints, sorted by name.
func (m *Metrics) allFamilies() []family {
	families := []family{
		m.experienceTotal(), m.rechecksTotal(), m.dimensionRating(), m.probeDuration(), m.probePhase(),
		m.touchpointInfo(), m.touchpointState(), m.channelInfo(), m.hostServes(), m.channelConfigured(), m.shardInfo(),
		m.channelGauge("channel_objective_ratio", "ratio", "Score that both owners agreed on, as a ratio.",
			func(c *probe.Channel) (float64, bool) { return c.Objective.Score / 100, c.Objective.Score > 0 }),
		m.channelGauge("channel_objective_window_seconds", "seconds", "Window over which the agreed score is taken.",
			func(c *probe.Channel) (float64, bool) { return c.Objective.Window.Seconds(), c.Objective.Window > 0 }),
		m.channelGauge("channel_objective_review_timestamp_seconds", "seconds", "Day on which both owners look at the agreement again, in Unix time.",
			func(c *probe.Channel) (float64, bool) {
				return float64(c.Objective.Review.Unix()), !c.Objective.Review.IsZero()
			}),
		m.touchpointGauge("touchpoint_rating", "", "Rating of the last result: 0 unknown, 1 poor, 2 fair, 3 good, 4 excellent.",
			func(t *touchpoint) float64 { return float64(t.rating) }),
		m.touchpointGauge("touchpoint_weight", "", "Weight of the touchpoint in the score of its channel.",
			func(t *touchpoint) float64 { return t.def.Weight }),
		m.touchpointGauge("touchpoint_interval_seconds", "seconds", "Time between two probes of the touchpoint.",
			func(t *touchpoint) float64 { return t.def.Every.Seconds() }),
		m.touchpointGauge("probe_last_timestamp_seconds", "seconds", "Start of the last probe, in Unix time.",
			func(t *touchpoint) float64 { return t.last }),
	}
	for _, metric := range m.ofKinds {
		families = append(families, metric.family())
	}
	for i := range families {
		for _, l := range m.constant {
			families[i].Labels = append(families[i].Labels, l.name)
		}
		slices.Sort(families[i].Labels)
	}
	slices.SortStableFunc(families, func(a, b family) int { return strings.Compare(a.Name, b.Name) })
	return families
}

// shape returns the shape of a touchpoint's series with the constant labels.
func (m *Metrics) shape(name string, fixed ...label) *shape {
	return newShape(name, append(fixed, m.constant...)...)
}

// newExperience returns the counter of results with an explanation.
func (m *Metrics) newExperience(e experience) *experienceShape {
	return &experienceShape{
		e, m.shape(prefix+"experience_total", e.labels()...), m.shape(prefix+"touchpoint_state", e.labels()...),
	}
}

func (m *Metrics) experienceTotal() family {
	return family{
		Family{
			Name: prefix + "experience_total", Type: Counter,
			Labels: []string{channelLabel, touchpointLabel, "rating", "dimension", "cause"},
			Help:   "Results by rating; below good with the dimension and the check that decided it, unknown with why it could not be measured.",
		},
		perTouchpoint(func(out sink, t *touchpoint) {
			for i, of := range m.good {
				out.sample(of.shape, t, float64(t.good[i]))
			}
			for i := range t.causes {
				out.sample(t.causes[i].of.shape, t, float64(t.causes[i].n))
			}
		}),
	}
}

// touchpointState says in one series what decided the last result. The rules let it stand for touchpoints that are
// probed too rarely for a rate, and alerts and pages read from it why a touchpoint is what it is.
func (m *Metrics) touchpointState() family {
	return family{
		Family{
			Name: prefix + "touchpoint_state", Type: Gauge,
			Labels: []string{channelLabel, touchpointLabel, "rating", "dimension", "cause"},
			Help:   "Verdict on the last result, with the labels of experience_total; always 1.",
		},
		perTouchpoint(func(out sink, t *touchpoint) {
			of := t.state
			if of == nil {
				of = m.unseen
			}
			out.sample(of.state, t, 1)
		}),
	}
}

func (m *Metrics) rechecksTotal() family {
	name := prefix + "rechecks_total"
	shapes := []*shape{m.shape(name, label{"confirmed", "false"}), m.shape(name, label{"confirmed", "true"})}
	return family{
		Family{
			Name: name, Type: Counter, Labels: []string{channelLabel, touchpointLabel, "confirmed"},
			Help: "Second looks at a poor result by whether they confirmed it; they are not part of the score.",
		},
		perTouchpoint(func(out sink, t *touchpoint) {
			for i, s := range shapes {
				out.sample(s, t, float64(t.rechecks[i]))
			}
		}),
	}
}

func (m *Metrics) dimensionRating() family {
	name := prefix + "dimension_rating"
	var shapes []*shape
	for _, d := range probe.Dimensions() {
		shapes = append(shapes, m.shape(name, label{"dimension", d.String()}))
	}
	return family{
		Family{
			Name: name, Type: Gauge, Labels: []string{channelLabel, touchpointLabel, "dimension"},
			Help: "Rating of the last result in each dimension: 0 not measured, 1 poor, 2 fair, 3 good, 4 excellent.",
		},
		perTouchpoint(func(out sink, t *touchpoint) {
			for i, s := range shapes {
				out.sample(s, t, float64(t.ratings[i]))
			}
		}),
	}
}

func (m *Metrics) probeDuration() family {
	name := prefix + "probe_duration_seconds"
	shapes := newHistogramShape(name, durationBounds(), m.constant...)
	return family{
		Family{
			Name: name, Type: Histogram, Labels: []string{channelLabel, touchpointLabel}, Unit: "seconds",
			Help: "Time that a customer would have waited, of all results that could be measured, failures included.",
		},
		perTouchpoint(func(out sink, t *touchpoint) { out.histogram(shapes, t, &t.duration) }),
	}
}

func (m *Metrics) probePhase() family {
	name := prefix + "probe_phase_seconds"
	var shapes [probe.NumPhases]*summaryShape
	for p := range probe.NumPhases {
		shapes[p] = newSummaryShape(name, append([]label{{"phase", p.String()}}, m.constant...)...)
	}
	return family{
		Family{
			Name: name, Type: Summary, Labels: []string{channelLabel, touchpointLabel, "phase"}, Unit: "seconds",
			Help: "Time by phase, counted when the probe reached the phase.",
		},
		perTouchpoint(func(out sink, t *touchpoint) {
			for i, p := range t.layout.phases {
				out.summary(shapes[p], t, t.phases[i].sum.Seconds(), t.phases[i].count)
			}
		}),
	}
}

// touchpointGauge returns a family with one gauge for each touchpoint.
func (m *Metrics) touchpointGauge(name, unit, help string, value func(t *touchpoint) float64) family {
	s := m.shape(prefix + name)
	return family{
		Family{Name: prefix + name, Type: Gauge, Labels: []string{channelLabel, touchpointLabel}, Unit: unit, Help: help},
		perTouchpoint(func(out sink, t *touchpoint) { emitPresent(out, s, t, value(t)) }),
	}
}

func (m *Metrics) channelInfo() family {
	return family{
		Family{
			Name: prefix + "channel_info", Type: Gauge,
			Labels: []string{channelLabel, "owner_it", "owner_marketing", "title", "type"},
			Help:   "What the configuration says of a channel; always 1.",
		},
		func(out sink, s *set) {
			for _, c := range s.channels {
				m.row(out, 1, label{channelLabel, c.Name}, label{"owner_it", c.OwnerIT}, label{"owner_marketing", c.OwnerMkt},
					label{"title", c.Title}, label{"type", string(c.Type)})
			}
		},
	}
}

// channelGauge returns a family with one gauge for each channel that has the value.
func (m *Metrics) channelGauge(name, unit, help string, value func(*probe.Channel) (float64, bool)) family {
	return family{
		Family{Name: prefix + name, Type: Gauge, Labels: []string{channelLabel}, Unit: unit, Help: help},
		func(out sink, s *set) {
			for _, c := range s.channels {
				if v, ok := value(c); ok {
					m.row(out, v, label{channelLabel, c.Name})
				}
			}
		},
	}
}

func (m *Metrics) hostServes() family {
	return family{
		Family{
			Name: prefix + "host_serves_channel", Type: Gauge, Labels: []string{channelLabel},
			Help: "Channels that run on this host; always 1.",
		},
		func(out sink, s *set) {
			for _, name := range s.serves {
				m.row(out, 1, label{channelLabel, name})
			}
		},
	}
}

// row emits a series that has no shape.
func (m *Metrics) row(out sink, value float64, labels ...label) {
	out.row(sortLabels(append(labels, m.constant...)), value)
}
