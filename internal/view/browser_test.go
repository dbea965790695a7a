package view_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
	"github.com/channelwatch/channelwatch/internal/query/querytest"
	"github.com/channelwatch/channelwatch/internal/view"
)

// browserWorld scripts one page that two agents load as on two devices, and what customers' browsers told of it.
func browserWorld(end time.Time) *world {
	w := newWorld(end, 2*time.Hour)
	for _, c := range []string{"web", "mobile"} {
		w.record(line{name: c, parts: []part{{"home", "critical", 1, fine}}})
	}
	const seconds = "touchpoint_vital:channelwatch_web_vital_seconds:"
	for _, at := range w.evaluations(30*time.Second, 2*time.Hour) {
		for i, c := range []string{"web", "mobile"} {
			tp, more := []string{"channel", c, "touchpoint", "home"}, float64(i)
			for vital, v := range map[string]float64{"lcp": 2 + more, "fcp": 0.75, "ttfb": 0.25, "tbt": 0.125} {
				w.add(at, v, seconds+"p75_1h", append(tp, "vital", vital)...)
			}
			for _, place := range []string{"berlin", "athens"} {
				from := append(tp, "instance", place, "job", "channelwatch")
				w.add(at, 1000+more, "channelwatch_page_party_bytes", append(from, "party", "first")...)
				w.add(at, 500, "channelwatch_page_party_bytes", append(from, "party", "third")...)
				w.add(at, 3, "channelwatch_page_third_party_sites", from...)
				for _, kind := range []string{"image", "script"} {
					w.add(at, 700+more, "channelwatch_page_load_bytes", append(from, "type", kind)...)
					w.add(at, 4, "channelwatch_page_load_requests", append(from, "type", kind)...)
				}
			}
		}
		home := []string{"channel", "web", "touchpoint", "home"}
		w.add(at, 2.25, seconds+"p75_1d", append(home, "vital", "lcp")...)
		w.add(at, 3, "touchpoint_vital:channelwatch_web_vital_rating:1d", append(home, "vital", "lcp")...)
		w.add(at, 0.0625, "touchpoint:channelwatch_web_vital_layout_shift_ratio:p75_1d", home...)
		w.add(at, 3, "touchpoint_vital:channelwatch_web_vital_rating:1d", append(home, "vital", "cls")...)
		field := func(group, device, vital string, value, rating, count float64) {
			of := []string{"channel", "web", "page_group", group, "device", device}
			if vital == "cls" {
				w.add(at, value, "group_device:channelwatch_rum_web_vital_layout_shift_ratio:p75_1d", of...)
			} else {
				w.add(at, value, "group_device_vital:channelwatch_rum_web_vital_seconds:p75_1d", append(of, "vital", vital)...)
			}
			w.add(at, rating, "group_device_vital:channelwatch_rum_web_vital_rating:1d", append(of, "vital", vital)...)
			w.add(at, count, "group_device_vital:channelwatch_rum_web_vital:count1d", append(of, "vital", vital)...)
		}
		young := []string{"channel", "mobile", "page_group", "home", "device", "mobile", "vital", "lcp"} // nothing was measured of a day yet
		w.add(at, 2, "group_device_vital:channelwatch_rum_web_vital_seconds:p75_1d", young...)
		w.add(at, 50, "group_device_vital:channelwatch_rum_web_vital:count1d", young...)
		field("home", "mobile", "cls", 0.125, 2, 90)
		field("home", "mobile", "lcp", 3.5, 2, 100)
		field("other", "desktop", "inp", 0.25, 2, 200)
		field("home", "tablet", "lcp", 1, 4, 0.25) // nobody told
		w.add(at, 7, "group_device_vital:channelwatch_rum_web_vital:count1d", "channel", "web", "page_group", "home", "device", "other", "vital", "lcp")
	}
	for _, s := range w.series {
		if s.Labels["__name__"] == "channelwatch_touchpoint_info" {
			s.Labels["kind"], s.Labels["pair"] = "browser", "home"
		}
	}
	return w
}

