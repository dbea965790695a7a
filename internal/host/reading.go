package host

import "strings"

// Type says how a metric's values behave.
type Type uint8

// The types.
const (
	Gauge   Type = iota // goes up and down
	Counter             // only grows, until the host or the process that it counts for restarts
)

// Label is one name and value that tells series of a metric apart.
type Label struct {
	Name  string
	Value string
}

// Desc declares one metric of this package.
type Desc struct {
	Name   string // without the channelwatch_ prefix; ends in its unit
	Help   string // one sentence without a final period, as Prometheus shows it
	Type   Type
	Labels []string // names in the order in which collectors give their values
}

// Reading is one value of one metric at the time of a collection.
type Reading struct {
	Name   string // without the channelwatch_ prefix
	Help   string
	Type   Type
	Labels []Label // sorted by name; nil when the metric has none
	Value  float64 // seconds, bytes, a ratio from 0 to 1, or a plain count
}

// gauge and counter keep the tables of declarations short.
func gauge(name, help string, labels ...string) Desc {
	return Desc{Name: name, Help: help, Type: Gauge, Labels: labels}
}

func counter(name, help string, labels ...string) Desc {
	return Desc{Name: name, Help: help, Type: Counter, Labels: labels}
}

// sample is a value as a collector gives it.
type sample struct {
	name   string
	value  float64
	values []string // of the labels
}

// samples gathers what one collector read and bounds the number of its label sets.
type samples struct {
	list    []sample
	limit   int
	kept    map[string]bool // label values joined: whether they are within the limit
	dropped int             // label sets beyond the limit
}

func newSamples(limit int) *samples { return &samples{limit: limit, kept: make(map[string]bool)} }

// add takes one value. Collectors add in a stable order, so that the same label sets survive the limit every time.
func (s *samples) add(name string, value float64, values ...string) {
	if len(values) > 0 && !s.admit(strings.Join(values, "\x00")) {
		return
	}
	s.list = append(s.list, sample{name: name, value: value, values: values})
}

func (s *samples) admit(set string) bool {
	kept, seen := s.kept[set]
	if !seen {
		kept = len(s.kept)-s.dropped < s.limit
		s.kept[set] = kept
		if !kept {
			s.dropped++
		}
	}
	return kept
}
