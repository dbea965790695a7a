package metrics_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// walk is what a visitor saw.
type walk struct {
	t          *testing.T
	family     metrics.Family
	families   []metrics.Family
	floats     map[string]float64 // by name and labels as text
	histograms map[string]metrics.NativeHistogram
	ids        map[metrics.ID]string // of the series that have one
	anonymous  []string              // those that have none
}

func (w *walk) Family(f *metrics.Family) {
	w.family = *f
	w.families = append(w.families, *f)
}

func (w *walk) Float(r *metrics.Ref, value float64) {
	name := w.identify(r)
	if _, twice := w.floats[name]; twice {
		w.t.Errorf("%s was visited twice", name)
	}
	w.floats[name] = value
}

func (w *walk) Histogram(r *metrics.Ref, h *metrics.NativeHistogram) {
	name := w.identify(r)
	if _, twice := w.histograms[name]; twice {
		w.t.Errorf("%s was visited twice", name)
	}
	c := *h
	c.Spans, c.Deltas = slices.Clone(h.Spans), slices.Clone(h.Deltas)
	w.histograms[name] = c
}

// identify returns name and labels of a series and notes its identity.
func (w *walk) identify(r *metrics.Ref) string {
	if !strings.HasPrefix(r.Name(), w.family.Name) {
		w.t.Errorf("series %s in family %s", r.Name(), w.family.Name)
	}
	labels := r.Labels([]metrics.Label{{Name: "kept", Value: "what was there"}})
	if labels[0].Name != "kept" {
		w.t.Errorf("labels of %s replace what they should be appended to", r.Name())
	}
	labels = labels[1:]
	if !slices.IsSortedFunc(labels, func(a, b metrics.Label) int { return strings.Compare(a.Name, b.Name) }) {
		w.t.Errorf("labels of %s are not sorted: %v", r.Name(), labels)
	}
	series := seriesText(r.Name(), labels)
	id, ok := r.ID()
	if !ok {
		w.anonymous = append(w.anonymous, series)
		return series
	}
	if other, taken := w.ids[id]; taken {
		w.t.Errorf("%s and %s have the same identity", other, series)
	}
	w.ids[id] = series
	return series
}

func seriesText(name string, labels []metrics.Label) string {
	var text []string
	for _, l := range labels {
		text = append(text, fmt.Sprintf("%s=%q", l.Name, l.Value))
	}
	return name + "{" + strings.Join(text, ",") + "}"
}

// walkOver walks once over all series.
func walkOver(t *testing.T, m *metrics.Metrics, classic bool) *walk {
	t.Helper()
	w := &walk{
		t: t, floats: make(map[string]float64), histograms: make(map[string]metrics.NativeHistogram), ids: make(map[metrics.ID]string),
	}
	if err := m.Walk(w, classic); err != nil {
		t.Fatal(err)
	}
	return w
}

// volatile are the series that change from one scrape to the next.
func volatile(series string, _ float64) bool { return !strings.HasPrefix(series, "channelwatch_") }

// parsed returns all series of a page in the text format, as Prometheus takes them: without empty labels.
func parsed(t *testing.T, m *metrics.Metrics) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(scrape(t, m).Body)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, slices.Collect(maps.Values(families))...)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]float64)
	for _, s := range samples {
		var labels []metrics.Label
		for name, value := range s.Metric {
			if name != model.MetricNameLabel && value != "" {
				labels = append(labels, metrics.Label{Name: string(name), Value: string(value)})
			}
		}
		slices.SortFunc(labels, func(a, b metrics.Label) int { return strings.Compare(a.Name, b.Name) })
		out[seriesText(string(s.Metric[model.MetricNameLabel]), labels)] = float64(s.Value)
	}
	return out
}

func TestWalk_ClassicIsTheTextPage(t *testing.T) {
	m := full(t)
	got, want := walkOver(t, m, true), parsed(t, m)
	if len(got.histograms) > 0 {
		t.Errorf("native histograms in a classic walk: %v", slices.Collect(maps.Keys(got.histograms)))
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got.floats))); diff != "" {
		t.Errorf("series (-page +walk):\n%s", diff)
	}
	maps.DeleteFunc(got.floats, volatile)
	maps.DeleteFunc(want, volatile)
	if diff := cmp.Diff(want, got.floats, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("values (-page +walk):\n%s", diff)
	}
}

