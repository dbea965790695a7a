package docs

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

//go:embed rules.yaml.tmpl
var rulesTemplate string

// longWindow is a scoring window that adds up shorter recorded ones.
type longWindow struct {
	Window   string // of the score
	From     string // the recorded increase that it adds up
	Interval string // of evaluation: the longer the window, the rarer
	Fives    int    // times of five minutes in the window
}

// agreement is a window over which a score can be agreed on.
type agreement struct {
	Window   string
	Seconds  int
	LookBack string // over its last evaluation, and one that was missed
}

// timeline is what a look back over weeks reads.
type timeline struct{ Record, Of string }

// counted is a counter of messages whose five minutes are recorded.
type counted struct {
	Record string // up to the operation
	metric string
	By     string // its label beside channel and touchpoint
}

// Of is the series that agents export.
func (c counted) Of() string { return "channelwatch_" + c.metric }

// delivery is a quantile of how long messages take to arrive.
type delivery struct {
	Name     string
	Quantile float64
}

// rated is a vital with the bounds of its ratings.
type rated struct {
	Of     string      // the recorded series
	Vital  probe.Vital // where the series has no such label
	Only   string      // a series of the touchpoints that it is about; empty for all
	Bounds probe.Bounds
}

// lab rates what the agents' own visits record. Largest Contentful Paint, the duration of a visit, has the limits of its
// touchpoint: those of a phone, which has more time for the excellent, and of a desktop are rated here. Others are not, because no rule
// can compare with a label.
func lab() []rated {
	const seconds, shifts = "touchpoint_vital:channelwatch_web_vital_seconds:p75_1d", "touchpoint:channelwatch_web_vital_layout_shift_ratio:p75_1d"
	largest := fmt.Sprintf("%s{vital=%q}", seconds, probe.LCP)
	return append([]rated{
		{Of: largest, Only: limited(paint(probe.MobileWeb)), Bounds: paint(probe.MobileWeb)},
		{Of: largest, Only: limited(paint(probe.DesktopWeb)), Bounds: paint(probe.DesktopWeb)},
		{Of: shifts, Vital: probe.CLS, Bounds: bounds(probe.CLS)},
	}, ratedAlike(seconds, probe.FCP, probe.INP, probe.TBT, probe.TTFB)...)
}

// limited selects the touchpoints that have the limits.
func limited(by probe.Bounds) string {
	return fmt.Sprintf(`channelwatch_touchpoint_info{limit_excellent="%g", limit_good="%g", limit_fair="%g"}`, by.Excellent, by.Good, by.Fair)
}

// field rates what customers' browsers report, which know their device.
func field() []rated {
	const seconds, shifts = "group_device_vital:channelwatch_rum_web_vital_seconds:p75_1d", "group_device:channelwatch_rum_web_vital_layout_shift_ratio:p75_1d"
	return append([]rated{
		{Of: fmt.Sprintf("%s{vital=%q, device=\"mobile\"}", seconds, probe.LCP), Bounds: paint(probe.MobileWeb)},
		{Of: fmt.Sprintf("%s{vital=%q, device!=\"mobile\"}", seconds, probe.LCP), Bounds: paint(probe.DesktopWeb)},
		{Of: shifts, Vital: probe.CLS, Bounds: bounds(probe.CLS)},
	}, ratedAlike(seconds, probe.FCP, probe.INP, probe.TTFB)...)
}

// ratedAlike returns vitals that have the same bounds everywhere.
func ratedAlike(series string, vitals ...probe.Vital) []rated {
	var all []rated
	for _, vital := range vitals {
		all = append(all, rated{Of: fmt.Sprintf("%s{vital=%q}", series, vital), Bounds: bounds(vital)})
	}
	return all
}

func bounds(of probe.Vital) probe.Bounds {
	b, _ := of.Bounds()
	return b
}

// paint returns the default limits of the channels of a type for what a browser's visit lasts.
func paint(of probe.ChannelType) probe.Bounds {
	for _, kind := range kinds.All() {
		if kind.Name == "browser" {
			return kind.Limits(of).Bounds()
		}
	}
	return probe.Bounds{}
}

// Rules renders the recording rules in configs/prometheus/channelwatch.rules.yaml.
func Rules() ([]byte, error) {
	tmpl, err := template.New("rules").Funcs(template.FuncMap{"dict": dict}).Parse(rulesTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, struct {
		Long       []longWindow
		Agreements []agreement
		Timelines  []timeline
		Lab, Field []rated
		Messages   []counted
		Deliveries []delivery
		Lost       []string
	}{
		[]longWindow{
			{"1h", "5m", "5m", 12},
			{"1d", "1h", "5m", 288},
			{"7d", "1h", "30m", 2016},
			{"28d", "1h", "1h", 8064},
		},
		[]agreement{
			{"1d", 86400, "15m"},
			{"7d", 604800, "2h"},
			{"28d", 2419200, "3h"},
		},
		[]timeline{
			{"channel:channelwatch_rating:min5m", "channel:channelwatch_rating:5m"},
			{"touchpoint:channelwatch_rating:min5m", "touchpoint:channelwatch_rating:5m"},
			{"channel_dimension:channelwatch_dimension_rating:min5m", "channel_dimension:channelwatch_dimension_rating:min"},
		},
		lab(), field(),
		[]counted{
			{"touchpoint_outcome:channelwatch_push_messages", push.MessagesTotal, "outcome"},
			{"touchpoint_answer:channelwatch_push_provider_responses", push.ProviderResponsesTotal, "answer"},
			{"touchpoint_le:channelwatch_push_delivery_duration_seconds_bucket", push.DeliveryDuration + "_bucket", "le"},
		},
		[]delivery{{"p50", 0.5}, {"p95", 0.95}},
		[]string{"1h", "1d"},
	})
	return out.Bytes(), err
}

// dict makes a map of alternating keys and values, so that a template can take more than one argument.
func dict(pairs ...string) (map[string]string, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d arguments, want pairs", len(pairs))
	}
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m, nil
}
