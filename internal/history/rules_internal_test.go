//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/channelwatch/channelwatch/configs"
	"github.com/channelwatch/channelwatch/internal/metrics"
)

// bundled returns the rule files that are shipped.
func bundled() []RuleFile {
	var files []RuleFile
	for _, f := range configs.Rules() {
		files = append(files, RuleFile(f))
	}
	return files
}

// shop feeds a store as an agent does: one channel with two touchpoints, of which one can break.
type shop struct {
	mu                sync.Mutex
	excellent, broken float64
	down              bool
}

func (s *shop) breakDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// samples returns a round of series as an agent exports them.
func (s *shop) samples(at time.Time) map[string]float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.excellent++
	login := `channel="web", touchpoint="login", instance="here", job="channelwatch"`
	home := `channel="web", touchpoint="home", instance="here", job="channelwatch"`
	all := map[string]float64{
		`channelwatch_experience_total{` + login + `, rating="excellent", dimension="", cause=""}`:                                                                                  s.excellent,
		`channelwatch_experience_total{` + home + `, rating="excellent", dimension="", cause=""}`:                                                                                   s.excellent - s.broken,
		`channelwatch_channel_info{channel="web", title="Web shop", owner_it="web@example.com", owner_marketing="brand@example.com", instance="here", job="channelwatch"}`:          1,
		`channelwatch_check_info{check="connect_refused", title="Connection refused", it="Nothing listens.", marketing="The shop is closed.", instance="here", job="channelwatch"}`: 1,
		`channelwatch_agent_info{location="here", instance="here", job="channelwatch"}`:                                                                                             1,
	}
	for _, of := range []string{login, home} {
		all[`channelwatch_touchpoint_weight{`+of+`}`] = 1
		all[`channelwatch_touchpoint_interval_seconds{`+of+`}`] = 15
		all[`channelwatch_touchpoint_info{`+of+`, tier="standard"}`] = 1
		all[`channelwatch_probe_last_timestamp_seconds{`+of+`}`] = float64(at.Unix())
	}
	if s.down {
		s.broken++
		all[`channelwatch_touchpoint_state{`+home+`, rating="poor", dimension="reachable", cause="connect_refused"}`] = 1
	}
	if s.broken > 0 {
		all[`channelwatch_experience_total{`+home+`, rating="poor", dimension="reachable", cause="connect_refused"}`] = s.broken
	}
	return all
}

// feed appends rounds of samples, stamped like a scrape, until ctx ends.
func feed(ctx context.Context, t *testing.T, st storage.Appendable, every time.Duration, samples func(time.Time) map[string]float64) {
	t.Helper()
	f := feeder{st: st}
	for next := time.Now().Truncate(every).Add(every); sleepUntil(ctx, next); next = next.Add(every) {
		f.round(context.WithoutCancel(ctx), t, next, samples(next))
	}
}

// feeder appends rounds, and ends the series that are missing in one.
type feeder struct {
	st     storage.Appendable
	before map[string]labels.Labels
}

func (f *feeder) round(ctx context.Context, t *testing.T, at time.Time, samples map[string]float64) {
	t.Helper()
	app := f.st.Appender(ctx)
	now := map[string]labels.Labels{}
	for series, v := range samples {
		now[series] = metric(t, series)
		if _, err := app.Append(0, now[series], at.UnixMilli(), v); err != nil {
			t.Errorf("append %s: %v", series, err)
		}
	}
	for series, of := range f.before {
		if _, still := now[series]; still {
			continue
		}
		if _, err := app.Append(0, of, at.UnixMilli(), math.Float64frombits(value.StaleNaN)); err != nil {
			t.Errorf("append the end of %s: %v", series, err)
		}
	}
	f.before = now
	if err := app.Commit(); err != nil {
		t.Errorf("commit: %v", err)
	}
}

