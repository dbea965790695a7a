package view

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// The recorded series of a day. Probes and customers are rated by the same rules.
const (
	labSeconds   = "touchpoint_vital:channelwatch_web_vital_seconds:p75_1d"
	labShift     = "touchpoint:channelwatch_web_vital_layout_shift_ratio:p75_1d"
	labRating    = "touchpoint_vital:channelwatch_web_vital_rating:1d"
	fieldSeconds = "group_device_vital:channelwatch_rum_web_vital_seconds:p75_1d"
	fieldShift   = "group_device:channelwatch_rum_web_vital_layout_shift_ratio:p75_1d"
	fieldRating  = "group_device_vital:channelwatch_rum_web_vital_rating:1d"
	fieldCount   = "group_device_vital:channelwatch_rum_web_vital:count1d"
)

// fieldBack is how old what is recorded of a day may be.
const fieldBack = 30 * time.Minute

// field asks for what customers' browsers told of a channel, and what its probes measured.
func (a *asker) field(at time.Time, matchers []string, into *[]query.Series) {
	names := []string{labSeconds, labShift, labRating, fieldSeconds, fieldShift, fieldRating, fieldCount}
	a.at("what customers' browsers told", "last_over_time("+selector(names, matchers...)+"["+promDuration(fieldBack)+"])", at, into)
}

// readFields returns a row for each group of pages and device that browsers told of, those with most visits first. With a
// name it returns only the group of that name.
func readFields(answer []query.Series, name string, of func(name string) Touchpoint) []Field {
	type row struct{ group, device string }
	lab, rows := make(map[string]map[probe.Vital]*told), make(map[row]map[probe.Vital]*told)
	for _, s := range oneSource(answer) {
		if tp := s.Labels["touchpoint"]; tp != "" {
			addField(lab, tp, s)
			continue
		}
		if group := s.Labels["page_group"]; name == "" || group == name {
			addField(rows, row{group, s.Labels["device"]}, s)
		}
	}
	var all []Field
	for key, vitals := range rows {
		tp := of(key.group)
		f := Field{Group: key.group, Device: key.device, Title: tp.Title, Limits: tp.Limits, Vitals: joinFields(vitals, lab[key.group], tp.Limits)}
		if len(f.Vitals) > 0 {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b Field) int {
		return cmp.Or(cmp.Compare(b.Visits(), a.Visits()), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Device, b.Device))
	})
	return all
}

// joinFields sets what browsers told beside what the probes measured, which may be nil. Where the limits of the touchpoint are known
// they rate its Largest Contentful Paint, as they do everywhere else: rules cannot compare with a label.
func joinFields(vitals, lab map[probe.Vital]*told, limits *Limits) []FieldVital {
	var all []FieldVital
	for _, vital := range []probe.Vital{probe.LCP, probe.INP, probe.CLS, probe.FCP, probe.TTFB} {
		v := vitals[vital]
		if v == nil || !v.known || math.Round(v.Count) < 1 {
			continue
		}
		if measured := lab[vital]; measured != nil && measured.known {
			v.Lab, v.LabRating = &measured.Value, measured.Rating
			if vital == probe.LCP && limits != nil {
				v.LabRating = probe.Bounds(*limits).Rate(measured.Value)
			}
		}
		all = append(all, v.FieldVital)
	}
	return all
}

// Visits returns how many visits told of the group, by the figure that most told.
func (f *Field) Visits() float64 {
	most := 0.0
	for i := range f.Vitals {
		most = max(most, f.Vitals[i].Count)
	}
	return most
}

// told is a figure while it is put together: its parts are series of their own.
type told struct {
	FieldVital

	known bool // whether its value was recorded
}

// addField sorts one recorded number in.
func addField[K comparable](rows map[K]map[probe.Vital]*told, key K, s query.Series) {
	vital := probe.Vital(cmp.Or(s.Labels["vital"], string(probe.CLS)))
	if rows[key] == nil {
		rows[key] = make(map[probe.Vital]*told)
	}
	v := rows[key][vital]
	if v == nil {
		v = &told{FieldVital: FieldVital{Vital: vital}}
		rows[key][vital] = v
	}
	switch s.Labels["__name__"] {
	case labRating, fieldRating:
		v.Rating = rating(value(s))
	case fieldCount:
		v.Count = value(s)
	default:
		v.Value, v.known = value(s), true
	}
}
