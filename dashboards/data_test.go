package dashboards_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/demo"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

// mayBeEmpty lists the queries that may give nothing even where all is well, and why. "partly" ones must give something
// for at least one choice of the variables; the others are filled by TestDashboards_ShowManyChannels and, what a browser sees, by
// TestDashboards_ShowPagesInABrowser.
var mayBeEmpty = []struct {
	uid    string
	panel  int
	ref    string
	partly bool
	reason string
}{
	{"channelwatch-shared", 7, "C", false, "a week before has no score yet"},
	{"channelwatch-channel", 11, "A", true, "a channel without a fault has nothing wrong"},
	{"channelwatch-channel", 31, "A", true, "only pages have documents"},
	{"channelwatch-channel", 31, "B", true, "only calls have answers"},
	{"channelwatch-channel", 41, "A", true, "only push channels send messages"},
	{"channelwatch-channel", 42, "A", true, "only push channels send messages"},
	{"channelwatch-hosts", 31, "A", false, "an idle disk has no time per read"},
	{"channelwatch-hosts", 31, "B", false, "an idle disk has no time per write"},
	{"channelwatch-operations", 5, "A", false, "no alert has to fire"},
	{"channelwatch-operations", 11, "A", false, "everything could be measured"},
	{"channelwatch-operations", 41, "", false, "the demo of these tests has no browser"},
	{"channelwatch-operations", 42, "", false, "the demo of these tests has no browser"},
	{"channelwatch-operations", 43, "", false, "the demo of these tests has no browser"},
	{"channelwatch-operations", 44, "", false, "the demo of these tests has no browser"},
	{"channelwatch-operations", 45, "", false, "the demo of these tests has no browser"},
	{"channelwatch-operations", 46, "", false, "the demo of these tests has no browser"},
	{"channelwatch-journeys", 3, "", true, "only some journeys end before their end"},
	{"channelwatch-push", 2, "", true, "only where messages are seen to arrive is there anything to say of it"},
	{"channelwatch-push", 3, "", true, "only where messages are seen to arrive is there a time"},
	{"channelwatch-push", 4, "", true, "only where messages are seen to arrive can they be called lost"},
	{"channelwatch-push", 8, "", true, "only some messages are answered"},
	{"channelwatch-push", 21, "", true, "only some touchpoints have credentials, test devices or receivers of their own"},
	{"channelwatch-push", 31, "", true, "only where messages are seen to arrive can they do so otherwise"},
	{"channelwatch-push", 32, "", true, "only some messages are held back"},
	{"channelwatch-push", 33, "", true, "only some receivers are the agent's own"},
	{"channelwatch-push", 34, "", true, "only some messages are accepted"},
	{"channelwatch-push", 43, "", true, "only customers' own senders report what they sent"},
	{"channelwatch-web", 2, "D", true, "only pages with a step that clicks have an answer to it"},
	{"channelwatch-web", 6, "", true, "only pages with a step that clicks have an answer to it"},
	{"channelwatch-web", 51, "", true, "only some channels hear of customers' browsers"},
	{"channelwatch-web", 52, "A", true, "only some channels hear of customers' browsers"},
	{"channelwatch-web", 53, "", true, "only some channels hear of customers' browsers"},
	{"channelwatch-web", 54, "", true, "only some channels hear of customers' browsers"},
	{"channelwatch-web", 61, "", true, "only some pages have a pair"},
	{"channelwatch-web", 62, "", true, "only some pages have a pair"},
	{"channelwatch-web", 63, "", true, "only some pages have a pair"},
}

// script lets each channel have a fault within half a minute, again and again.
func script() demo.Script {
	const s = time.Second
	return demo.Script{Every: 24 * s, Episodes: []demo.Episode{
		{Fault: "search-down", From: 2 * s, Until: 8 * s},
		{Fault: "login-down", From: 4 * s, Until: 12 * s},
		{Fault: "push-lost", From: 6 * s, Until: 16 * s},
		{Fault: "slow-products", From: 12 * s, Until: 18 * s},
	}}
}

// startDemo runs the demo shop and an agent that watches it until the test ends, and returns the agent's address.
func startDemo(t *testing.T) string {
	t.Helper()
	return startShop(t, demo.Options{Script: script(), Every: 2 * time.Second})
}

