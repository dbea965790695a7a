//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxForm is how many bytes of a request are read: the longest expression, escaped.
const maxForm = 4 * maxExpression

// params are the parameters of a request, of its address and its form.
type params struct{ url.Values }

func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return params{}, badData(fmt.Errorf("parsing form values: %w", err))
	}
	return params{r.Form}, nil
}

// time returns a time, or another one when it is not given.
func (p params) time(name string, missing time.Time) (time.Time, error) {
	text := p.Get(name)
	if text == "" {
		return missing, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return time.Time{}, invalid(name, fmt.Errorf("invalid time value for '%s': %w", name, err))
	}
	return t, nil
}

// between returns the times between which series are looked for; all times when they are not given.
func (p params) between() (from, to int64, err error) {
	start, err := p.time("start", time.UnixMilli(math.MinInt64))
	if err != nil {
		return 0, 0, err
	}
	end, err := p.time("end", time.UnixMilli(math.MaxInt64))
	return start.UnixMilli(), end.UnixMilli(), err
}

// span returns when a range query evaluates its expression.
func (p params) span() (span, error) {
	var (
		s   span
		err error
	)
	if s.from, err = parseTime(p.Get("start")); err != nil {
		return s, invalid("start", err)
	}
	if s.to, err = parseTime(p.Get("end")); err != nil {
		return s, invalid("end", err)
	}
	if s.step, err = parseDuration(p.Get("step")); err != nil {
		return s, invalid("step", err)
	}
	return s, s.check()
}

// duration returns a duration, or zero when it is not given.
func (p params) duration(name string) (time.Duration, error) {
	text := p.Get(name)
	if text == "" {
		return 0, nil
	}
	d, err := parseDuration(text)
	return d, invalid(name, err)
}

// limit returns how many results are wanted; zero means all.
func (p params) limit() (int, error) {
	text := p.Get("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	return n, invalid("limit", err)
}

// matchers returns the selectors match[], each of which must say something about series.
func (p params) matchers(of parser.Parser) ([][]*labels.Matcher, error) {
	sets, err := of.ParseMetricSelectors(p.Values["match[]"])
	if err == nil && slices.ContainsFunc(sets, selectsAll) {
		err = errors.New("match[] must contain at least one non-empty matcher")
	}
	return sets, invalid("match[]", err)
}

func selectsAll(set []*labels.Matcher) bool {
	return !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches("") })
}

// parseTime reads seconds since 1970, with a fraction, or a time of RFC 3339. Times beyond what the engine calculates with
// are refused.
func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		whole, fraction := math.Modf(seconds)
		if math.Abs(whole) < maxSeconds {
			fraction = math.Round(fraction*1000) / 1000
			return time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC(), nil
		}
	} else if t, err := time.Parse(time.RFC3339Nano, text); err == nil && math.Abs(float64(t.Unix())) < maxSeconds {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("cannot parse %.100q to a valid timestamp", text)
}

// maxSeconds is how far from 1970 a time may be, in seconds: the engine calculates in nanoseconds of 64 bits.
const maxSeconds = float64(math.MaxInt64 / time.Second)

// parseDuration reads seconds, with a fraction, or a duration as PromQL writes it.
func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.Abs(seconds) < maxSeconds {
			return time.Duration(seconds * float64(time.Second)), nil
		}
		return 0, fmt.Errorf("cannot parse %.100q to a valid duration. It overflows int64", text)
	}
	if d, err := model.ParseDuration(text); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %.100q to a valid duration", text)
}
