//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/channelwatch/channelwatch/internal/query"
)

// seriesRange evaluates an expression at the times of a span.
func (q *queries) seriesRange(ctx context.Context, expr string, s span) ([]query.Series, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return q.series(ctx, expr, s)
}

// series evaluates an expression to what the pages read: floats, sorted by labels.
func (q *queries) series(ctx context.Context, expr string, s span) ([]query.Series, error) {
	done, err := q.pages.take(ctx, maxTime)
	if err != nil {
		return nil, err
	}
	defer done()
	result, release, err := q.evaluate(ctx, expr, s, nil)
	if err != nil {
		return nil, fmt.Errorf("evaluating %.200q: %w", expr, err)
	}
	defer release()
	switch value := result.Value.(type) {
	case promql.Matrix:
		if s.step > 0 {
			return fromMatrix(value), nil
		}
	case promql.Vector:
		return fromVector(value), nil
	case promql.Scalar:
		return []query.Series{{Labels: map[string]string{}, Points: []query.Point{{At: value.T, Value: value.V}}}}, nil
	}
	return nil, fmt.Errorf("evaluating %.200q: got a %s, want an instant vector or a scalar", expr, result.Value.Type())
}

// fromVector copies the floats of a vector; native histograms are left out.
func fromVector(v promql.Vector) []query.Series {
	slices.SortFunc(v, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
	all := make([]query.Series, 0, len(v))
	for i := range v {
		if s := &v[i]; s.H == nil {
			all = append(all, query.Series{Labels: copied(s.Metric), Points: []query.Point{{At: s.T, Value: s.F}}})
		}
	}
	return all
}

func fromMatrix(m promql.Matrix) []query.Series {
	slices.SortFunc(m, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	all := make([]query.Series, 0, len(m))
	for i := range m {
		if len(m[i].Floats) == 0 {
			continue
		}
		points := make([]query.Point, len(m[i].Floats))
		for j, p := range m[i].Floats {
			points[j] = query.Point{At: p.T, Value: p.F}
		}
		all = append(all, query.Series{Labels: copied(m[i].Metric), Points: points})
	}
	return all
}

// copied returns labels that outlive the storage they were read from.
func copied(from labels.Labels) map[string]string {
	to := make(map[string]string, from.Len())
	from.Range(func(l labels.Label) { to[strings.Clone(l.Name)] = strings.Clone(l.Value) })
	return to
}

// instantAt returns the span of an instant query; the zero time means now.
func instantAt(at time.Time) span {
	if at.IsZero() {
		at = time.Now()
	}
	return span{from: at, to: at}
}
