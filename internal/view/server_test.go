package view_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
	"github.com/channelwatch/channelwatch/internal/query/querytest"
	"github.com/channelwatch/channelwatch/internal/view"
)

// fine is a part that loses nothing.
func fine(time.Time) map[string]float64 { return map[string]float64{} }

// shopWorld scripts five channels: shop was poor three hours ago for 20 minutes, with two good minutes inside, and fair for
// a minute ten hours ago; app is fair; push cannot be measured; blog is always good; chat was fair for 90 s, four minutes ago. From 6 to 5 hours ago nothing was
// recorded at all.
func shopWorld(end time.Time) *world {
	w := newWorld(end, 26*time.Hour)
	ago := func(at time.Time) time.Duration { return end.Sub(at) }
	w.off = func(at time.Time) bool { return ago(at) > 5*time.Hour && ago(at) <= 6*time.Hour }
	home := func(at time.Time) map[string]float64 {
		switch d := ago(at); {
		case d <= 170*time.Minute && d > 168*time.Minute:
			return map[string]float64{}
		case d <= 180*time.Minute && d > 160*time.Minute:
			return map[string]float64{"reachable/refused": 80}
		case d < 10*time.Hour && d >= 10*time.Hour-time.Minute:
			return map[string]float64{"fast/slow_server": 60}
		}
		return map[string]float64{}
	}
	w.record(line{name: "shop", parts: []part{{"home", "critical", 2, home}, {"cart", "standard", 1, fine}}, agreement: map[string]float64{
		"score": 97.25, "budget_left:ratio": 0.45, "coverage:ratio": 0.75, "state": 2,
	}})
	w.record(line{name: "app", parts: []part{{"start", "critical", 1, func(at time.Time) map[string]float64 {
		if ago(at) <= 12*time.Minute {
			return map[string]float64{"fast/slow_server": 25, "correct/wrong_text": 10.5}
		}
		return map[string]float64{}
	}}}})
	w.record(line{name: "push", parts: []part{{"news", "standard", 1, func(at time.Time) map[string]float64 {
		if ago(at) <= 20*time.Minute {
			return nil
		}
		return map[string]float64{}
	}}}})
	w.record(line{name: "blog", parts: []part{{"start", "standard", 1, fine}}})
	w.record(line{name: "chat", parts: []part{{"start", "critical", 1, func(at time.Time) map[string]float64 {
		if d := ago(at); d <= 4*time.Minute && d > 150*time.Second {
			return map[string]float64{"fast/slow_server": 40}
		}
		return map[string]float64{}
	}}}})
	w.checks(map[string]string{"refused": "connection refused", "slow_server": "slow server", "weakest_touchpoint": "weakest touchpoint"})
	for _, at := range w.evaluations(30*time.Second, 25*time.Hour) {
		w.add(at, 1, "channelwatch_host_serves_channel", "channel", "shop", "instance", "web1", "location", "berlin")
		busy := 0.0
		if ago(at) <= 175*time.Minute && ago(at) > 165*time.Minute {
			busy = 1
		}
		w.add(at, busy, "instance:channelwatch_host_saturated:bool", "instance", "web1", "location", "berlin")
		w.add(at, 0.1+busy/2, "instance_resource:channelwatch_host_pressure:ratio5m", "instance", "web1", "location", "berlin", "resource", "cpu")
		w.add(at, 0.4, "touchpoint:channelwatch_probe_duration_seconds:p90_1h", "channel", "shop", "touchpoint", "home")
		w.add(at, 0.2, "touchpoint_phase:channelwatch_probe_phase_seconds:mean1h", "channel", "shop", "touchpoint", "home", "phase", "wait")
		w.add(at, 0.1, "touchpoint_phase:channelwatch_probe_phase_seconds:mean1h", "channel", "shop", "touchpoint", "home", "phase", "tls")
		if ago(at) <= 179*time.Minute && ago(at) > 157*time.Minute {
			w.add(at, 1, "ALERTS", "alertname", "ChannelPoor", "alertstate", "firing", "severity", "critical", "channel", "shop", "title", "Shop")
			w.add(at, 1, "ALERTS", "alertname", "TouchpointLabFieldDisagree", "alertstate", "firing", "severity", "info", "channel", "shop") // may be forged
		}
	}
	return w
}