// TestView_BrowserRealServers builds the models of pages in browsers from the same samples in Prometheus and in
// VictoriaMetrics.
func TestView_BrowserRealServers(t *testing.T) {
	t.Parallel()
	end := lately()
	series := browserWorld(end).all()
	for name, start := range map[string]func(testing.TB, []query.Series) string{
		"prometheus": querytest.Prometheus, "victoria-metrics": querytest.VictoriaMetrics,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			remote, err := query.NewRemote(query.RemoteConfig{URL: start(t, series)})
			if err != nil {
				t.Fatal(err)
			}
			v := view.New(view.Options{Engine: remote})
			home, err := v.Touchpoint(t.Context(), "web", "home", view.Hour)
			if err != nil {
				t.Fatal(err)
			}
			testLoads(t, home.Loads, end)
			for _, q := range home.Queries[len(home.Queries)-2:] {
				if answer, err := remote.Query(t.Context(), q.Expr, end); err != nil || len(answer) == 0 {
					t.Errorf("%s: %s answers with %d series and error %v", q.Title, q.Expr, len(answer), err)
				}
			}
			testPair(t, home.Pair)
			// The word that was recorded goes by the limits of browsers, and this touchpoint has limits of its own.
			limits := &view.Limits{Excellent: 0.8, Good: 1.8, Fair: 4}
			onPhones := view.Field{Group: "home", Device: "mobile", Title: "The home", Limits: limits, Vitals: []view.FieldVital{
				{Vital: probe.LCP, Value: 3.5, Rating: probe.Fair, Count: 100, Lab: new(2.25), LabRating: probe.Fair},
				{Vital: probe.CLS, Value: 0.125, Rating: probe.Fair, Count: 90, Lab: new(0.0625), LabRating: probe.Good},
			}}
			if diff := cmp.Diff([]view.Field{onPhones}, home.Field); diff != "" {
				t.Errorf("field of the touchpoint (-want +got):\n%s", diff)
			}
			young, err := v.Touchpoint(t.Context(), "mobile", "home", view.Hour)
			if err != nil {
				t.Fatal(err)
			}
			told := view.Field{Group: "home", Device: "mobile", Title: "The home", Limits: limits, Vitals: []view.FieldVital{{Vital: probe.LCP, Value: 2, Count: 50}}}
			if diff := cmp.Diff([]view.Field{told}, young.Field); diff != "" {
				t.Errorf("field of a touchpoint without figures of a day (-want +got):\n%s", diff)
			}
			web, err := v.Channel(t.Context(), "web", view.Hour)
			if err != nil {
				t.Fatal(err)
			}
			elsewhere := view.Field{Group: "other", Device: "desktop", Vitals: []view.FieldVital{
				{Vital: probe.INP, Value: 0.25, Rating: probe.Fair, Count: 200},
			}}
			if diff := cmp.Diff([]view.Field{elsewhere, onPhones}, web.Field); diff != "" {
				t.Errorf("field of the channel (-want +got):\n%s", diff)
			}
		})
	}
}

func testLoads(t *testing.T, l *view.Loads, end time.Time) {
	t.Helper()
	if l == nil || len(l.Vitals) != 3 || len(l.Parties) != 2 || len(l.Sites) == 0 {
		t.Fatalf("got %+v, want three vitals, two parties and sites", l)
	}
	for i, want := range []struct {
		vital probe.Vital
		value float64
	}{{probe.LCP, 2}, {probe.FCP, 0.75}, {probe.TTFB, 0.25}} {
		got := l.Vitals[i]
		if got.Vital != want.vital {
			t.Fatalf("vital %d is %s, want %s", i, got.Vital, want.vital)
		}
		testFlat(t, string(got.Vital), got.Line, want.value, end)
	}
	testFlat(t, l.Parties[0].Party, l.Parties[0].Line, 1000, end)
	testFlat(t, l.Parties[1].Party, l.Parties[1].Line, 500, end)
	testFlat(t, "sites", l.Sites, 3, end)
}

// testFlat looks at a line that has one value through an hour.
func testFlat(t *testing.T, name string, line []view.Point, want float64, end time.Time) {
	t.Helper()
	if n := len(line); n != 60 || !line[n-1].At.Equal(end) {
		t.Errorf("%s: %d points, want 60 up to %v", name, n, end)
	}
	for _, p := range line {
		if p.Value != want {
			t.Errorf("%s: %v at %v, want %v", name, p.Value, p.At, want)
			return
		}
	}
}

func testPair(t *testing.T, got []view.PairSide) {
	t.Helper()
	side := func(channel, title string, seconds, bytes float64) view.PairSide {
		return view.PairSide{
			Channel: channel, ChannelTitle: title, ChannelType: "mobile_web", Touchpoint: "home", Title: "The home", Rating: probe.Excellent,
			Seconds: new(seconds), Bytes: new(bytes), Requests: new(8.0),
		}
	}
	want := []view.PairSide{side("mobile", "Mobile", 3, 1402), side("web", "Web", 2, 1400)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pair (-want +got):\n%s", diff)
	}
}
