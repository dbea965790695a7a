package rum

import "sync/atomic"

// outcome is what became of a request to the beacon's address.
type outcome uint8

// The outcomes. Those of a request whose website is not known come first.
const (
	wrongMethod outcome = iota
	wrongOrigin
	encoded
	busy
	tooOften
	optedOut
	automated
	tooLarge
	wrongType
	malformed
	stale // taken in; the script that sent it measures another share of page views than is asked for now
	accepted
	numOutcomes
)

// firstOfApp is the first outcome that is counted for a website.
const firstOfApp = encoded

// String returns the outcome as the label says it.
func (o outcome) String() string {
	return [numOutcomes]string{
		"wrong_method", "wrong_origin", "encoded", "busy", "too_often", "opted_out", "automated", "too_large", "wrong_type",
		"malformed", "stale", "accepted",
	}[o]
}

// drop is why a value of a beacon was not counted.
type drop uint8

// The reasons.
const (
	unknownName drop = iota
	invalid          // negative or null
	numDrops
)

// String returns the reason as the label says it.
func (d drop) String() string { return [numDrops]string{"unknown_name", "invalid"}[d] }

// unknown counts requests whose website is not known.
type unknown [firstOfApp]atomic.Uint64