// startShop runs a demo shop and an agent that watches it until the test ends, and returns the agent's address.
func startShop(t *testing.T, opts demo.Options) string {
	t.Helper()
	shop, err := demo.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shop.Close(); err != nil {
			t.Errorf("closing the shop: %v", err)
		}
	})
	all := kinds.All() // one list: a kind may hold something for all its touchpoints
	read := func() (*config.Config, error) {
		cfg, err := config.Parse("demo", shop.Config(), all)
		if err != nil {
			return nil, err
		}
		cfg.Agent.Listen = "127.0.0.1:0"
		return cfg, nil
	}
	cfg, err := read()
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		Config: cfg, Load: read, Kinds: all, Demo: true, Log: slog.New(slog.DiscardHandler), Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the agent: %v", err)
		}
	})
	return a.Addr()
}

// zoom is the time range of a reader who looks at the last minutes: a test has no more.
const zoom = 5 * time.Minute

func TestDashboards_ShowDataOfTheDemo(t *testing.T) {
	t.Parallel()
	p := startPrometheus(t, t.TempDir(), hastenedRules(t), startDemo(t))
	eventually(t, "the first scores", func() string {
		for _, window := range windows {
			a, err := p.query(t.Context(), "channel:channelwatch_score:"+window, time.Now())
			if err != nil {
				return err.Error()
			}
			if len(a.samples) < 4 {
				return fmt.Sprintf("%d scores over %s, want 4", len(a.samples), window)
			}
		}
		return ""
	})
	for _, b := range ofTheDemo(load(t)) {
		t.Run(b.UID, func(t *testing.T) {
			t.Parallel()
			checkData(t, p, &b)
		})
	}
	t.Run("values", func(t *testing.T) {
		t.Parallel()
		checkValues(t, p)
	})
}

// checkData asks all queries of a dashboard for all that its reader can choose.
func checkData(t *testing.T, p *prometheus, b *board) {
	t.Helper()
	all, err := choices(t.Context(), p, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range b.Templating.List {
		if v.Type == "query" && !slices.ContainsFunc(all, func(c choice) bool { return c[v.Name] != "" && c[v.Name] != ".*" }) {
			t.Errorf("variable %s has no value", v.Name)
		}
	}
	length := days(b.Time.From[len("now-"):])
	var wait sync.WaitGroup
	defer wait.Wait()
	for _, of := range b.all() {
		if (of.Type == "table" || of.Type == "barchart") && len(of.Targets) > 1 {
			wait.Go(func() { checkMerged(t, p, &of, all[0]) })
		}
		for _, q := range of.Targets {
			wait.Go(func() {
				if _, err := reasonable(t.Context(), p, &of, &q, all[0], length); err != nil {
					t.Errorf("%s/%s over %v: %v", of.Title, q.RefID, length, err)
				}
				checkQuery(t, p, b, &of, &q, all)
			})
		}
	}
	for _, a := range b.Annotations.List {
		if _, err := reasonable(t.Context(), p, &panel{}, &target{Expr: a.Expr, Range: true}, all[0], zoom); err != nil {
			t.Errorf("annotation %s: %v", a.Name, err)
		}
	}
}

// checkQuery waits until a query has data for all choices, or as many as it must.
func checkQuery(t *testing.T, p *prometheus, b *board, of *panel, q *target, all []choice) {
	t.Helper()
	optional, partly := false, false
	for _, e := range mayBeEmpty {
		if e.uid == b.UID && e.panel == of.ID && (e.ref == q.RefID || e.ref == "") {
			optional, partly = true, e.partly
		}
	}
	filled := 0
	for _, chosen := range all {
		a, err := reasonable(t.Context(), p, of, q, chosen, zoom)
		for deadline := time.Now().Add(patience); err == nil && len(a.samples) == 0 && !optional && time.Now().Before(deadline); {
			<-time.After(500 * time.Millisecond)
			a, err = reasonable(t.Context(), p, of, q, chosen, zoom)
		}
		switch {
		case err != nil:
			t.Errorf("%s/%s for %v: %v", of.Title, q.RefID, chosen, err)
			return
		case len(a.samples) > 0:
			filled++
		case !optional:
			t.Errorf("%s/%s for %v: no data", of.Title, q.RefID, chosen)
			return
		}
	}
	for deadline := time.Now().Add(patience); partly && filled == 0; <-time.After(500 * time.Millisecond) { // faults come and go
		if time.Now().After(deadline) {
			t.Errorf("%s/%s: no data for any of %d choices", of.Title, q.RefID, len(all))
			return
		}
		for _, chosen := range all {
			if a, err := reasonable(t.Context(), p, of, q, chosen, zoom); err == nil && len(a.samples) > 0 {
				filled++
			}
		}
	}
}

// checkMerged compares the rows that a reader sees with those of the longest table that they are made of.
func checkMerged(t *testing.T, p *prometheus, of *panel, chosen choice) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(500 * time.Millisecond) { // rules may run between two queries
		end := time.Now()
		var tables [][]sample
		longest := 0
		for _, q := range of.Targets {
			a, err := ask(t.Context(), p, of, &q, chosen, zoom, end)
			if err != nil {
				t.Errorf("%s/%s: %v", of.Title, q.RefID, err)
				return
			}
			tables = append(tables, a.samples)
			longest = max(longest, len(a.samples))
		}
		rows := merge(tables)
		if len(rows) == longest {
			return
		}
		if end.After(deadline) {
			t.Errorf("%s: %d rows of tables with up to %d: they do not merge: %v", of.Title, len(rows), longest, rows)
			return
		}
	}
}

