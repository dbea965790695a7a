package probe

import "fmt"

// Rating is how good a result, a touchpoint or a channel is for a customer, in the four words that marketing and IT
// share. The numeric values are exported as metrics: 0 unknown, 1 poor, 2 fair, 3 good, 4 excellent.
type Rating uint8

// The ratings, worst first. Unknown is not a rating of the channel: it says that nothing could be measured, and it
// counts neither as good nor as bad.
const (
	Unknown Rating = iota
	Poor
	Fair
	Good
	Excellent
)

// Ratings returns all ratings, Unknown first and Excellent last.
func Ratings() []Rating { return []Rating{Unknown, Poor, Fair, Good, Excellent} }

// String returns the lower-case word.
func (r Rating) String() string {
	switch r {
	case Unknown:
		return "unknown"
	case Poor:
		return "poor"
	case Fair:
		return "fair"
	case Good:
		return "good"
	case Excellent:
		return "excellent"
	}
	return fmt.Sprintf("rating(%d)", r)
}

// MarshalText writes the word.
func (r Rating) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word.
func (r *Rating) UnmarshalText(text []byte) error {
	for _, rating := range Ratings() {
		if rating.String() == string(text) {
			*r = rating
			return nil
		}
	}
	return fmt.Errorf("rating %q: want one of %v", text, Ratings())
}

// Dimension is one side of a customer's experience. Every check belongs to exactly one.
type Dimension uint8

// The dimensions, in the order in which they break ties between causes.
const (
	Reachable Dimension = iota // the customer gets an answer
	Correct                    // the answer is the right one
	Fast                       // it comes in time; for data flows: it is fresh
	Trusted                    // it is safe, and looks safe
	NumDimensions
)

// Dimensions returns all dimensions in tie-breaking order.
func Dimensions() []Dimension { return []Dimension{Reachable, Correct, Fast, Trusted} }

// String returns the lower-case word.
func (d Dimension) String() string {
	switch d {
	case Reachable:
		return "reachable"
	case Correct:
		return "correct"
	case Fast:
		return "fast"
	case Trusted:
		return "trusted"
	}
	return fmt.Sprintf("dimension(%d)", d)
}

// MarshalText writes the word.
func (d Dimension) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the word.
func (d *Dimension) UnmarshalText(text []byte) error {
	for _, dimension := range Dimensions() {
		if dimension.String() == string(text) {
			*d = dimension
			return nil
		}
	}
	return fmt.Errorf("dimension %q: want one of %v", text, Dimensions())
}
