package dashboards_test

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// day writes a series of the last 24 hours up to the end: every minute at first, every 15 s of the last quarter of an hour.
func (w *past) day(series string, value func(ago time.Duration) float64) {
	series = strings.ReplaceAll(series, `", `, `",`) // the format has no blanks
	for ago := 24 * time.Hour; ago >= 0; {
		fmt.Fprintf(&w.text, "%s %v %d\n", series, value(ago), w.end.Add(-ago).Unix())
		if ago > 15*time.Minute {
			ago -= time.Minute
		} else {
			ago -= 15 * time.Second
		}
	}
}

// constant is a value that does not change.
func constant(value float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return value }
}

// upTo rises by a number each minute.
func upTo(perMinute float64) func(time.Duration) float64 {
	return func(ago time.Duration) float64 { return perMinute * (24*time.Hour - ago).Minutes() }
}

// inMinutes is what a number for each minute adds between two samples.
func inMinutes(perMinute float64) func(time.Duration) float64 {
	return func(ago time.Duration) float64 {
		if ago < 15*time.Minute {
			return perMinute / 4
		}
		return perMinute
	}
}

// oftenTwice is a value in seven of eleven minutes, the last three among them, and its double in the others: three of four
// are at most the double.
func oftenTwice(value float64) func(time.Duration) float64 {
	return func(ago time.Duration) float64 {
		if minute := int(ago.Minutes()) % 11; minute >= 4 && minute <= 7 {
			return 2 * value
		}
		return value
	}
}

// visited is a page that a browser visits, with what it is like.
type visited struct {
	channel, touchpoint, labels string
	times                       float64 // as much of everything as the first one
}

func visitedPages() []visited {
	return []visited{
		{"desktop-web", "home", `title="Home", pair="home", limit_excellent="1.2", limit_good="2.5", limit_fair="4"`, 1},
		{"mobile-web", "home", `title="Home on a phone", pair="home", limit_excellent="1.8", limit_good="2.5", limit_fair="4"`, 2},
		{"desktop-web", "offers", `title="Offers", limit_excellent="0.1", limit_good="0.2", limit_fair="0.3"`, 3},
	}
}

// pagesInABrowser writes what an agent exports of pages that its browser visits.
func pagesInABrowser(w *past) {
	const agent = `instance="a:1", job="channelwatch"`
	w.day(`channelwatch_channel_info{channel="desktop-web", type="desktop_web", title="Web shop", `+agent+`}`, constant(1))
	w.day(`channelwatch_channel_info{channel="mobile-web", type="mobile_web", title="Phone shop", `+agent+`}`, constant(1))
	for _, p := range visitedPages() {
		recorded := fmt.Sprintf(`channel=%q, touchpoint=%q`, p.channel, p.touchpoint)
		at := recorded + ", " + agent
		w.day(`channelwatch_touchpoint_info{kind="browser", `+p.labels+`, `+at+`}`, constant(1))
		for vital, value := range map[string]float64{"lcp": 1, "fcp": 0.5, "tbt": 0.05, "ttfb": 0.3} {
			w.day(fmt.Sprintf(`channelwatch_web_vital_seconds{vital=%q, %s}`, vital, at), oftenTwice(value*p.times))
			w.day(fmt.Sprintf(`touchpoint_vital:channelwatch_web_vital_seconds:mean{vital=%q, %s}`, vital, recorded), oftenTwice(value*p.times))
		}
		w.day(`channelwatch_web_vital_layout_shift_ratio{`+at+`}`, oftenTwice(0.04*p.times))
		w.day(`touchpoint:channelwatch_web_vital_layout_shift_ratio:mean{`+recorded+`}`, oftenTwice(0.04*p.times))
		for metric, values := range labelledFigures() {
			for label, value := range values {
				w.day(fmt.Sprintf(`channelwatch_%s{%s, %s}`, metric, label, at), constant(value*p.times))
			}
		}
		for i, metric := range plainFigures() {
			w.day(fmt.Sprintf(`channelwatch_%s{%s}`, metric, at), constant(float64(i+1)*p.times))
		}
		for i, phase := range []string{"wait", "discover", "load", "render"} {
			w.day(fmt.Sprintf(`channelwatch_probe_phase_seconds_sum{phase=%q, %s}`, phase, at), upTo(float64(i+1)*p.times))
			w.day(fmt.Sprintf(`channelwatch_probe_phase_seconds_count{phase=%q, %s}`, phase, at), upTo(1))
		}
	}
	// A page that no browser visits.
	const plain = `channel="desktop-web", touchpoint="search", ` + agent
	w.day(`channelwatch_touchpoint_info{kind="page", title="Search", `+plain+`}`, constant(1))
	w.day(`channelwatch_probe_phase_seconds_sum{phase="wait", `+plain+`}`, upTo(90))
	w.day(`channelwatch_probe_phase_seconds_count{phase="wait", `+plain+`}`, upTo(1))
	// Only one page has a step that clicks.
	w.day(`channelwatch_web_vital_seconds{vital="inp", channel="desktop-web", touchpoint="offers", `+agent+`}`, constant(0.6))
	w.day(`touchpoint_vital:channelwatch_web_vital_seconds:mean{vital="inp", channel="desktop-web", touchpoint="offers"}`, constant(0.6))
}

