//go:build !nohistory

package history

import (
	"math"
	"net/url"
	"testing"
	"time"
)

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{
		"0", "1700000000.123", "-1", "1e9", "2023-11-14T22:30:07.5Z", "2023-11-14T22:30:07+01:00", "NaN", "Inf", "1e300", "0x1p10", "9223372036", "",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTime(text)
		if err != nil {
			return
		}
		// The engine calculates in nanoseconds of 64 bits.
		if back := time.Unix(0, at.UnixNano()); !back.Equal(at) {
			t.Errorf("%q is %v, which overflows to %v", text, at, back)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"15", "0.5", "-1", "5m", "1h30m", "1y", "300y", "NaN", "Inf", "1e18", "9223372036.9", "1ms", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err == nil && d == math.MinInt64 {
			t.Errorf("%q is %v, which is an overflow", text, d)
		}
	})
}

func FuzzSpan(f *testing.F) {
	f.Add("0", "60", "15")
	f.Add("-9e9", "9e9", "100y")
	f.Add("-9.2e9", "9.2e9", "1000000")
	f.Add("1700000000", "1700000000.0001", "1ms")
	f.Fuzz(func(t *testing.T, start, end, step string) {
		s, err := params{url.Values{"start": {start}, "end": {end}, "step": {step}}}.span()
		if err != nil {
			return
		}
		points := 0
		for at := s.from.UnixMilli(); at <= s.to.UnixMilli() && points <= 2*maxPoints; at += s.step.Milliseconds() {
			points++
		}
		if points < 1 || points > maxPoints+1 {
			t.Errorf("%q to %q by %q is %d points or more", start, end, step, points)
		}
	})
}

// Whatever is parsed at all can be weighed, and what may be evaluated is small.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"score", "sum by (job) (rate(score[5m]))", `{a=~"(x|y){10}"}`, "max_over_time(score[1h:1m])", `label_replace(score, "a", "$1", "b", "(.*)")`,
		`label_join(score, "a", ",", "b", "c")`, "-(-(1))", "score @ end() offset -5m", `count_values("x", score)`, "((", "{}", `"`, "\xff",
	} {
		f.Add(text)
	}
	p := newParser()
	f.Fuzz(func(t *testing.T, text string) {
		expr, err := p.ParseExpr(text)
		if err == nil && checkCost(expr, time.Hour) == nil && len(text) > maxExpression {
			t.Errorf("an expression of %d bytes passes", len(text))
		}
		_, _ = params{url.Values{"match[]": {text, text}}}.matchers(p) // it must not panic
	})
}