func TestWalk_NativeIsTheProtobufPage(t *testing.T) {
	m := full(t)
	got := walkOver(t, m, false)
	want := make(map[string]metrics.NativeHistogram)
	for _, mf := range gather(t, m) {
		for _, metric := range mf.Metric {
			if _, ofTouchpoint := label(metric, "touchpoint"); metric.Histogram != nil && ofTouchpoint {
				want[mf.GetName()+labelsOf(metric)] = nativeOf(metric.Histogram)
			}
		}
	}
	if len(want) != 5 { // three durations, and two deliveries by quality of service
		t.Fatalf("%d native histograms on the page, want 5", len(want))
	}
	if diff := cmp.Diff(want, got.histograms, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("native histograms (-page +walk):\n%s", diff)
	}
	floats := parsed(t, m)
	for series := range want {
		name, labels, _ := strings.Cut(series, "{")
		maps.DeleteFunc(floats, func(s string, _ float64) bool {
			return strings.HasPrefix(s, name+"_") && (strings.HasSuffix(s, labels) || strings.Contains(s, "le=") && strings.HasSuffix(strip(s), labels))
		})
	}
	maps.DeleteFunc(floats, volatile)
	maps.DeleteFunc(got.floats, volatile)
	if diff := cmp.Diff(floats, got.floats, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("other series (-page +walk):\n%s", diff)
	}
}

// strip takes the label le out of a series.
func strip(series string) string {
	before, after, _ := strings.Cut(series, `le="`)
	_, rest, _ := strings.Cut(after, `",`)
	return before + rest
}

func label(metric *dto.Metric, name string) (string, bool) {
	for _, pair := range metric.Label {
		if pair.GetName() == name {
			return pair.GetValue(), true
		}
	}
	return "", false
}

func nativeOf(h *dto.Histogram) metrics.NativeHistogram {
	n := metrics.NativeHistogram{
		Count: h.GetSampleCount(), ZeroCount: h.GetZeroCount(), Sum: h.GetSampleSum(), ZeroThreshold: h.GetZeroThreshold(),
		Schema: h.GetSchema(), Deltas: h.PositiveDelta,
	}
	for _, s := range h.PositiveSpan {
		n.Spans = append(n.Spans, metrics.BucketSpan{Offset: s.GetOffset(), Length: s.GetLength()})
	}
	return n
}

