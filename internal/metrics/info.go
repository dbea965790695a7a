package metrics

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// info is the one series that says what the configuration says of a touchpoint. It is immutable; a touchpoint whose
// configuration changes gets another one.
type info struct {
	labels []label // sorted by name
}

// infoLabels are the names of the labels of touchpoint_info. The limits are labels because three series more for each
// touchpoint would be a tenth of all, for numbers that hardly ever change and that nobody adds up.
func infoLabels() []string {
	return []string{
		channelLabel, touchpointLabel, "kind", "target", "tier", "title", "limit_excellent", "limit_good", "limit_fair", "pair",
	}
}

// infoOf returns the info of tp, which is old when nothing of it has changed. old may be nil.
func (m *Metrics) infoOf(tp *probe.Touchpoint, old *info) *info {
	values := [...]string{
		tp.Channel, tp.Name, tp.Kind, targetHost(tp), string(tp.Tier), tp.Title,
		limit(tp.Limits.Excellent), limit(tp.Limits.Good), limit(tp.Limits.Fair), tp.Pair,
	}
	labels := make([]label, 0, len(values)+len(m.constant))
	for i, name := range infoLabels() {
		labels = append(labels, label{name, values[i]})
	}
	labels = sortLabels(append(labels, m.constant...))
	if old != nil && slices.Equal(old.labels, labels) {
		return old
	}
	return &info{labels}
}

// limit returns a limit in seconds, empty for none.
func limit(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// targetHost returns the host that is probed, without its port.
func targetHost(tp *probe.Touchpoint) string {
	if i := strings.LastIndexByte(tp.Profile.Target, ':'); i >= 0 {
		return strings.Trim(tp.Profile.Target[:i], "[]")
	}
	return tp.Profile.Target
}

func (m *Metrics) touchpointInfo() family {
	return family{
		Family{
			Name: prefix + "touchpoint_info", Type: Gauge, Labels: infoLabels(),
			Help: "What the configuration says of a touchpoint, and the slowest that is still excellent, good and fair in seconds; always 1.",
		},
		perTouchpoint(func(out sink, t *touchpoint) { out.info(t.info) }),
	}
}
