package web

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// What results hold of their own message.
const (
	arrivalMetric    = "push_last_delivered_timestamp_seconds"
	acceptanceMetric = "push_last_accepted_timestamp_seconds"
	skippedMetric    = "push_skipped_total"
)

// fate is how much is known of a touchpoint's messages.
type fate uint8

const (
	awaited  fate = iota // none has got through yet
	arrived              // one has
	untaken              // their acceptance is all that anybody can see, and there was none yet
	accepted             // there was
	alive                // these are signs of life
)

// fateOf returns what is known of the last message that got through, and when that was; without one, since when it is waited
// for. The last results here may be newer than what was recorded.
func (p *touchpointPage) fateOf(m *view.Messages) (fate, time.Time) {
	counts := make(map[string]bool)
	for _, e := range m.Ended {
		counts[e.Value] = true
	}
	seen := counts["delivered"] || counts["late"]
	switch {
	case m.Beats:
		return alive, p.last(arrivalMetric, m.Silent, m.Delivered)
	case m.Seen != nil && !*m.Seen, m.Seen == nil && counts["unseen"] && !seen:
		at := p.last(acceptanceMetric, m.Silent, m.Accepted)
		if counts["unseen"] || m.Accepted != nil || at.After(m.Silent) {
			return accepted, at
		}
		return untaken, at
	}
	at := p.last(arrivalMetric, m.Silent, m.Delivered)
	if seen || m.Delivered != nil || at.After(m.Silent) {
		return arrived, at
	}
	return awaited, at
}

// last returns the last of the times that were recorded, that agents export, and that the results here hold.
func (p *touchpointPage) last(metric string, recorded time.Time, exported *time.Time) time.Time {
	if exported != nil && exported.After(recorded) {
		recorded = *exported
	}
	for i := range p.Results {
		for _, m := range p.Results[i].Measurements {
			if at := time.UnixMilli(int64(m.Value * 1000)); m.Metric == metric && at.After(recorded) {
				recorded = at
			}
		}
	}
	return recorded
}

// blind reports whether nobody can see messages arrive.
func (f fate) blind() bool { return f == untaken || f == accepted }

func (f fate) title() string {
	switch {
	case f == alive:
		return "Is the sender alive?"
	case f.blind():
		return "Are messages accepted?"
	}
	return "Do messages arrive?"
}

func (f fate) words(silent time.Duration) string {
	when := view.Lasting(silent) + " ago"
	if silent < 2*time.Second {
		when = "just now"
	}
	switch f {
	case arrived:
		return "The last message arrived " + when + "."
	case accepted:
		return "The messaging service took the last message " + when + ". Nobody can see whether it arrived: what is accepted may still get lost."
	case untaken:
		return "The messaging service has taken no message since one was first waited for, " + when + "."
	case alive:
		return "The last sign of life of the sender came " + when + "."
	}
	return "No message has got through since it was first waited for, " + when + "."
}

// heldBack says that the last message was not sent on purpose, and to IT when the next one is.
func (p *touchpointPage) heldBack() []messageState {
	if len(p.Results) == 0 {
		return nil
	}
	last := &p.Results[0]
	for _, m := range last.Measurements {
		if m.Metric != skippedMetric {
			continue
		}
		words := heldWords(m.Label)
		return []messageState{{"Held back", p.Pick(view.Sides{Marketing: words, IT: words + ": " + last.Detail}), true}}
	}
	return nil
}

// heldWords says why messages are held back.
func heldWords(why string) string {
	switch why {
	case "throttled":
		return "the messaging service asked to wait"
	case "credential":
		return "the messaging service does not accept us as the sender"
	case "target_invalid":
		return "there is nobody to send to until it is registered again"
	}
	return why
}

// messageStates says whether what messages depend on is in order, as far as it is known.
func (p *touchpointPage) messageStates(kind string, m *view.Messages) []messageState {
	var states []messageState
	add := func(name string, ok *bool, good, bad string) {
		switch {
		case ok == nil:
		case *ok:
			states = append(states, messageState{Name: name, Words: good})
		default:
			states = append(states, messageState{name, bad, true})
		}
	}
	target := "Test device"
	if kind == "webpush" { // the agent itself can be the one who subscribed
		target = "Subscription"
	}
	add("Sender", m.Credential, "accepted by the messaging service", "not accepted by the messaging service")
	add(target, m.Target, "known to the messaging service", p.Pick(view.Sides{
		Marketing: "gone: until IT registers it again we cannot see whether messages arrive", IT: "gone: register it again and replace its file",
	}))
	add("Our receiver", m.Receiver, "ready", "not ready when the last message was due")
	if m.Refreshed != nil {
		states = append(states, messageState{Name: target + "'s file", Words: "written " + view.Lasting(p.Now.Sub(*m.Refreshed)) + " ago"})
	}
	if m.Expires != nil {
		left := m.Expires.Sub(p.Now)
		state := messageState{Name: "Certificate", Words: "ends in " + view.Lasting(left)}
		if left <= 0 {
			state.Words, state.Bad = "has run out", true
		}
		states = append(states, state)
	}
	return states
}