// lately is a time of an evaluation that is old enough for every release of VictoriaMetrics.
func lately() time.Time {
	return time.Now().Add(-40 * time.Second).Truncate(time.Second).Add(217 * time.Millisecond).UTC()
}

// TestView_RealServers builds all models from the same samples in Prometheus and in VictoriaMetrics.
//
//nolint:tparallel // the comparison at the end is of what all subtests have looked at
func TestView_RealServers(t *testing.T) {
	t.Parallel()
	end := lately()
	w := shopWorld(end)
	overviews := make(map[string]*view.Overview)
	for name, start := range map[string]func(testing.TB, []query.Series) string{
		"prometheus": querytest.Prometheus, "victoria-metrics": querytest.VictoriaMetrics,
	} {
		remote, err := query.NewRemote(query.RemoteConfig{URL: start(t, w.all())})
		if err != nil {
			t.Fatal(err)
		}
		v := view.New(view.Options{Engine: remote})
		if overviews[name], err = v.Overview(t.Context(), view.Day); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Run("overview", func(t *testing.T) { testOverview(t, overviews[name], end) })
			t.Run("incidents", func(t *testing.T) { testIncidents(t, v, end) })
			t.Run("channel", func(t *testing.T) { testChannel(t, v, end) })
			t.Run("touchpoint", func(t *testing.T) { testTouchpoint(t, v, end) })
			t.Run("ranges", func(t *testing.T) { testRanges(t, v, end) })
			t.Run("not found", func(t *testing.T) { testNotFound(t, v) })
		})
	}
	// VictoriaMetrics keeps 15 decimal digits.
	if diff := cmp.Diff(overviews["prometheus"], overviews["victoria-metrics"], cmpopts.EquateApprox(1e-13, 0)); diff != "" {
		t.Errorf("from prometheus (-) and victoria-metrics (+):\n%s", diff)
	}
}

func names(channels []view.Channel) []string {
	var all []string
	for _, c := range channels {
		all = append(all, c.Name+" "+c.Rating.String())
	}
	return all
}

