//go:build !nohistory

package history

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// BenchmarkRules measures the evaluation of each bundled group over 60 channels of four touchpoints, with four weeks of what
// it adds up. share-% is how much of one core its turns take.
func BenchmarkRules(b *testing.B) {
	from := newFleet(b, 60, 4)
	opts := testOptions(b, from)
	opts.Log, opts.Every = nil, 15*time.Second
	s := testStore(b, opts)
	o, closeIt := openStore(b, s)
	defer closeIt()
	now := time.Unix(1_700_000_000, 0)
	rememberMonth(b, o, from, now)

	e, err := newEvaluator(Options{Rules: bundled()}, newEngine(slog.New(slog.DiscardHandler)))
	if err != nil {
		b.Fatal(err)
	}
	byKey, errs := e.newManager(b.Context(), o.storage, metrics.Library()).LoadGroups(evaluateEvery, e.external, "", nil, false, e.loader.names()...)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	groups := e.loader.sorted(slices.Collect(maps.Values(byKey)))
	for end := now.Add(time.Hour); now.Before(end); now = now.Add(opts.Every) {
		from.probe(time.Duration(100+now.Unix()%300) * time.Millisecond)
		if err := s.round(b.Context(), o, now.UnixMilli()); err != nil {
			b.Fatal(err)
		}
		for _, g := range groups {
			if now.Unix()%int64(g.Interval().Seconds()) < int64(opts.Every.Seconds()) {
				g.Eval(b.Context(), now)
			}
		}
	}
	for _, g := range groups {
		b.Run(g.Name(), func(b *testing.B) {
			before, n := cpuTime(b), 0
			for b.Loop() {
				n++
				now = now.Add(time.Millisecond)
				g.Eval(b.Context(), now)
			}
			spent := (cpuTime(b) - before) / time.Duration(n)
			b.ReportMetric(float64(spent.Microseconds())/1000, "cpu-ms/turn")
			b.ReportMetric(100*spent.Seconds()/g.Interval().Seconds(), "share-%")
			b.ReportMetric(float64(o.db.Head().NumSeries()), "series")
			mustBeHealthy(b, g)
		})
	}
}

func mustBeHealthy(b *testing.B, g *rules.Group) {
	b.Helper()
	for _, rule := range g.Rules() {
		if err := rule.LastError(); err != nil {
			b.Errorf("%s: %v", rule.Name(), err)
		}
	}
}

// newFleet is a source of channels with touchpoints.
func newFleet(b *testing.B, channels, touchpoints int) *source {
	b.Helper()
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		b.Fatal(err)
	}
	s := &source{metrics: metrics.New(metrics.Options{Catalogue: catalogue}), catalogue: catalogue, channel: &probe.Channel{}}
	var all []*probe.Channel
	for i := range channels {
		c := &probe.Channel{
			Name: fmt.Sprintf("channel-%02d", i), Title: "Channel", Type: probe.DesktopWeb,
			OwnerIT: "it@example.com", OwnerMkt: "marketing@example.com",
			Objective: probe.Objective{Score: 95, Window: 28 * 24 * time.Hour},
		}
		for j := range touchpoints {
			tp := &probe.Touchpoint{Channel: c.Name, Name: fmt.Sprintf("page-%d", j), Kind: "page", Weight: 1, Every: 30 * time.Second}
			c.Touchpoints = append(c.Touchpoints, tp)
			s.channel.Touchpoints = append(s.channel.Touchpoints, tp) // of which probe makes results
		}
		all = append(all, c)
	}
	s.metrics.Apply(all, nil)
	s.probe(100 * time.Millisecond)
	return s
}

// rememberMonth appends what four weeks of turns recorded of the hours, four series a touchpoint, and of the coverage.
func rememberMonth(b *testing.B, o *opened, from *source, now time.Time) {
	b.Helper()
	var series []labels.Labels
	seen := map[string]bool{}
	for _, tp := range from.channel.Touchpoints {
		for _, verdict := range [][2]string{{"excellent", ""}, {"good", ""}, {"fair", "slow_server"}, {"poor", "timeout"}} {
			series = append(series, labels.FromStrings(
				"__name__", "touchpoint:channelwatch_experience:increase1h", "channel", tp.Channel, "touchpoint", tp.Name,
				"rating", verdict[0], "cause", verdict[1],
			).WithoutEmpty())
		}
		if !seen[tp.Channel] {
			seen[tp.Channel] = true
			series = append(series, labels.FromStrings("__name__", "channel:channelwatch_measured:5m", "channel", tp.Channel))
		}
	}
	for at := now.Add(-28 * 24 * time.Hour); at.Before(now.Add(-5 * time.Minute)); at = at.Add(5 * time.Minute) {
		app := o.storage.Appender(b.Context())
		for i, of := range series {
			if _, err := app.Append(0, of, at.UnixMilli(), float64(1+(at.Unix()/300+int64(i))%120)); err != nil {
				b.Fatal(err)
			}
		}
		if err := app.Commit(); err != nil {
			b.Fatal(err)
		}
		if at.Unix()/300%(12*24) == 0 { // once a day
			if err := o.db.Compact(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
