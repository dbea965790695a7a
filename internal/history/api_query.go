//go:build !nohistory

package history

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/promql"
)

func (a *api) query(ctx context.Context, p params, answer answer) error {
	at, err := p.time("time", a.now())
	if err != nil {
		return err
	}
	return a.evaluate(ctx, p, span{from: at, to: at}, answer)
}

func (a *api) queryRange(ctx context.Context, p params, answer answer) error {
	s, err := p.span()
	if err != nil {
		return err
	}
	return a.evaluate(ctx, p, s, answer)
}

func (a *api) evaluate(ctx context.Context, p params, s span, answer answer) error {
	limit, err := p.limit()
	if err != nil {
		return err
	}
	lookback, err := p.duration("lookback_delta")
	if err != nil {
		return err
	}
	expr := p.Get("query")
	result, release, err := a.queries.evaluate(ctx, expr, s, promql.NewPrometheusQueryOpts(false, lookback))
	if err != nil {
		return err
	}
	defer release()
	n := notes{annotations: result.Warnings, expr: expr}
	value, cut := first(result.Value, limit)
	if cut {
		n.truncated()
	}
	answer(func(w *jsonWriter) { w.value(value) }, n)
	return nil
}

// first returns no more than so many series, and whether there are more. Zero means all.
func first(value any, limit int) (any, bool) {
	switch v := value.(type) {
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			return v[:limit], true
		}
	}
	return value, false
}

func (a *api) formatQuery(_ context.Context, p params, answer answer) error {
	expr, err := a.queries.parser.ParseExpr(p.Get("query"))
	if err != nil {
		return invalid("query", err)
	}
	answer(func(w *jsonWriter) { w.string(expr.Pretty(0)) }, notes{})
	return nil
}

// exemplars answers that there are none: the store keeps none.
func (a *api) exemplars(_ context.Context, p params, answer answer) error {
	from, to, err := p.between()
	if err != nil {
		return err
	}
	if to < from {
		return badData(fmt.Errorf("end timestamp must not be before start timestamp"))
	}
	if _, err := a.queries.parser.ParseExpr(p.Get("query")); err != nil {
		return badData(err)
	}
	answer(func(w *jsonWriter) { w.raw("[]") }, notes{})
	return nil
}