func testOverview(t *testing.T, o *view.Overview, end time.Time) {
	t.Helper()
	if !o.At.Equal(end) || !o.From.Equal(end.Add(-24*time.Hour)) || o.Range != view.Day {
		t.Errorf("got %v from %v to %v, want 24h to %v", o.Range, o.From, o.At, end)
	}
	if diff := cmp.Diff([]string{"app fair", "push unknown", "blog excellent", "chat excellent", "shop excellent"}, names(o.Channels)); diff != "" {
		t.Fatalf("order (-want +got):\n%s", diff)
	}
	app, push, blog, shop := o.Channels[0], o.Channels[1], o.Channels[2], o.Channels[4]
	want := view.Channel{
		Name: "app", Title: "App", Type: "mobile_web", OwnerIT: "it@app", OwnerMarketing: "brand@app", Rating: probe.Fair,
		Since: new(end.Add(-12 * time.Minute)),
		Now:   &view.Score{Window: "5m", Score: 64.5, Up: 100, Gap: 35.5, Rating: probe.Fair, At: end},
		Causes: []view.Cause{
			{Check: "slow_server", Dimension: "fast", Points: 25, Title: "slow server", Marketing: "Marketing about slow_server.", IT: "IT about slow_server."},
			{Check: "wrong_text", Dimension: "correct", Points: 10.5, Title: "wrong_text"},
		},
		CausesOf: "5m",
		Agreement: view.Agreement{State: view.NoAgreement, Words: view.Sides{
			Marketing: "No agreement: nobody has said yet how good is good enough.", IT: "No agreement: the channel has no objective.",
		}},
		Words: view.Words{
			Gap:   "Last 5 minutes: up 100 %, good or better 64.5 %. Points lost: slow server 25, wrong_text 10.5.",
			Since: "Below good for 12 min",
			Cause: view.Sides{Marketing: "Marketing about slow_server.", IT: "IT about slow_server."},
		},
	}
	if diff := cmp.Diff(want, app, cmpopts.IgnoreFields(view.Channel{}, "Day", "Month", "Timeline", "Spark"), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("app (-want +got):\n%s", diff)
	}
	if !blog.Since.Equal(end.Add(-5*time.Hour)) || !blog.SinceAtLeast || blog.Words.Since != "Good or better for at least 5 h" {
		t.Errorf("blog is good since %v, at least %v, %q: want the end of the hole", blog.Since, blog.SinceAtLeast, blog.Words.Since)
	}
	if !shop.Since.Equal(end.Add(-160*time.Minute)) || shop.SinceAtLeast {
		t.Errorf("shop is good since %v, at least %v: want the end of its incident", shop.Since, shop.SinceAtLeast)
	}
	if !push.Since.Equal(end.Add(-20*time.Minute)) || push.Words.Since != "Not measured for 20 min" || push.Now != nil {
		t.Errorf("push is unknown since %v, %q, now %+v", push.Since, push.Words.Since, push.Now)
	}
	if push.Words.Gap != "Not measured." {
		t.Errorf("push: got %q", push.Words.Gap)
	}
	for _, s := range []*view.Score{blog.Now, blog.Day, blog.Month} {
		if s == nil || s.Score != 100 || s.Rating != probe.Excellent || s.At.After(end) || end.Sub(s.At) > time.Hour {
			t.Errorf("blog: got %+v, want 100 of the last hour", s)
		}
	}
	if blog.Day.Window != "1d" || blog.Month.Window != "28d" || !blog.Day.At.Before(end) || !blog.Month.At.Before(blog.Day.At) {
		t.Errorf("blog: day %+v and month %+v, want each of its own evaluation", blog.Day, blog.Month)
	}
	if blog.Day.Coverage != 0.96 || blog.Day.Early || blog.Month.Coverage != 0.04 || !blog.Month.Early || blog.Now.Early {
		t.Errorf("blog: day %+v, month %+v, now %+v: want only the month early", blog.Day, blog.Month, blog.Now)
	}
	review := end.Add(-48 * time.Hour).Truncate(24 * time.Hour)
	wantAgreement := view.Agreement{
		State: view.Kept, Score: 95, Window: "28d", Got: new(97.25), Left: new(0.45), Coverage: 0.75, Review: &review, Overdue: true,
		Words: view.Sides{
			Marketing: "The agreement holds: 97.2 over 28 days, 95 was agreed. Its review was due on " + review.Format(time.DateOnly) + ".",
			IT:        "Objective 95 over 28 days: score 97.2, 45 % of the room for bad results left. Its review was due on " + review.Format(time.DateOnly) + ".",
		},
	}
	if diff := cmp.Diff(wantAgreement, shop.Agreement); diff != "" {
		t.Errorf("agreement (-want +got):\n%s", diff)
	}
	testTimeline(t, shop.Timeline, o.From, end)
	if n := len(blog.Spark); n < 40 || n > 48 || blog.Spark[n-1].Value != 100 {
		t.Errorf("blog: %d points of the small line, want one each half hour but for the hole", n)
	}
}

// testTimeline looks at the timeline of shop: it must show each trouble, and the hole as a hole.
func testTimeline(t *testing.T, spans []view.Span, from, end time.Time) {
	t.Helper()
	var got []string
	for i, s := range spans {
		if i > 0 && s.From.Sub(spans[i-1].Until) > 50*time.Minute {
			got = append(got, "hole")
		}
		got = append(got, s.Rating.String())
	}
	want := []string{"excellent", "fair", "excellent", "hole", "excellent", "poor", "excellent"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
		return
	}
	poor := spans[4]
	if poor.From.After(end.Add(-180*time.Minute)) || poor.Until.Before(end.Add(-160*time.Minute-30*time.Second)) || poor.Until.Sub(poor.From) > 30*time.Minute {
		t.Errorf("poor from %v to %v, want the incident, widened to 5 minutes", poor.From, poor.Until)
	}
	if spans[0].From.Before(from) || spans[0].From.Sub(from) > 30*time.Second || !spans[len(spans)-1].Until.Equal(end) {
		t.Errorf("timeline from %v to %v, want %v to %v", spans[0].From, spans[len(spans)-1].Until, from, end)
	}
}

