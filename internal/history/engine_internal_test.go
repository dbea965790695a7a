//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/channelwatch/channelwatch/internal/query"
)

func newTestQueries(acquire acquirer) *queries {
	return newQueries(slog.New(slog.DiscardHandler), acquire, nil)
}

func line(labels map[string]string, points ...query.Point) query.Series {
	return query.Series{Labels: labels, Points: points}
}

func TestQueries_Series(t *testing.T) {
	t.Parallel()
	q := newTestQueries(loaded(t, `
load 15s
  score{channel="b"}  1 2 3
  score{channel="a"}  4 5 6
  score{channel="c"}  _ _ 7
  took{channel="a"}   {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x4
`))
	named := func(channel string) map[string]string {
		return map[string]string{"__name__": "score", "channel": channel}
	}
	for _, test := range []struct {
		name, expr string
		span       span
		want       []query.Series
	}{
		{"sorted by labels", "score", instantAt(time.Unix(15, 0)), []query.Series{
			line(named("a"), query.Point{At: 15000, Value: 5}), line(named("b"), query.Point{At: 15000, Value: 2}),
		}},
		{"whatever the expression sorts by", "sort(score)", instantAt(time.Unix(15, 0)), []query.Series{
			line(named("a"), query.Point{At: 15000, Value: 5}), line(named("b"), query.Point{At: 15000, Value: 2}),
		}},
		{"over a range", "score", span{time.Unix(15, 0), time.Unix(30, 0), 15 * time.Second}, []query.Series{
			line(named("a"), query.Point{At: 15000, Value: 5}, query.Point{At: 30000, Value: 6}),
			line(named("b"), query.Point{At: 15000, Value: 2}, query.Point{At: 30000, Value: 3}),
			line(named("c"), query.Point{At: 30000, Value: 7}),
		}},
		{"a number", "1 + 1", instantAt(time.Unix(15, 0)), []query.Series{line(map[string]string{}, query.Point{At: 15000, Value: 2})}},
		{"a number over a range", "2", span{time.Unix(0, 0), time.Unix(1, 0), time.Second}, []query.Series{
			line(map[string]string{}, query.Point{At: 0, Value: 2}, query.Point{At: 1000, Value: 2}),
		}},
		{"without histograms", "took", instantAt(time.Unix(15, 0)), []query.Series{}},
		{"without histograms over a range", "took", span{time.Unix(0, 0), time.Unix(15, 0), time.Second}, []query.Series{}},
		{"nothing", "gone", instantAt(time.Unix(15, 0)), []query.Series{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := q.series(t.Context(), test.expr, test.span)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueries_SeriesErrors(t *testing.T) {
	t.Parallel()
	q := newTestQueries(loaded(t, "load 15s\n  score 1 2 3"))
	minute, epoch := span{time.Unix(0, 0), time.Unix(60, 0), time.Second}, instantAt(time.Unix(0, 0))
	at, over := q.series, q.seriesRange
	for _, test := range []struct {
		name, expr string
		evaluate   func(context.Context, string, span) ([]query.Series, error)
		span       span
		want       string
	}{
		{"text", `"yes"`, at, epoch, `evaluating "\"yes\"": got a string, want an instant vector or a scalar`},
		{"range vector", `score[5m]`, at, epoch, `evaluating "score[5m]": got a matrix, want an instant vector or a scalar`},
		{"not PromQL", `sum(`, over, minute, `evaluating "sum(": invalid parameter "query": 1:5: parse error: unclosed left parenthesis`},
		{"backwards", `score`, over, span{time.Unix(1, 0), time.Unix(0, 0), time.Second}, `invalid parameter "end": end timestamp must not be before start time`},
		{"no step", `score`, over, span{time.Unix(0, 0), time.Unix(1, 0), 0}, `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`},
		{"step too short", `score`, over, span{time.Unix(0, 0), time.Unix(1, 0), time.Microsecond}, `invalid parameter "step": step is 1µs, want at least 1ms`},
		{"too many points", `score`, over, span{time.Unix(0, 0), time.Unix(11001, 0), time.Second}, `exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := test.evaluate(t.Context(), test.expr, test.span); fmt.Sprint(err) != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	if _, err := q.seriesRange(t.Context(), "score", span{time.Unix(0, 0), time.Unix(11000, 0), time.Second}); err != nil {
		t.Errorf("11,000 points: %v", err)
	}
}

func TestQueries_NowIsTheZeroTime(t *testing.T) {
	t.Parallel()
	before := time.Now()
	got, err := newTestQueries(loaded(t, "")).series(t.Context(), "time()", instantAt(time.Time{}))
	if err != nil || len(got) != 1 || got[0].Points[0].Time().Before(before.Truncate(time.Millisecond)) || got[0].Points[0].Time().After(time.Now()) {
		t.Errorf("got %v, %v, want the time of now", got, err)
	}
}

func TestQueries_NotReady(t *testing.T) {
	t.Parallel()
	q := newTestQueries(func(context.Context) (context.Context, storage.Queryable, func(), error) {
		return nil, nil, nil, fmt.Errorf("%w: reading what was written before", ErrNotReady)
	})
	if _, err := q.series(t.Context(), "1", instantAt(time.Now())); !errors.Is(err, ErrNotReady) {
		t.Errorf("error %v, want %v", err, ErrNotReady)
	}
}

func TestQueries_ContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := newTestQueries(loaded(t, "load 15s\n  score 1 2 3"))
	if _, err := q.series(ctx, "score", instantAt(time.Unix(0, 0))); kindOf(err) != kindCanceled {
		t.Errorf("error %v of kind %s, want it canceled", err, kindOf(err))
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := q.series(ctx, "score", instantAt(time.Unix(0, 0))); kindOf(err) != kindTimeout {
		t.Errorf("error %v of kind %s, want it to have timed out", err, kindOf(err))
	}
}

// Where an expression would take memory that the engine does not count, it is refused before.
func TestQueries_HostileExpressions(t *testing.T) {
	t.Parallel()
	q := newTestQueries(loaded(t, "load 15s\n  score 1 2 3"))
	for _, test := range []struct{ name, expr, want string }{
		{"long", strings.Repeat(" ", 40_000) + "1", "expression of 40001 bytes, want at most 32768"},
		{"parentheses", strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), "expression nests deeper than 250"},
		{"calls", strings.Repeat("abs(", 1000) + "score" + strings.Repeat(")", 1000), "expression nests deeper than 250"},
		{"signs", strings.Repeat("-", 10_000) + "score", "expression of more than 1000 operators"},
		{"chain", strings.Repeat("1+", 10_000) + "1", "expression of more than 1000 operators"},
		{"subquery", "sum_over_time(vector(1)[100y:1ms])", "subquery of 3153600000000 steps, want at most 500000"},
		{"subquery without a step", "sum_over_time(score[3y:])", "subquery of 1576800 steps, want at most 500000"},
		{"subqueries in each other", "sum_over_time(sum_over_time(score[5d:1d])[6d:1s])", "subquery of 518400 steps, want at most 500000"},
		{"subquery that reaches further", "sum_over_time(sum_over_time(score[5d:1s])[5d:1d])", "subquery of 864000 steps, want at most 500000"},
		{"regular expressions", strings.TrimSuffix(strings.Repeat(`{a=~"(`+strings.Repeat("xy", 150)+`){400}"} or `, 10), " or "), "regular expressions are too large"},
		{"regular expression of a function", `label_replace(score, "a", "", "b", "(` + strings.Repeat("xy", 100) + `){999}")`, "regular expressions are too large"},
		{"nested repeats", `{a=~"(((x{10}){10}){10})` + strings.Repeat("((y{10}){10}){10}", 100) + `"}`, "regular expressions are too large"},
		{"labels that grow", strings.Repeat("label_replace(", 10) + "score" + strings.Repeat(`,"a","$1$1$1$1$1$1$1$1","a","(.*)")`, 10), "label values could grow beyond 8192 bytes"},
		{"labels that are joined", strings.Repeat("label_join(", 10) + "score" + strings.Repeat(`,"a","","a","a","a","a")`, 10), "label values could grow beyond 8192 bytes"},
		{"long label", `label_replace(score,"a",("` + strings.Repeat("x", 9000) + `"),"","")`, "label values could grow beyond 8192 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := q.series(t.Context(), test.expr, instantAt(time.Unix(1_700_000_000, 0)))
			if kindOf(err) != kindBadData || !strings.HasSuffix(err.Error(), `: invalid parameter "query": `+test.want) {
				t.Errorf("error %.300v, want bad data: %s", err, test.want)
			}
		})
	}
}

// What dashboards and rules ask is not hostile.
func TestQueries_UsualExpressions(t *testing.T) {
	t.Parallel()
	q := newTestQueries(loaded(t, "load 15s\n  score 1 2 3"))
	for _, expr := range []string{
		strings.Repeat("(", 100) + "score" + strings.Repeat(")", 100),
		strings.Repeat("score + ", 500) + "1",
		"max_over_time(min_over_time(score[5m:30s])[28d:5m])",
		"quantile_over_time(0.5, score[7d:15s])",
		`label_join(label_replace(label_replace(score,"a","$1 of $2","a","(.*)-(.*)"),"b","$1 of $2","a","(.*)-(.*)"),"c"," ","a","b")`,
		`score{channel=~"` + strings.Repeat("channel-of-the-shop|", 500) + `x"}`,
		`score{status=~"5[0-9]{2}",address=~"([0-9]{1,3}\\.){3}[0-9]{1,3}"}`,
	} {
		if _, err := q.series(t.Context(), expr, instantAt(time.Unix(0, 0))); err != nil {
			t.Errorf("%.100s: %.300v", expr, err)
		}
	}
}

// The same limit holds for the selectors of look-ups.
func TestParser_Selectors(t *testing.T) {
	t.Parallel()
	p := newParser()
	many := []string{`{a=~"(` + strings.Repeat("x", 300) + `){300}"}`, `{a=~"(` + strings.Repeat("y", 300) + `){300}"}`}
	if _, err := p.ParseMetricSelectors(many[:1]); err != nil {
		t.Errorf("one of them: %v", err)
	}
	if _, err := p.ParseMetricSelectors(many); err == nil || err.Error() != "regular expressions are too large" {
		t.Errorf("both of them: %v, want them to be too large", err)
	}
}

func TestQueries_TooManySamples(t *testing.T) {
	t.Parallel()
	var samples strings.Builder
	fmt.Fprintln(&samples, "load 15s")
	for i := range 1000 {
		fmt.Fprintf(&samples, "  score{n=\"%d\"} 1\n", i)
	}
	q := newTestQueries(loaded(t, samples.String()))
	q.budget.grow = 100 * maxHeap                                           // other tests run beside this one
	over := span{time.Unix(0, 0), time.Unix(200, 0), 20 * time.Millisecond} // 1,000 series of 10,001 points
	_, err := q.seriesRange(t.Context(), "score", over)
	if !errors.Is(err, promql.ErrTooManySamples("query execution")) || kindOf(err) != kindExecution {
		t.Errorf("error %v, want too many samples", err)
	}
}

// A query is ended when the heap grows, whatever it grows by.
func TestQueries_TooMuchMemory(t *testing.T) {
	t.Parallel()
	q := newTestQueries(lend(stuck{}))
	q.budget.grow = 0
	held := make([][]byte, 0, 1000)
	ended := make(chan error, 1)
	go func() {
		_, err := q.series(t.Context(), "score", instantAt(time.Unix(0, 0)))
		ended <- err
	}()
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case err := <-ended:
			if !errors.Is(err, errTooMuchMemory) || kindOf(err) != kindExecution {
				t.Errorf("error %v of kind %s, want %v", err, kindOf(err), errTooMuchMemory)
			}
			return
		case <-tick.C:
			held = append(held, make([]byte, 100<<10))
		case <-time.After(time.Minute):
			t.Fatalf("not ended while the heap grew by %d × 100 KiB", len(held))
		}
	}
}

// A store that closes ends the queries, which did nothing wrong.
func TestQueries_StoreCloses(t *testing.T) {
	t.Parallel()
	during, stop := context.WithCancel(t.Context())
	q := newTestQueries(func(context.Context) (context.Context, storage.Queryable, func(), error) {
		return during, stuck{began: stop}, func() {}, nil
	})
	if _, err := q.series(t.Context(), "score", instantAt(time.Unix(0, 0))); !errors.Is(err, ErrNotReady) || kindOf(err) != kindUnavailable {
		t.Errorf("error %v of kind %s, want %v", err, kindOf(err), ErrNotReady)
	}
}

// The released storage is never touched again, and is released whatever happens.
func TestQueries_Release(t *testing.T) {
	t.Parallel()
	st := loaded(t, "load 15s\n  score 1 2 3")
	var lent, released int
	q := newTestQueries(func(ctx context.Context) (context.Context, storage.Queryable, func(), error) {
		lent++
		_, s, _, err := st(ctx)
		return ctx, s, func() { released++ }, err
	})
	for _, expr := range []string{"score", "sum(", "score * on() group_left() {__name__=~\".+\"}", `"text"`, "sum_over_time(vector(1)[100y:1ms])"} {
		_, _ = q.series(t.Context(), expr, instantAt(time.Unix(30, 0))) // some fail, which other tests look at
	}
	if lent != 5 || released != 5 || q.budget.running != 0 {
		t.Errorf("lent %d times, released %d times, %d still run, want 5, 5 and 0", lent, released, q.budget.running)
	}

	// What is written takes memory, until it is done; the storage is not needed for it.
	_, done, err := q.evaluate(t.Context(), "score", instantAt(time.Unix(30, 0)), nil)
	if err != nil || released != 6 || q.budget.running != 1 {
		t.Errorf("%v, released %d times, %d still run, want 6 and 1", err, released, q.budget.running)
	}
	if done(); q.budget.running != 0 {
		t.Errorf("%d still run, want 0", q.budget.running)
	}
}

// stuck is a storage whose queries last until their context ends.
type stuck struct{ began func() }

func (s stuck) Querier(int64, int64) (storage.Querier, error) {
	return stuckQuerier{storage.NoopQuerier(), s}, nil
}

type stuckQuerier struct {
	storage.Querier
	of stuck
}

func (s stuckQuerier) Select(ctx context.Context, _ bool, _ *storage.SelectHints, _ ...*labels.Matcher) storage.SeriesSet {
	if s.of.began != nil {
		s.of.began()
	}
	<-ctx.Done()
	return storage.ErrSeriesSet(ctx.Err())
}

func (s stuckQuerier) LabelValues(
	ctx context.Context, _ string, _ *storage.LabelHints, _ ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	if s.of.began != nil {
		s.of.began()
	}
	<-ctx.Done()
	return nil, nil, ctx.Err()
}
