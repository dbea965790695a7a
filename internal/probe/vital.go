package probe

// Vital names a figure of how a page loads in a browser, as in Visit.Vitals and in the label vital.
type Vital string

// The vitals that are rated.
const (
	LCP  Vital = "lcp"  // Largest Contentful Paint: rated by the limits of the touchpoint, because it is the duration of the result
	CLS  Vital = "cls"  // Cumulative Layout Shift, a ratio; all others are seconds
	TBT  Vital = "tbt"  // Total Blocking Time
	INP  Vital = "inp"  // Interaction to Next Paint
	FCP  Vital = "fcp"  // First Contentful Paint
	TTFB Vital = "ttfb" // Time to First Byte
)

// Bounds are the highest values of a vital for each rating; above Fair it is poor.
type Bounds struct{ Excellent, Good, Fair float64 }

// Bounds returns the bounds of every vital but LCP, and false for that and what is none. Good and fair end where Core Web
// Vitals and Lighthouse end good and "needs improvement" (web.dev/vitals, Lighthouse's audit total-blocking-time);
// excellent ends half-way to good, so that it promises room for devices and networks that are worse than ours.
//
// It is the only place that holds them: a finding of a kind, the page and the dashboards rate alike.
func (v Vital) Bounds() (Bounds, bool) {
	switch v {
	case CLS:
		return Bounds{0.05, 0.1, 0.25}, true
	case TBT:
		return Bounds{0.1, 0.2, 0.6}, true
	case INP:
		return Bounds{0.1, 0.2, 0.5}, true
	case FCP:
		return Bounds{0.9, 1.8, 3}, true
	case TTFB:
		return Bounds{0.4, 0.8, 1.8}, true
	case LCP:
	}
	return Bounds{}, false
}

// Rate returns the rating of a value: Unknown without bounds.
func (b Bounds) Rate(v float64) Rating {
	switch {
	case b == Bounds{}:
		return Unknown
	case v <= b.Excellent:
		return Excellent
	case v <= b.Good:
		return Good
	case v <= b.Fair:
		return Fair
	}
	return Poor
}

// Bounds returns the limits in seconds.
func (l Limits) Bounds() Bounds {
	return Bounds{l.Excellent.Seconds(), l.Good.Seconds(), l.Fair.Seconds()}
}