func labelledFigures() map[string]map[string]float64 {
	return map[string]map[string]float64{
		"page_load_bytes":        {`type="image"`: 600e3, `type="script"`: 400e3},
		"page_load_requests":     {`type="image"`: 20, `type="script"`: 5},
		"page_party_bytes":       {`party="first"`: 700e3, `party="third"`: 300e3},
		"page_failed_requests":   {`failure="no_answer"`: 1, `failure="http_error"`: 2},
		"page_console_messages":  {`level="error"`: 3, `level="warning"`: 4},
		"page_cookies":           {`party="first"`: 5, `party="third"`: 6},
		"page_protocol_requests": {`protocol="http_1"`: 5, `protocol="h2"`: 15},
	}
}

func plainFigures() []string {
	return []string{
		"page_third_party_sites", "page_js_errors", "visit_seconds", "visit_cpu_seconds", "web_vital_spread_seconds", "visit_settled",
		"page_dom_nodes", "page_long_tasks", "page_redirects", "page_insecure_requests",
	}
}

// reports writes what customers' browsers report of one group of pages, and what becomes of it.
func reports(w *past) {
	const of = `channel="desktop-web", page_group="home", device="desktop"`
	for _, told := range []struct {
		metric, recorded, vital string
		perMinute               map[string]float64 // by the bucket's edge
	}{
		{"web_vital_seconds", "group_device_vital_le", `vital="lcp", `, map[string]float64{"2": 0, "4": 8, "+Inf": 10}},
		{"web_vital_seconds", "group_device_vital_le", `vital="inp", `, map[string]float64{"0.5": 0, "1": 10, "+Inf": 10}},
		{"web_vital_layout_shift_ratio", "group_device_le", "", map[string]float64{"0.01": 10, "+Inf": 10}},
	} {
		for le, n := range told.perMinute {
			bucket := fmt.Sprintf(`channelwatch_rum_%s_bucket`, told.metric)
			labels := fmt.Sprintf(`%sle=%q, %s`, told.vital, le, of)
			w.day(bucket+`{instance="a:1", source="rum", `+labels+`}`, upTo(n))
			w.day(told.recorded+":"+bucket+`:increase5m{`+labels+`}`, inMinutes(n))
		}
	}
	w.day(`channelwatch_rum_beacons_total{channel="desktop-web", outcome="accepted", instance="a:1"}`, upTo(120))
	w.day(`channelwatch_rum_beacons_total{channel="desktop-web", outcome="too_large", instance="a:1"}`, upTo(30))
	w.day(`channelwatch_rum_values_dropped_total{channel="desktop-web", why="unknown_name", instance="a:1"}`, upTo(60))
}