// reasonable asks and returns what a panel can show, or an error for an answer that no panel should get.
func reasonable(ctx context.Context, p *prometheus, of *panel, q *target, chosen choice, length time.Duration) (answer, error) {
	a, err := ask(ctx, p, of, q, chosen, length, time.Now())
	for range 5 { // others work on this machine, too: what is slow is so each time
		if err == nil && a.took > p.slow {
			a, err = ask(ctx, p, of, q, chosen, length, time.Now())
		}
	}
	if err != nil {
		return a, err
	}
	if len(a.samples) > 200 {
		return a, fmt.Errorf("%d series, want at most 200", len(a.samples))
	}
	if a.took > p.slow {
		return a, fmt.Errorf("took %v, want at most %v", a.took, p.slow)
	}
	a.samples = slices.DeleteFunc(a.samples, func(s sample) bool { return s.nan }) // nobody can see these
	return a, nil
}

// checkValues compares what different panels of the shared view say of the same channel at the same moment.
func checkValues(t *testing.T, p *prometheus) {
	t.Helper()
	b := named(t, "channelwatch-shared")
	var at time.Time
	eventually(t, "points lost in each channel", func() string {
		at = time.Now()
		for _, window := range windows {
			a, err := p.query(t.Context(), "sum by (channel) (channel_cause:channelwatch_points_lost:"+window+")", at)
			if err != nil {
				return err.Error()
			}
			if len(a.samples) < 4 {
				return fmt.Sprintf("%d channels lost some over %s, want 4", len(a.samples), window)
			}
		}
		return ""
	})
	eventually(t, "every rule to be evaluated for it", func() string {
		var all struct {
			Groups []struct {
				Name           string
				LastEvaluation time.Time
			}
		}
		if err := p.get(t.Context(), "rules", nil, &all); err != nil {
			return err.Error()
		}
		for _, g := range all.Groups {
			if !g.LastEvaluation.After(at) {
				return fmt.Sprintf("%s was evaluated at %v, want after %v", g.Name, g.LastEvaluation, at)
			}
		}
		return ""
	})
	get := func(id int, ref string, chosen choice) []sample {
		of := b.panel(t, id)
		q := of.target(t, ref)
		a, err := ask(t.Context(), p, &of, &q, chosen, zoom, at)
		if err != nil {
			t.Fatal(err)
		}
		return a.samples
	}
	one := func(id int, ref string, chosen choice) float64 {
		t.Helper()
		samples := get(id, ref, chosen)
		if len(samples) != 1 {
			t.Fatalf("panel %d %s for %v: %d values, want 1", id, ref, chosen, len(samples))
		}
		return samples[0].value
	}
	for _, channel := range []string{"desktop-web", "mobile-web", "mobile-app", "push"} {
		for _, window := range windows {
			chosen := choice{"channel": channel, "window": window}
			score, parts := one(4, "A", chosen), 0.0
			for _, cause := range get(6, "A", chosen) {
				parts += cause.value
			}
			if math.Abs(score+parts-100) > 1e-6 {
				t.Errorf("%s over %s: score %v and points lost %v, want 100 together", channel, window, score, parts)
			}
			if row := one(7, "B", chosen); row != score {
				t.Errorf("%s over %s: the bar shows %v and the row %v", channel, window, score, row)
			}
			if got, want := one(4, "B", chosen), band(score); got != want && got != 0 {
				t.Errorf("%s over %s: rating %v beside a score of %v, want %v", channel, window, got, score, want)
			}
		}
		chosen := choice{"channel": channel, "window": "5m"}
		tile, band, row, bar := one(2, "A", chosen), one(3, "A", chosen), one(7, "A", chosen), one(4, "B", chosen)
		if tile != band || tile != row || tile != bar {
			t.Errorf("%s: tile %v, timeline %v, row %v, bar %v, want the same", channel, tile, band, row, bar)
		}
	}
}

// band is the rating of a score, by the definition of the words.
func band(score float64) float64 {
	switch {
	case score >= 90:
		return 4
	case score >= 75:
		return 3
	case score >= 50:
		return 2
	}
	return 1
}