func testIncidents(t *testing.T, v *view.View, end time.Time) {
	t.Helper()
	got, err := v.Incidents(t.Context(), "", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	at := func(ago time.Duration) time.Time { return end.Add(-ago) }
	refused := view.Cause{Check: "refused", Dimension: "reachable", Points: 160.0 / 3, Title: "connection refused", Marketing: "Marketing about refused.", IT: "IT about refused."}
	weakest := view.Cause{Check: "weakest_touchpoint", Points: 20.0 / 3, Title: "weakest touchpoint", Marketing: "Marketing about weakest_touchpoint.", IT: "IT about weakest_touchpoint."}
	slow := view.Cause{Check: "slow_server", Dimension: "fast", Points: 40, Title: "slow server", Marketing: "Marketing about slow_server.", IT: "IT about slow_server."}
	want := []view.Incident{
		{
			Channel: "chat", Title: "Chat", From: at(4 * time.Minute), Until: new(at(150 * time.Second)), Seconds: 90,
			Worst: probe.Fair, Score: 60, Causes: []view.Cause{slow}, Words: view.Sides{
				Marketing: "Chat was fair for 1 min 30 s: on average 40 points lost to slow server. Marketing about slow_server.",
				IT:        "Chat was fair for 1 min 30 s: on average 40 points lost to slow server. IT about slow_server.",
			},
		},
		{Channel: "app", Title: "App", From: at(12 * time.Minute), Seconds: 720, Worst: probe.Fair, Score: 64.5},
		{
			Channel: "shop", Title: "Shop", From: at(180 * time.Minute), Until: new(at(160 * time.Minute)), Seconds: 1200,
			Worst: probe.Poor, Score: 40, Causes: []view.Cause{refused, weakest},
			Alerts: []view.Alert{{Name: "ChannelPoor", Severity: "critical", From: at(179 * time.Minute)}},
			Hosts: []view.Host{{Instance: "web1", Saturated: []view.Stretch{{
				From: at(175*time.Minute + 30*time.Second), Until: at(165*time.Minute + 30*time.Second),
			}}}},
			Words: view.Sides{
				Marketing: "Shop was poor for 20 min: on average 53.4 points lost to connection refused. Marketing about refused.",
				IT:        "Shop was poor for 20 min: on average 53.4 points lost to connection refused. IT about refused.",
			},
		},
		{
			Channel: "shop", Title: "Shop", From: at(10*time.Hour - 30*time.Second), Until: new(at(10*time.Hour - 90*time.Second)), Seconds: 60,
			Worst: probe.Fair, Score: 60, Causes: []view.Cause{slow}, Words: view.Sides{
				Marketing: "Shop was fair for 1 min: on average 40 points lost to slow server. Marketing about slow_server.",
				IT:        "Shop was fair for 1 min: on average 40 points lost to slow server. IT about slow_server.",
			},
		},
	}
	got[1].Causes, got[1].Words = nil, view.Sides{} // the overview shows the same
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("incidents (-want +got):\n%s", diff)
	}
}

