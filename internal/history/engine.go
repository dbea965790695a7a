//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// What one query may cost. The first two are those of a Prometheus server, less generous.
const (
	maxSamples = 10_000_000 // in memory at one time; 16 bytes each
	maxTime    = 30 * time.Second
	maxPoints  = 11_000 // of a series in the answer to a range query, as in Prometheus

	maxTogether = 4 // queries of the pages that run at one time; others wait

	// subqueryStep is the step of a subquery without one, which is the interval of evaluation in Prometheus.
	subqueryStep = time.Minute
)

// newEngine returns an engine for queries and rules.
func newEngine(log *slog.Logger) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger:                   log,
		MaxSamples:               maxSamples,
		Timeout:                  maxTime,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return subqueryStep.Milliseconds() },
		Parser:                   newParser(),
	})
}

// acquirer lends the storage until the function that it returns is called; the context that it returns ends before the
// storage closes. It returns ErrNotReady while there is none.
type acquirer func(context.Context) (context.Context, storage.Queryable, func(), error)

// queries evaluates PromQL over a storage that may close and open again.
type queries struct {
	engine  *promql.Engine
	parser  parser.Parser
	acquire acquirer
	suspect func(error)
	budget  *budget
	pages   turns
}

// newQueries returns queries over what acquire lends. suspect is told of errors of reading from the storage; it may be nil.
func newQueries(log *slog.Logger, acquire acquirer, suspect func(error)) *queries {
	if suspect == nil {
		suspect = func(error) {}
	}
	return &queries{
		engine: newEngine(log), parser: newParser(), acquire: acquire, suspect: suspect,
		budget: newBudget(), pages: make(turns, maxTogether),
	}
}

// span is when an expression is evaluated: at from, from+step, … up to and including to. Without a step it is from alone.
type span struct {
	from, to time.Time
	step     time.Duration
}

func (s span) check() error {
	switch {
	case s.to.Before(s.from):
		return invalid("end", errors.New("end timestamp must not be before start time"))
	case s.step <= 0:
		return invalid("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	case s.step < time.Millisecond:
		return invalid("step", fmt.Errorf("step is %v, want at least 1ms", s.step))
	case (s.to.UnixMilli()-s.from.UnixMilli())/s.step.Milliseconds() > maxPoints:
		return badData(errors.New("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"))
	}
	return nil
}

// evaluate evaluates an expression. The result is valid until the function that it returns is called, which must be called.
func (q *queries) evaluate(ctx context.Context, expr string, s span, opts promql.QueryOpts) (*promql.Result, func(), error) {
	during, storage, release, err := q.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release() // what an engine returns is its own: it has left the storage before Exec returns
	during, settle := q.budget.watch(during)
	query, err := q.prepare(during, storage, expr, s, opts)
	if err != nil {
		settle()
		return nil, nil, err
	}
	done := func() {
		query.Close()
		settle() // not before: the result takes memory for as long as it is written
	}
	result := query.Exec(during)
	if result.Err != nil {
		err = q.because(ctx, during, result.Err, unreadable(result.Err))
		done()
		return nil, nil, err
	}
	return result, done, nil
}

func (q *queries) prepare(
	ctx context.Context, storage storage.Queryable, expr string, s span, opts promql.QueryOpts,
) (promql.Query, error) {
	parsed, err := q.parser.ParseExpr(expr)
	if err != nil {
		return nil, invalid("query", err)
	}
	if err := checkCost(parsed, s.to.Sub(s.from)); err != nil {
		return nil, invalid("query", err)
	}
	if s.step == 0 {
		query, err := q.engine.NewInstantQuery(ctx, storage, opts, expr, s.from)
		return query, invalid("query", err)
	}
	query, err := q.engine.NewRangeQuery(ctx, storage, opts, expr, s.from, s.to, s.step)
	return query, invalid("query", err)
}

// because returns why an evaluation or a look-up within during failed that was asked for with ctx. storage says whether
// it was the storage that failed, if it was no context.
func (q *queries) because(ctx, during context.Context, err error, storage bool) error {
	switch {
	case during.Err() == nil && storage && kindOf(err) == kindExecution:
		q.suspect(err)
		return &apiError{kindInternal, err}
	case during.Err() == nil || ctx.Err() != nil:
		return err
	case errors.Is(context.Cause(during), errTooMuchMemory):
		return errTooMuchMemory
	}
	return fmt.Errorf("%w: it closed while the query ran", ErrNotReady)
}

// unreadable says whether an error of the engine is one of reading the storage. The engine has no type for these, but puts
// words before them: the first when it looks up series, the second when it reads their samples.
func unreadable(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "expanding series: ") || strings.HasPrefix(text, "cannot populate chunk ")
}
