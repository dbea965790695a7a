package quality_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// rounds is how many made-up results each property is tried on. The seed is fixed: a failure can be repeated.
const rounds = 20_000

// forAny calls property with made-up results of every shape until it fails.
func forAny(t *testing.T, property func(t *testing.T, r *rand.Rand, c *probe.Catalogue, result probe.Result)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	c := catalogue(t)
	for range rounds {
		if t.Failed() {
			return
		}
		property(t, r, c, madeUp(r, c))
	}
}

func madeUp(r *rand.Rand, c *probe.Catalogue) probe.Result {
	result := probe.Result{Duration: time.Duration(r.Int64N(int64(600 * time.Millisecond)))}
	for p := range probe.NumPhases {
		if r.IntN(2) == 0 {
			result.Phases.Add(p, time.Duration(r.Int64N(int64(time.Second))))
		}
	}
	for range r.IntN(4) {
		result.Findings = append(result.Findings, probe.Finding{Check: anyCheck(r, c)})
	}
	if r.IntN(4) == 0 {
		result.Reason = anyCheck(r, c)
	}
	return result
}

// anyCheck is seldom one that cannot be measured, so that most results are rated.
func anyCheck(r *rand.Rand, c *probe.Catalogue) probe.CheckID {
	for {
		check := c.Checks()[r.IntN(len(c.Checks()))]
		if check.Cap != probe.Unknown || r.IntN(10) == 0 {
			return check.ID
		}
	}
}

func TestProperty_WorseningNeverRaises(t *testing.T) {
	t.Parallel()
	forAny(t, func(t *testing.T, r *rand.Rand, c *probe.Catalogue, better probe.Result) {
		t.Helper()
		worse := better
		switch r.IntN(3) {
		case 0:
			worse.Duration += time.Duration(r.Int64N(int64(time.Second)))
		case 1:
			worse.Findings = append(slices.Clone(better.Findings), probe.Finding{Check: anyCheck(r, c)})
		case 2:
			if better.Reason == "" {
				worse.Reason = anyCheck(r, c)
			}
		}
		before, after := quality.Rate(c, limits(), &better), quality.Rate(c, limits(), &worse)
		if after.Rating > before.Rating {
			t.Errorf("rating rose from %v to %v:\nbetter %+v\nworse  %+v", before.Rating, after.Rating, better, worse)
		}
		if better.Reason != worse.Reason || after.Rating == probe.Unknown {
			return // dimensions that are not reached any more are unmeasured, not worse
		}
		for _, d := range probe.Dimensions() {
			if before.Dimensions[d] != probe.Unknown && after.Dimensions[d] > before.Dimensions[d] {
				t.Errorf("%v rose from %v to %v:\nbetter %+v\nworse  %+v",
					d, before.Dimensions[d], after.Dimensions[d], better, worse)
			}
		}
	})
}

func TestProperty_TighterLimitsNeverRaise(t *testing.T) {
	t.Parallel()
	forAny(t, func(t *testing.T, r *rand.Rand, c *probe.Catalogue, result probe.Result) {
		t.Helper()
		loose, tight := limits(), limits()
		by := time.Duration(r.Int64N(int64(100 * time.Millisecond)))
		tight.Excellent, tight.Good, tight.Fair = tight.Excellent-by, tight.Good-by, tight.Fair-by
		before, after := quality.Rate(c, loose, &result), quality.Rate(c, tight, &result)
		if after.Rating > before.Rating {
			t.Errorf("rating rose from %v to %v with limits tighter by %v: %+v", before.Rating, after.Rating, by, result)
		}
	})
}

func TestProperty_VerdictIsConsistent(t *testing.T) {
	t.Parallel()
	forAny(t, func(t *testing.T, r *rand.Rand, c *probe.Catalogue, result probe.Result) {
		t.Helper()
		l := limits()
		if r.IntN(4) == 0 {
			l = probe.Limits{}
		}
		v := quality.Rate(c, l, &result)
		if (v.Cause == "") != (v.Rating >= probe.Good) {
			t.Errorf("rating %v with cause %q: %+v", v.Rating, v.Cause, result)
		}
		worst := probe.Unknown
		for _, rating := range v.Dimensions {
			if rating != probe.Unknown && (worst == probe.Unknown || rating < worst) {
				worst = rating
			}
		}
		if v.Rating != worst {
			t.Errorf("rating %v, but the worst of %v is %v: %+v", v.Rating, v.Dimensions, worst, result)
		}
		if v.Rating != probe.Unknown && v.Cause != "" && v.Dimensions[v.Dimension] != v.Rating {
			t.Errorf("cause %q is in %v, which is %v, not %v", v.Cause, v.Dimension, v.Dimensions[v.Dimension], v.Rating)
		}
		if check, known := c.Check(v.Cause); v.Cause != "" && (!known || v.Rating != probe.Unknown && check.Dimension != v.Dimension) {
			t.Errorf("cause %q of dimension %v is not in the catalogue like that", v.Cause, v.Dimension)
		}
	})
}

func TestProperty_UnknownIsNeverRated(t *testing.T) {
	t.Parallel()
	forAny(t, func(t *testing.T, r *rand.Rand, c *probe.Catalogue, result probe.Result) {
		t.Helper()
		result.Findings = slices.Insert(slices.Clone(result.Findings), r.IntN(len(result.Findings)+1), probe.Finding{Check: hopeless})
		v := quality.Rate(c, limits(), &result)
		if want := quality.NotMeasured(v.Cause); v != want || v.Cause == "" {
			t.Errorf("got %+v, want %+v with a cause: %+v", v, want, result)
		}
	})
}

func TestProperty_OrderOfFindingsDoesNotMatter(t *testing.T) {
	t.Parallel()
	forAny(t, func(t *testing.T, r *rand.Rand, c *probe.Catalogue, result probe.Result) {
		t.Helper()
		shuffled := result
		shuffled.Findings = slices.Clone(result.Findings)
		r.Shuffle(len(shuffled.Findings), func(i, j int) {
			shuffled.Findings[i], shuffled.Findings[j] = shuffled.Findings[j], shuffled.Findings[i]
		})
		before, after := quality.Rate(c, limits(), &result), quality.Rate(c, limits(), &shuffled)
		if before != after {
			t.Errorf("got %+v, then %+v with findings %v instead of %v", before, after, shuffled.Findings, result.Findings)
		}
	})
}
