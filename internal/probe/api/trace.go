package api

import (
	"crypto/rand"
	"encoding/hex"
)

// traceParent is the header of W3C Trace Context by which a back end's trace of a call can be found.
const traceParent = "Traceparent"

// newTrace returns the value of a new trace that is sampled (W3C Trace Context, section 3.2): version, trace-id, parent-id
// and flags. Random ids are never all zeros, which the standard forbids, within the life of a universe.
func newTrace() string {
	id := make([]byte, 24)
	_, _ = rand.Read(id) // never fails
	return "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-01"
}
