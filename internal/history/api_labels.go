//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// find looks up names or values of labels of the series that one selector finds.
type find func(context.Context, storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error)

// wholly asks the storage for all names or values: of a few it returns any.
func wholly() *storage.LabelHints { return &storage.LabelHints{} }

func (a *api) labelNames(ctx context.Context, p params, answer answer) error {
	return a.strings(ctx, p, answer, func(
		ctx context.Context, q storage.Querier, set []*labels.Matcher,
	) ([]string, annotations.Annotations, error) {
		return q.LabelNames(ctx, wholly(), set...)
	})
}

func (a *api) labelValues(name string) endpoint {
	return func(ctx context.Context, p params, answer answer) error {
		name := name
		if strings.HasPrefix(name, "U__") {
			name = model.UnescapeName(name, model.ValueEncodingEscaping)
		}
		if !model.UTF8Validation.IsValidLabelName(name) {
			return badData(fmt.Errorf("invalid label name: %.100q", name))
		}
		return a.strings(ctx, p, answer, func(
			ctx context.Context, q storage.Querier, set []*labels.Matcher,
		) ([]string, annotations.Annotations, error) {
			return q.LabelValues(ctx, name, wholly(), set...)
		})
	}
}

// strings answers with what is found by any of the selectors, sorted.
func (a *api) strings(ctx context.Context, p params, answer answer, f find) error {
	s, err := p.selectors(a.queries.parser)
	if err != nil {
		return err
	}
	if len(s.sets) == 0 {
		s.sets = [][]*labels.Matcher{nil}
	}
	var said notes
	found := make(map[string]struct{})
	err = a.lookUp(ctx, s, func(ctx context.Context, q storage.Querier) error {
		for _, set := range s.sets {
			some, warnings, err := f(ctx, q, set)
			if err != nil {
				return err
			}
			said.annotations.Merge(warnings)
			for _, one := range some {
				if _, known := found[one]; !known {
					found[strings.Clone(one)] = struct{}{} // it may lie in a file of the storage
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	all := slices.Sorted(maps.Keys(found))
	if s.limit > 0 && len(all) > s.limit {
		all = all[:s.limit]
		said.truncated()
	}
	answer(func(w *jsonWriter) { w.strings(all) }, said)
	return nil
}

func (a *api) series(ctx context.Context, p params, answer answer) error {
	if !p.Has("match[]") {
		return badData(errors.New("no match[] parameter provided"))
	}
	s, err := p.selectors(a.queries.parser)
	if err != nil {
		return err
	}
	var (
		all  []labels.Labels
		said notes
	)
	err = a.lookUp(ctx, s, func(ctx context.Context, q storage.Querier) error {
		set := selectSeries(ctx, q, s)
		said.annotations.Merge(set.Warnings())
		for set.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.limit > 0 && len(all) == s.limit {
				said.truncated()
				return nil
			}
			all = append(all, set.At().Labels().Copy())
		}
		return set.Err()
	})
	if err != nil {
		return err
	}
	answer(func(w *jsonWriter) {
		w.raw("[")
		for i, one := range all {
			if !w.more(i) {
				return
			}
			w.labels(one)
		}
		w.raw("]")
	}, said)
	return nil
}

// selectSeries selects the series that any of the selectors finds, each once, sorted, without their samples.
func selectSeries(ctx context.Context, q storage.Querier, s selectors) storage.SeriesSet {
	hints := &storage.SelectHints{
		Start: s.from, End: s.to,
		Func: "series", // the storage takes it as: no samples
	}
	sets := make([]storage.SeriesSet, len(s.sets))
	for i, set := range s.sets {
		sets[i] = q.Select(ctx, true, hints, set...)
	}
	return storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
}