func metric(t *testing.T, text string) labels.Labels {
	t.Helper()
	of, err := parser.NewParser(parser.Options{}).ParseMetric(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return of
}

func openShop(t *testing.T, dir string) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// askShop returns the value of each series that a query gives, by its labels.
func askShop(t *testing.T, st storage.Queryable, query string, at time.Time) map[string]float64 {
	t.Helper()
	v, err := rules.EngineQueryFunc(newEngine(slog.New(slog.DiscardHandler)), st)(t.Context(), query, at)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	all := map[string]float64{}
	for _, s := range v {
		all[s.Metric.String()] = s.F
	}
	return all
}

func mustEvaluator(t *testing.T, opts Options) *evaluator {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	e, err := newEvaluator(opts, newEngine(log))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// through returns a gate that is open.
func through(st storage.Storage) *gate { return &gate{Storage: st, to: st} }

// pass lets time pass, in a bubble.
func pass(d time.Duration) { sleepUntil(context.Background(), time.Now().Add(d)) }

// windows are those of the bundled scores.
func windows() []string { return []string{"5m", "1h", "1d", "7d", "28d"} }

func TestEvaluator_ScoresANewStoreSoonAndThenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openShop(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		customers, evaluations := new(shop), 0
		var mu sync.Mutex
		e := mustEvaluator(t, Options{Rules: bundled()})
		parts.Go(func() {
			e.run(ctx, through(db), func() {
				mu.Lock()
				defer mu.Unlock()
				evaluations++
			})
		})
		parts.Go(func() { feed(ctx, t, db, 5*time.Second, customers.samples) })
		recorded := func(window string, within time.Duration) int {
			query := fmt.Sprintf("count_over_time(channel:channelwatch_score:%s[%s])", window, model.Duration(within))
			return int(askShop(t, db, query, time.Now())[`{channel="web"}`])
		}

		pass(17 * time.Second) // the first sample comes after 5 s and is noticed within one
		for _, window := range windows() {
			query := fmt.Sprintf("last_over_time(channel:channelwatch_score:%s[3h])", window)
			want := map[string]float64{`{__name__="channel:channelwatch_score:` + window + `", channel="web"}`: 100}
			if diff := cmp.Diff(want, askShop(t, db, query, time.Now())); diff != "" {
				t.Errorf("%s after 17 s (-want +got):\n%s", query, diff)
			}
		}
		pass(4 * time.Hour)
		// Four turns and six early ones.
		if n := recorded("28d", 5*time.Hour); n != 10 {
			t.Errorf("the score over 28 days was recorded %d times in 4 hours", n)
		}
		if n := recorded("28d", 3*time.Hour); n != 3 {
			t.Errorf("the score over 28 days was recorded %d times in the last 3 hours, want 3", n)
		}
		if n := recorded("5m", time.Hour); n != 120 {
			t.Errorf("the score over 5 minutes was recorded %d times in the last hour, want 120", n)
		}
		mu.Lock()
		if evaluations < 4*60*2 {
			t.Errorf("told of %d evaluations", evaluations)
		}
		mu.Unlock()
		cancel()
		parts.Wait()
		if groups, alerts := e.RuleGroups(), e.AlertingRules(); len(groups)+len(alerts) > 0 {
			t.Errorf("%d groups and %d alerts are evaluated after the end", len(groups), len(alerts))
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEvaluator_ScoresANewStoreSoonWheneverItStarts(t *testing.T) {
	// Turns are at fixed times of the day: one of them comes before there is anything to evaluate.
	for at := time.Duration(0); at < 5*time.Minute; at += 10 * time.Second {
		synctest.Test(t, func(t *testing.T) {
			pass(at)
			db := openShop(t, t.TempDir())
			ctx, cancel := context.WithCancel(t.Context())
			var parts sync.WaitGroup
			e := mustEvaluator(t, Options{Rules: bundled()})
			parts.Go(func() { e.run(ctx, through(db), func() {}) })
			parts.Go(func() { feed(ctx, t, db, 5*time.Second, new(shop).samples) })
			pass(17 * time.Second)
			for _, window := range windows() {
				if got := askShop(t, db, "channel:channelwatch_score:"+window, time.Now()); len(got) != 1 {
					t.Errorf("started at %s: the score over %s is %v after 17 s", at, window, got)
				}
			}
			cancel()
			parts.Wait()
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEvaluator_DoesNothingOutOfTurnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openShop(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		var feeding sync.WaitGroup
		feeding.Go(func() { feed(ctx, t, db, 15*time.Second, new(shop).samples) })
		run := func(lasts time.Duration) (ended time.Time) {
			ctx, cancel := context.WithTimeout(ctx, lasts)
			defer cancel()
			mustEvaluator(t, Options{Rules: bundled()}).run(ctx, through(db), func() {})
			return time.Now()
		}
		before := run(2 * time.Minute)
		pass(time.Minute)
		after := run(45 * time.Second)
		cancel()
		feeding.Wait()
		for window, turns := range map[string]float64{"5m": 1, "28d": 0} {
			query := fmt.Sprintf("count_over_time(channel:channelwatch_score:%s[%s])", window, model.Duration(after.Sub(before)))
			if n := askShop(t, db, query, after)[`{channel="web"}`]; n < turns || n > 2*turns {
				t.Errorf("the score over %s was recorded %v times in the 45 s after a restart, want its %v turns", window, n, turns)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What was recorded before a gap would be counted several times by those who add up, if it were recorded out of turn.
func TestEvaluator_DoesNothingOutOfTurnAfterAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openShop(t, t.TempDir())
		live := func(lasts time.Duration) (began time.Time) {
			pass(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + 10*time.Second))) // no turn of the long windows is near
			ctx, cancel := context.WithTimeout(t.Context(), lasts)
			defer cancel()
			var feeding sync.WaitGroup
			began = time.Now()
			feeding.Go(func() { feed(ctx, t, db, 5*time.Second, new(shop).samples) })
			mustEvaluator(t, Options{Rules: bundled()}).run(ctx, through(db), func() {})
			feeding.Wait()
			return began
		}
		live(10 * time.Minute)
		pass(6 * time.Hour)
		began := live(2 * time.Minute)
		for series, turns := range map[string]int{
			`touchpoint:channelwatch_experience:increase5m{touchpoint="login", rating="excellent"}`: 4,
			`touchpoint:channelwatch_score:5m{touchpoint="login"}`:                                  4,
			`channel:channelwatch_rating:28d`:                                                       0,
		} {
			got := askShop(t, db, fmt.Sprintf("sum(count_over_time(%s[%s]))", series, model.Duration(time.Since(began))), time.Now())["{}"]
			if int(got) > turns || turns > 0 && int(got) < turns-1 {
				t.Errorf("%s was recorded %v times in the 2 min after a gap, want its %d turns", series, got, turns)
			}
		}
		for window, evaluations := range map[string]int{"channel:channelwatch_measured:5m": 1, "touchpoint:channelwatch_experience:increase1h": 1} {
			got := askShop(t, db, fmt.Sprintf("max(count_over_time(%s[%s]))", window, model.Duration(time.Since(began))), time.Now())["{}"]
			if int(got) > evaluations {
				t.Errorf("%s was recorded %v times in the 2 min after a gap, want one turn at most", window, got)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCycles_LeaveOutATurnThatCameLate(t *testing.T) {
	db := openShop(t, t.TempDir())
	defer func() { _ = db.Close() }()
	e := mustEvaluator(t, Options{Rules: []RuleFile{{"a.yaml", []byte("groups: [{name: g, rules: [{record: a:b, expr: time()}]}]")}}})
	byKey, errs := e.newManager(t.Context(), db, metrics.Library()).LoadGroups(time.Minute, e.external, "", nil, false, "a.yaml")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	g, evaluated := byKey[rules.GroupKey("a.yaml", "g")], 0
	c := e.newCycles(through(db).closed, func() { evaluated++ })
	now := time.Now()
	for _, at := range []time.Time{now, now.Add(-time.Second), now, now.Add(time.Second)} {
		c.evaluate(t.Context(), g, at)
		if err := g.Rules()[0].LastError(); err != nil {
			t.Errorf("at %v: %v", at, err)
		}
	}
	if evaluated != 2 {
		t.Errorf("%d evaluations, want the first and the last", evaluated)
	}
	if got := len(raw(t, db)[`{__name__="a:b"}`]); got != 2 {
		t.Errorf("%d values were recorded, want 2", got)
	}
}

func TestNewEvaluator_NamesWhatIsWrong(t *testing.T) {
	good := "groups: [{name: g, rules: [{record: a:b, expr: up}]}]"
	for _, tt := range []struct {
		name string
		opts Options
		want []string
	}{
		{
			name: "an expression and a key, each with its file and line",
			opts: Options{Rules: []RuleFile{
				{Name: "one.yaml", Content: []byte("groups:\n  - name: g\n    rules:\n      - {record: a:b, expr: 'up ='}\n")},
				{Name: "two.yaml", Content: []byte("groups:\n  - name: g\n    ruels: []\n")},
			}},
			want: []string{"rule file one.yaml: ", "4:", "rule file two.yaml: ", "line 3: field ruels not found"},
		},
		{
			name: "two files of one name",
			opts: Options{Rules: []RuleFile{{"a.yaml", []byte(good)}, {"a.yaml", []byte(good)}}},
			want: []string{"two rule files are named a.yaml"},
		},
		{
			name: "an external URL that is none, without what it holds",
			opts: Options{Rules: []RuleFile{{"a.yaml", []byte(good)}}, ExternalURL: "http://user:secret@[/"},
			want: []string{"external url: not a URL"},
		},
		{
			name: "a block of alerting",
			opts: Options{Rules: []RuleFile{{"a.yaml", []byte(good)}}, Alerting: Block{Text: []byte("alertmanager: []")}},
			want: []string{"alerting: line 1: unknown key alertmanager"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newEvaluator(tt.opts, newEngine(slog.New(slog.DiscardHandler)))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("a secret is told: %s", err)
			}
		})
	}
}

func TestNewEvaluator_IsNothingWithoutRules(t *testing.T) {
	e, err := newEvaluator(Options{Alerting: Block{Text: []byte("alertmanagers: [{static_configs: [{targets: ['x:1']}]}]")}}, nil)
	if e != nil || err != nil {
		t.Fatalf("got %v and %v, want nothing", e, err)
	}
	e.run(t.Context(), nil, nil) // and running that is nothing, too
	if got := e.readings(); got != nil {
		t.Errorf("readings of nothing: %v", got)
	}
}