// browserOfAgent writes what an agent tells of its browser.
func browserOfAgent(w *past) {
	const agent = `instance="a:1", job="channelwatch"`
	w.day(`channelwatch_build_info{version="test", `+agent+`}`, constant(1))
	w.day(`channelwatch_browser_info{browser="chromium-headless-shell", version="156.0.8078.79", sandbox="true", `+agent+`}`, constant(1))
	w.day(`channelwatch_browser_running{`+agent+`}`, constant(1))
	w.day(`channelwatch_browser_launches_total{`+agent+`}`, upTo(2))
	w.day(`channelwatch_browser_visits_total{`+agent+`}`, upTo(4))
	w.day(`channelwatch_browser_failures_total{reason="browser_failed", `+agent+`}`, upTo(8))
	w.day(`channelwatch_browser_recycles_total{why="idle", `+agent+`}`, upTo(12))
	w.day(`channelwatch_browser_memory_bytes{`+agent+`}`, constant(250e6))
	w.day(`channelwatch_browser_cpu_seconds_total{`+agent+`}`, upTo(30))
	w.day(`channelwatch_agent_schedule_queue{`+agent+`}`, constant(3))
	w.day(`channelwatch_agent_schedule_queue{instance="b:1", job="channelwatch"}`, constant(7)) // has no browser
}

func TestDashboards_ShowPagesInABrowser(t *testing.T) {
	t.Parallel()
	w := &past{end: time.Now().Add(-10 * time.Second).Truncate(time.Second)}
	pagesInABrowser(w)
	reports(w)
	browserOfAgent(w)
	p := startPrometheus(t, w.blocks(t), hastenedRules(t))
	eventually(t, "the last rule of each group", func() string {
		for _, recorded := range []string{
			"touchpoint_vital:channelwatch_web_vital_field_to_lab:ratio1d", "touchpoint:channelwatch_web_vital_layout_shift_ratio:p75_1h",
			"touchpoint_phase:channelwatch_probe_phase_seconds:mean1h",
		} {
			if a, err := p.query(t.Context(), recorded, time.Now()); err != nil || len(a.samples) == 0 {
				return fmt.Sprintf("no %s (%v)", recorded, err)
			}
		}
		return ""
	})
	for _, v := range webValues() {
		v.check(t, p, w.end)
	}
	checkData(t, p, named(t, "channelwatch-web"))
}

// TestDashboards_ShowVisitsOfABrowser asks for what needs no history, as soon as a real browser has visited the demo's pages.
func TestDashboards_ShowVisitsOfABrowser(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t, t.TempDir(), hastenedRules(t), startShop(t, demo.Options{Script: script(), Every: 2 * time.Second, Visits: time.Minute}))
	chosen := choice{"channel": ".*", "touchpoint": ".*", "agent": ".*"}
	for uid, panels := range map[string][]int{
		"channelwatch-web":        {10, 11, 12, 13, 14, 15, 16, 63, 71, 72, 73, 75, 76, 77, 78},
		"channelwatch-operations": {41, 42, 43, 44, 45, 46},
	} {
		for _, id := range panels {
			of := named(t, uid).panel(t, id)
			for _, q := range of.Targets {
				eventually(t, of.Title+" "+q.RefID, func() string {
					a, err := reasonable(t.Context(), p, &of, &q, chosen, zoom)
					if err != nil {
						return err.Error()
					}
					if len(a.samples) == 0 {
						return "no data"
					}
					return ""
				})
			}
		}
	}
}

// check compares what a query gives with the values. What rises does so until the end; what is recorded is so from then on.
func (v *webValue) check(t *testing.T, p *prometheus, end time.Time) {
	t.Helper()
	of := named(t, v.uid).panel(t, v.panel)
	q := of.target(t, v.ref)
	chosen := choice{"channel": ".*", "touchpoint": ".*", "agent": ".*"}
	maps.Copy(chosen, v.chosen)
	if !strings.Contains(q.Expr, "[$__") {
		end = time.Now()
	}
	a, err := ask(t.Context(), p, &of, &q, chosen, zoom, end)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, s := range a.samples {
		got[legend(s.labels, v.by)] = s.value
	}
	if problem := difference(got, v.want); problem != "" {
		t.Errorf("%s %d/%s for %v: %s", v.uid, v.panel, v.ref, v.chosen, problem)
	}
}

// legend joins the values of labels.
func legend(labels map[string]string, by string) string {
	var values []string
	for name := range strings.FieldsSeq(by) {
		values = append(values, labels[name])
	}
	return strings.Join(values, " ")
}

