package metrics

import (
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// prefix starts the name of every series that is not of the Go runtime or the process.
const prefix = "channelwatch_"

// label is one label of a series.
type label struct{ name, value string }

// The labels that differ from touchpoint to touchpoint; all others of a shape are fixed.
const (
	channelLabel    = "channel"
	touchpointLabel = "touchpoint"
)

// shape is what the same series of all touchpoints have in common: its labels, and its line in the text formats cut
// at the two values that differ. It is rendered once, so that a line at a scrape is five copies and a number.
type shape struct {
	name   string
	labels []label   // sorted by name; channel and touchpoint without value
	before string    // name and labels up to the value of channel
	middle string    // labels between the values of channel and touchpoint
	after  string    // the rest of the line up to the value of the sample
	wire   [3][]byte // fixed labels before channel, between it and touchpoint, and after that, as protocol buffers
}

// newShape renders a shape of a series of one touchpoint with the fixed labels.
func newShape(name string, fixed ...label) *shape {
	s := &shape{name: name, labels: sortLabels(append(slices.Clone(fixed), label{channelLabel, ""}, label{touchpointLabel, ""}))}
	line, segment := name+"{", 0
	for i, l := range s.labels {
		if i > 0 {
			line += ","
		}
		line += l.name + `="`
		switch l.name {
		case channelLabel:
			s.before, line, segment = line, "", 1
		case touchpointLabel:
			s.middle, line, segment = line, "", 2
		default:
			s.wire[segment] = appendLabelWire(s.wire[segment], l.name, l.value)
		}
		line += escapeValue(l.value) + `"`
	}
	s.after = line + "} "
	return s
}

// withBucket returns the shape of the series with a further label le, which the text formats put last.
func (s *shape) withBucket(le string) *shape {
	c := *s
	c.labels = sortLabels(append(slices.Clone(s.labels), label{bucketLabel, le}))
	c.after = strings.TrimSuffix(c.after, "} ") + `,le="` + le + `"} `
	return &c
}

func sortLabels(labels []label) []label {
	slices.SortFunc(labels, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return labels
}

// escapeValue escapes a label value for both text formats. It returns the same string when nothing is to escape.
func escapeValue(s string) string {
	if !strings.ContainsAny(s, "\\\n\"") {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(s)
}

// experience is the part of experience_total that explains a result.
type experience struct {
	rating    probe.Rating
	dimension string
	cause     probe.CheckID
}

func (e experience) labels() []label {
	return []label{{"rating", e.rating.String()}, {"dimension", e.dimension}, {"cause", string(e.cause)}}
}

// experiences returns all explanations of a result below good, and of an unknown one, that a check can be the cause
// of. A check that stopped the probe makes a result poor whatever its cap; slowness is rated by limits.
func experiences(check probe.Check) []experience {
	dimension := check.Dimension.String()
	all := []experience{{probe.Poor, dimension, check.ID}}
	switch {
	case check.Cap == probe.Unknown:
		all = []experience{{probe.Unknown, "", check.ID}}
	case check.Cap == probe.Fair, check.Cap == probe.Excellent && check.Dimension == probe.Fast:
		all = append(all, experience{probe.Fair, dimension, check.ID})
	}
	return all
}