func TestWalk_FamiliesAreThoseOfThePage(t *testing.T) {
	m := full(t)
	want := make(map[string]metrics.Family)
	for _, mf := range gather(t, m) {
		want[mf.GetName()] = metrics.Family{Name: mf.GetName(), Type: metrics.Type(strings.ToLower(mf.GetType().String())), Help: mf.GetHelp()}
	}
	got := walkOver(t, m, false).families
	if !slices.IsSortedFunc(got, func(a, b metrics.Family) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("families are not sorted")
	}
	for _, f := range got {
		if unit := f.Unit; unit != "" && !strings.Contains(f.Name, "_"+unit) {
			t.Errorf("%s: unit %q is not in the name", f.Name, unit)
		}
		f.Labels, f.Unit = nil, ""
		if diff := cmp.Diff(want[f.Name], f); diff != "" {
			t.Errorf("%s (-page +walk):\n%s", f.Name, diff)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not visited: %v", slices.Sorted(maps.Keys(want)))
	}
}

func TestWalk_SeriesOfTouchpointsHaveAnIdentity(t *testing.T) {
	m := full(t)
	native := walkOver(t, m, false)
	classic := walkOver(t, m, true)
	for _, w := range []*walk{native, classic} {
		for _, series := range w.anonymous {
			if strings.Contains(series, "touchpoint=") {
				t.Errorf("%s has no identity", series)
			}
		}
		if len(w.ids) < 60 {
			t.Errorf("%d series have an identity, want those of three touchpoints", len(w.ids))
		}
	}
	for id, series := range native.ids {
		if other, taken := classic.ids[id]; taken && other != series {
			t.Errorf("%s of one form and %s of the other have the same identity", series, other)
		}
	}
}

func TestWalk_IdentitiesLast(t *testing.T) {
	m := full(t)
	before := walkOver(t, m, false).ids
	home := page("shop", "home")
	result := pageResult(time.Minute)
	result.Reason = probe.NotMeasured // as the one before
	record(t, m, home, result)
	m.Rechecked(home, false)
	same(t, before, walkOver(t, m, false).ids)
	odd := page("a", `we"ird\`)
	odd.Title = "Zwei\nZeilen \"und\" \\ ü"
	m.Apply([]*probe.Channel{channelOf("shop", home, push()), channelOf("a", odd), {Name: "none"}}, []string{"shop", "a"})
	same(t, before, walkOver(t, m, false).ids) // equal configuration, read anew
}

func TestWalk_LabelsFollowTheConfiguration(t *testing.T) {
	m := full(t)
	before := walkOver(t, m, false).ids
	home := page("shop", "home")
	home.Title, home.Limits.Good = "New", 2500*time.Millisecond
	m.Apply([]*probe.Channel{channelOf("shop", home)}, nil)
	after := walkOver(t, m, false)
	const info = `channelwatch_touchpoint_info{channel="shop",kind="page",limit_excellent="0.8",limit_fair="4",limit_good="2.5",` +
		`location="ber\"lin",target="www.example.com",tier="critical",title="New",touchpoint="home"}`
	if value, ok := after.floats[info]; !ok || value != 1 {
		t.Errorf("no %s among %v", info, like(after.floats, "touchpoint_info"))
	}
	for id, series := range after.ids {
		if old, was := before[id]; was && old != series {
			t.Errorf("the identity of %s is now that of %s", old, series)
		} else if !was && series != info {
			t.Errorf("%s has another identity than before", series)
		}
	}
	// What was away is a new series, and no other is taken for it.
	m.Apply(nil, nil)
	if left := like(walkOver(t, m, false).floats, `touchpoint="`); len(left) > 0 {
		t.Errorf("series of touchpoints that are gone: %v", left)
	}
	m.Apply([]*probe.Channel{channelOf("shop", page("shop", "home"))}, nil)
	again := walkOver(t, m, false)
	if got := again.floats[`channelwatch_experience_total{channel="shop",location="ber\"lin",rating="excellent",touchpoint="home"}`]; got != 0 {
		t.Errorf("a touchpoint that comes back begins at %v, want 0", got)
	}
	for id, series := range again.ids {
		if old, was := after.ids[id]; was {
			t.Errorf("%s has the identity of %s, which ended", series, old)
		}
	}
}

func TestWalk_WithoutLimitsAndOptions(t *testing.T) {
	m := metrics.New(metrics.Options{Catalogue: catalogue(t)})
	m.Apply([]*probe.Channel{channelOf("shop", push())}, nil)
	w := walkOver(t, m, true)
	const info = `channelwatch_touchpoint_info{channel="shop",kind="push",target="::1",tier="standard",touchpoint="topic"}`
	if w.floats[info] != 1 {
		t.Errorf("no %s among %v", info, like(w.floats, "touchpoint_info"))
	}
	if v, ok := w.floats[`channelwatch_touchpoint_state{channel="shop",rating="unknown",touchpoint="topic"}`]; !ok || v != 1 {
		t.Errorf("states %v, want unknown before the first result", like(w.floats, "touchpoint_state"))
	}
	for series, v := range w.floats {
		if strings.Contains(series, `touchpoint="`) && math.IsNaN(v) {
			t.Errorf("%s is absent, and visited", series)
		}
	}
}

// same compares identities, which no diff can print.
func same(t *testing.T, before, after map[metrics.ID]string) {
	t.Helper()
	for id, series := range before {
		if after[id] != series {
			t.Errorf("the identity of %s is now that of %q", series, after[id])
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d identities, want %d", len(after), len(before))
	}
}

// TestWalk_AllocatesForTheAgentOnly compares walks over few and many touchpoints.
func TestWalk_AllocatesForTheAgentOnly(t *testing.T) {
	allocations := func(touchpoints int) float64 {
		m := metrics.New(metrics.Options{Catalogue: catalogue(t), Location: "berlin-1"})
		channels, all := manyPages(touchpoints)
		m.Apply(channels, nil)
		for _, tp := range all {
			record(t, m, tp, pageResult(time.Second))
		}
		n := &counting{seen: make(map[metrics.ID]bool)}
		return testing.AllocsPerRun(5, func() {
			if err := m.Walk(n, false); err != nil {
				t.Error(err)
			}
		})
	}
	few, many := allocations(100), allocations(1000)
	if perTouchpoint := (many - few) / 900; perTouchpoint > 0.1 { // 20 series of channels are in it
		t.Errorf("%.2f allocations for each touchpoint (%v for 100, %v for 1000), want none", perTouchpoint, few, many)
	}
}