// difference says how values differ from those that are wanted, by more than a thousandth; empty when they do not.
func difference(got, want map[string]float64) string {
	names := slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	for name, value := range want {
		names = names && math.Abs(got[name]-value) <= 1e-3*math.Abs(value)
	}
	if names {
		return ""
	}
	return fmt.Sprintf("got %v, want %v", got, want)
}

// webValue is what a query gives.
type webValue struct {
	uid    string
	panel  int
	ref    string
	chosen choice // beside everything
	by     string // labels that tell the series apart
	want   map[string]float64
}

func webValues() []webValue {
	const uid, pages = "channelwatch-web", "channel touchpoint title"
	// Each page has the value of the first one as often as it has everything.
	each := func(panel int, ref string, value float64) webValue {
		return webValue{uid, panel, ref, nil, pages, map[string]float64{
			"desktop-web home Home": value, "mobile-web home Home on a phone": 2 * value, "desktop-web offers Offers": 3 * value,
		}}
	}
	// alike gives the page of offers a value for each of two values of a label.
	alike := func(panel int, ref, by, one string, first float64, other string, second float64) webValue {
		return webValue{uid, panel, ref, offersOnly(), by, map[string]float64{one: 3 * first, other: 3 * second}}
	}
	return append([]webValue{
		// The double of seven in eleven; words by the bounds, where a phone has more time.
		{uid, 2, "A", nil, pages, map[string]float64{"desktop-web home Home": 3, "mobile-web home Home on a phone": 2, "desktop-web offers Offers": 0}},
		{uid, 2, "B", nil, "channel touchpoint", map[string]float64{"desktop-web home": 3, "mobile-web home": 2, "desktop-web offers": 2}},
		{uid, 2, "C", nil, "channel touchpoint", map[string]float64{"desktop-web home": 4, "mobile-web home": 3, "desktop-web offers": 2}},
		{uid, 2, "D", nil, "channel touchpoint", map[string]float64{"desktop-web offers": 1}},
		{uid, 2, "E", nil, "channel touchpoint", map[string]float64{"desktop-web home": 3, "mobile-web home": 2, "desktop-web offers": 2}},
		{uid, 2, "F", nil, "channel touchpoint", map[string]float64{"desktop-web home": 3, "mobile-web home": 2, "desktop-web offers": 2}},
		each(3, "A", 2), each(4, "A", 0.08), each(5, "A", 0.1), each(7, "A", 1), each(8, "A", 0.6),
		{uid, 6, "A", nil, pages, map[string]float64{"desktop-web offers Offers": 0.6}},
		// The means of three pages: twice the first one.
		{uid, 10, "A", nil, "phase", map[string]float64{"wait": 2, "discover": 4, "load": 6, "render": 8}},
		{uid, 10, "A", offersOnly(), "phase", map[string]float64{"wait": 3, "discover": 6, "load": 9, "render": 12}},
		{uid, 11, "A", nil, "type", map[string]float64{"image": 1200e3, "script": 800e3}},
		{uid, 12, "A", nil, "party", map[string]float64{"first": 1400e3, "third": 600e3}},
		each(13, "A", 1),
		alike(14, "A", "title failure", "Offers no_answer", 1, "Offers http_error", 2),
		each(15, "A", 2),
		alike(15, "B", "title level", "Offers error", 3, "Offers warning", 4),
		alike(16, "A", "title party", "Offers first", 5, "Offers third", 6),
		{uid, 71, "A", nil, "protocol", map[string]float64{"http_1": 0.25, "h2": 0.75}},
		{uid, 72, "A", nil, "type", map[string]float64{"image": 40, "script": 10}},
		each(73, "A", 3), each(73, "B", 4), each(74, "A", 5), each(75, "A", 6), each(76, "A", 7), each(77, "A", 8), each(78, "A", 9), each(78, "B", 10),
	}, append(append(fieldValues(uid), pairValues(uid)...), browserValues()...)...)
}

