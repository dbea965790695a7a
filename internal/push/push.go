// Package push is what kinds of push messaging have in common: the life of one message from sending to arrival and the
// result that follows from it, the metrics and checks of messages, what a provider's answer means for the next message,
// private files and provider tokens.
//
// Accepted and delivered are different facts, and no provider tells a sender in real time that a message arrived. So
// arrival decides over acceptance, a message is never sent twice, and where nobody can see an arrival the result says so.
//
// It imports probe, and httpx for the answers of providers that speak HTTP. It knows no provider, and opens no connection.
package push

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// defaultDeadline is what people wait for a one-time code before they ask for another.
const defaultDeadline = 5 * time.Second

// Times says until when a message that was sent is on time, and until when it is waited for.
type Times struct {
	Deadline time.Duration // delivered by then is on time, later is late
	Window   time.Duration // not delivered by then is lost; below the timeout of the probe
}

// Within fills in the defaults, four fifths of the timeout for the window and 5 s or the window for the deadline, and
// checks both against the timeout, the rest of which is for connecting. Mistakes are FieldErrors.
func (t Times) Within(timeout time.Duration) (Times, error) {
	if t.Window == 0 {
		t.Window = timeout * 4 / 5
	}
	if t.Deadline == 0 {
		t.Deadline = min(defaultDeadline, t.Window)
	}
	switch {
	case t.Window < 0 || t.Window >= timeout:
		return Times{}, probe.Fieldf("window", "%v is not between 0 and the timeout of %v, the rest of which is for connecting", t.Window, timeout)
	case t.Deadline < 0 || t.Deadline > t.Window:
		return Times{}, probe.Fieldf("deadline", "%v is not between 0 and the window of %v", t.Deadline, t.Window)
	}
	return t, nil
}