func testChannel(t *testing.T, v *view.View, end time.Time) {
	t.Helper()
	p, err := v.Channel(t.Context(), "shop", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	incidents, err := v.Incidents(t.Context(), "shop", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(incidents, p.Incidents); diff != "" {
		t.Errorf("incidents of the list (-) and of the page (+):\n%s", diff)
	}
	testTimeline(t, p.Timeline, p.From, end)
	var windows []string
	for _, s := range p.Windows {
		windows = append(windows, s.Window)
		if early := s.Window == "7d" || s.Window == "28d"; s.Early != early {
			t.Errorf("window %s: early %v", s.Window, s.Early)
		}
	}
	if diff := cmp.Diff([]string{"5m", "1h", "1d", "7d", "28d"}, windows); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
	var dimensions []string
	for _, d := range p.Dimensions {
		dimensions = append(dimensions, d.Name+" "+d.Rating.String())
		poor := slices.ContainsFunc(d.Timeline, func(s view.Span) bool { return s.Rating == probe.Poor })
		if poor != (d.Name == "reachable" || d.Name == "fast") {
			t.Errorf("dimension %s was poor: %v", d.Name, poor)
		}
	}
	if diff := cmp.Diff([]string{"reachable excellent", "correct excellent", "fast excellent", "trusted excellent"}, dimensions); diff != "" {
		t.Errorf("dimensions (-want +got):\n%s", diff)
	}
	if len(p.Touchpoints) != 2 || p.Touchpoints[0].Name != "cart" || p.Touchpoints[1].Name != "home" {
		t.Fatalf("touchpoints %+v, want cart and home", p.Touchpoints)
	}
	home := p.Touchpoints[1]
	if home.Weight != 2 || home.Every != 30 || home.Tier != "critical" || home.Kind != "page" || home.Title != "The home" ||
		*home.Limits != (view.Limits{Excellent: 0.8, Good: 1.8, Fair: 4}) || len(home.Speed) < 90 || home.Now.Score != 100 || home.Day.Coverage != 0.96 {
		t.Errorf("home: %+v", home)
	}
	testHosts(t, p.Hosts, end)
	testSums(t, p.Score, p.Lost, end)
	if n := len(p.Score); n < 270 || n > 288 {
		t.Errorf("%d points of the score line, want one each 5 minutes but for the hole", n)
	}
	if diff := cmp.Diff([]string{"refused", "weakest_touchpoint"}, checks(p.Lost)); diff != "" {
		t.Errorf("points lost (-want +got):\n%s", diff)
	}
}

func checks(lost []view.CauseOverTime) []string {
	var all []string
	for _, c := range lost {
		all = append(all, string(c.Check))
	}
	return all
}

func testHosts(t *testing.T, hosts []view.Host, end time.Time) {
	t.Helper()
	if len(hosts) != 1 || hosts[0].Instance != "web1" || len(hosts[0].Saturated) != 1 || len(hosts[0].CPU) < 260 || hosts[0].Memory != nil {
		t.Fatalf("hosts %+v", hosts)
	}
	s := hosts[0].Saturated[0]
	if s.From.After(end.Add(-175*time.Minute)) || s.Until.Before(end.Add(-165*time.Minute)) || s.Until.Sub(s.From) > 20*time.Minute {
		t.Errorf("under pressure from %v to %v, want 10 minutes, widened to 5", s.From, s.Until)
	}
	highest := slices.MaxFunc(hosts[0].CPU, func(a, b view.Point) int { return int(1000 * (a.Value - b.Value)) })
	if highest.Value != 0.6 {
		t.Errorf("highest pressure %v, want 0.6", highest)
	}
}

// testSums sees to it that score and points lost are 100 at every time, and that the line ends now.
func testSums(t *testing.T, score []view.Point, lost []view.CauseOverTime, end time.Time) {
	t.Helper()
	for i, p := range score {
		sum := p.Value
		for _, c := range lost {
			if len(c.Line) != len(score) || !c.Line[i].At.Equal(p.At) {
				t.Fatalf("%s has %d points, and not the times of the score (%d)", c.Check, len(c.Line), len(score))
			}
			sum += c.Line[i].Value
		}
		if math.Abs(sum-100) > 1e-9 {
			t.Errorf("at %v score and points lost are %v, want 100", p.At, sum)
		}
	}
	if len(score) == 0 || end.Sub(score[len(score)-1].At) > 5*time.Minute {
		t.Errorf("the line has %d points and does not end now", len(score))
	}
}

func testTouchpoint(t *testing.T, v *view.View, end time.Time) {
	t.Helper()
	p, err := v.Touchpoint(t.Context(), "shop", "home", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	page, err := v.Channel(t.Context(), "shop", view.Day)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page.Touchpoints[1], p.Touchpoint); diff != "" {
		t.Errorf("row of the channel's page (-) and page (+):\n%s", diff)
	}
	testSums(t, p.Score, p.Lost, end)
	if lost := checks(p.Lost); !slices.Equal(lost, []string{"refused"}) || p.ChannelTitle != "Shop" || len(p.Windows) != 5 {
		t.Errorf("points lost to %v, channel %q, %d windows", lost, p.ChannelTitle, len(p.Windows))
	}
	if len(p.Phases) != 2 || p.Phases[0].Phase != "tls" || p.Phases[1].Phase != "wait" || p.Phases[1].Line[0].Value != 0.2 {
		t.Errorf("phases %+v, want tls and wait in the order in which they happen", p.Phases)
	}
	for _, q := range p.Queries {
		if !strings.Contains(q.Expr, `{channel="shop",touchpoint="home"}`) {
			t.Errorf("%s: %s does not name the touchpoint", q.Title, q.Expr)
		}
	}
}

// testRanges looks at the other ranges: nothing bad may be hidden by a long one.
func testRanges(t *testing.T, v *view.View, end time.Time) {
	t.Helper()
	for _, r := range view.Ranges() {
		o, err := v.Overview(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		app := o.Channels[0]
		if since := end.Add(-12 * time.Minute).Sub(*app.Since); since < -5*time.Minute || since > 5*time.Minute || app.Rating != probe.Fair {
			t.Errorf("%s: app is %v since %v, want fair for 12 minutes", r, app.Rating, app.Since)
		}
		last := app.Timeline[len(app.Timeline)-1]
		if last.Rating != probe.Fair || end.Sub(last.Until) > 0 {
			t.Errorf("%s: the timeline of app ends with %v until %v", r, last.Rating, last.Until)
		}
		p, err := v.Channel(t.Context(), "shop", r)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Timeline {
			if s.From.Before(p.From) || s.Until.After(p.At) || !s.From.Before(s.Until) {
				t.Errorf("%s: span %+v is not within %v to %v", r, s, p.From, p.At)
			}
		}
		switch {
		case r == view.Hour && len(p.Incidents) != 0, r != view.Hour && len(p.Incidents) != 2:
			t.Errorf("%s: %d incidents", r, len(p.Incidents))
		case r == view.Week:
			i := p.Incidents[0]
			if d := i.From.Sub(end.Add(-180 * time.Minute)).Abs(); d > 5*time.Minute || i.Worst != probe.Poor || math.Abs(i.Score-40) > 1e-9 || i.Causes[0].Check != "refused" ||
				len(i.Alerts) != 1 || len(i.Hosts) != 1 {
				t.Errorf("%s: incident %+v", r, i)
			}
		}
		all, err := v.Incidents(t.Context(), "", r)
		if err != nil {
			t.Fatal(err)
		}
		// What has just been is known exactly in every range.
		young := all[0]
		if young.Channel != "chat" || !young.From.Equal(end.Add(-4*time.Minute)) || young.Seconds != 90 || young.Score != 60 || young.Causes[0].Check != "slow_server" {
			t.Errorf("%s: the youngest incident is %+v", r, young)
		}
		if !o.Channels[3].Since.Equal(end.Add(-150*time.Second)) || o.Channels[3].SinceAtLeast {
			t.Errorf("%s: chat is good since %v", r, o.Channels[3].Since)
		}
		if end.Sub(p.Score[len(p.Score)-1].At) > 10*time.Minute {
			t.Errorf("%s: the score line ends at %v", r, p.Score[len(p.Score)-1].At)
		}
		for i := range p.Score {
			sum := p.Score[i].Value
			for _, c := range p.Lost {
				sum += c.Line[i].Value
			}
			if math.Abs(sum-100) > 1e-9 {
				t.Errorf("%s: at %v score and points lost are %v, want 100", r, p.Score[i].At, sum)
			}
		}
	}
}

func testNotFound(t *testing.T, v *view.View) {
	t.Helper()
	for what, ask := range map[string]func(context.Context) error{
		"channel":                  func(ctx context.Context) error { _, err := v.Channel(ctx, "none", view.Day); return err },
		"no name":                  func(ctx context.Context) error { _, err := v.Channel(ctx, `shop"} or up{a="`, view.Day); return err },
		"touchpoint":               func(ctx context.Context) error { _, err := v.Touchpoint(ctx, "shop", "none", view.Day); return err },
		"touchpoint of no channel": func(ctx context.Context) error { _, err := v.Touchpoint(ctx, "none", "home", view.Day); return err },
		"no name of a touchpoint":  func(ctx context.Context) error { _, err := v.Touchpoint(ctx, "shop", "", view.Day); return err },
		"incidents":                func(ctx context.Context) error { _, err := v.Incidents(ctx, "none", view.Day); return err },
		"incidents of no name":     func(ctx context.Context) error { _, err := v.Incidents(ctx, "A", view.Day); return err },
	} {
		if err := ask(t.Context()); !errors.Is(err, view.ErrNotFound) {
			t.Errorf("%s: got error %v, want %v", what, err, view.ErrNotFound)
		}
	}
}