func fieldValues(uid string) []webValue {
	const row = "channel page_group device"
	one := func(ref string, value float64) webValue {
		return webValue{uid, 51, ref, nil, row, map[string]float64{"desktop-web home desktop": value}}
	}
	return []webValue{
		// 2 + 2 * 7.5 / 8 s; as fair as it is poor at answering clicks, and still.
		one("A", 3.875), one("B", 2), one("C", 2), one("D", 1), one("E", 4),
		{uid, 52, "A", nil, row, map[string]float64{"desktop-web home desktop": 3.875}},
		{uid, 52, "B", offersOnly(), "title", map[string]float64{"Offers": 6}},
		{uid, 53, "A", nil, "outcome", map[string]float64{"accepted": 2, "too_large": 0.5}},
		{uid, 54, "A", nil, "why", map[string]float64{"unknown_name": 1}},
	}
}

func offersOnly() choice { return choice{"channel": "desktop-web", "touchpoint": "offers"} }

// pairValues: the phone has twice of everything, and whoever chooses one side sees both.
func pairValues(uid string) []webValue {
	var all []webValue
	for i, value := range []float64{2, 4, 2, 1e6, 2e6, 2, 25, 50, 2} {
		for _, chosen := range []choice{nil, {"channel": "mobile-web"}} {
			all = append(all, webValue{uid, 61, string(rune('A' + i)), chosen, "pair", map[string]float64{"home": value}})
		}
	}
	return append(
		all,
		webValue{uid, 61, "A", offersOnly(), "pair", map[string]float64{}},
		webValue{uid, 62, "A", nil, "pair channel", map[string]float64{"home desktop-web": 2, "home mobile-web": 4}},
		webValue{uid, 63, "A", nil, "pair channel", map[string]float64{"home desktop-web": 1e6, "home mobile-web": 2e6}},
	)
}

func browserValues() []webValue {
	const uid = "channelwatch-operations"
	return []webValue{
		{uid, 41, "A", nil, "instance browser version sandbox", map[string]float64{"a:1 chromium-headless-shell 156.0.8078.79 true": 1}},
		{uid, 42, "A", nil, "", map[string]float64{"": 2}},
		{uid, 42, "B", nil, "reason", map[string]float64{"browser_failed": 8}},
		{uid, 43, "A", nil, "why", map[string]float64{"idle": 12}},
		{uid, 44, "A", nil, "instance", map[string]float64{"a:1": 250e6}},
		{uid, 45, "A", nil, "instance", map[string]float64{"a:1": 0.5}},
		{uid, 46, "A", nil, "instance", map[string]float64{"a:1": 4}},
		{uid, 46, "B", nil, "instance", map[string]float64{"a:1": 3}},
	}
}

// TestVitals_HaveTheBoundsOfTheDomain compares the lines of charts, and the words below their titles, with what findings and
// pages are rated by. Largest Contentful Paint has those of Core Web Vitals.
func TestVitals_HaveTheBoundsOfTheDomain(t *testing.T) {
	web := named(t, "channelwatch-web")
	for id, vital := range map[int]probe.Vital{3: probe.LCP, 4: probe.CLS, 5: probe.TBT, 6: probe.INP, 7: probe.FCP, 8: probe.TTFB} {
		of := web.panel(t, id)
		bounds, rated := vital.Bounds()
		if !rated {
			bounds = probe.Bounds{Good: 2.5, Fair: 4}
		}
		steps := of.FieldConfig.Defaults.Thresholds.Steps
		if len(steps) != 3 || *steps[1].Value != bounds.Good || *steps[2].Value != bounds.Fair {
			t.Errorf("%s: thresholds %v, want %v and %v", of.Title, steps, bounds.Good, bounds.Fair)
		}
		if !strings.Contains(of.Description, "("+strings.ToUpper(string(vital))+")") {
			t.Errorf("%s: its description does not name %s", of.Title, vital)
		}
		said := regexp.MustCompile(`Up to ([0-9.]+)( m?s)? is good and above ([0-9.]+)( m?s)? poor`).FindStringSubmatch(of.Description)
		if said == nil || inSeconds(t, said[1], said[2]) != bounds.Good || inSeconds(t, said[3], said[4]) != bounds.Fair {
			t.Errorf("%s: its description says %q, want %v and %v", of.Title, said, bounds.Good, bounds.Fair)
		}
	}
}

func inSeconds(t *testing.T, number, unit string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		t.Fatal(err)
	}
	if unit == " ms" {
		value /= 1000
	}
	return value
}
