package view

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// What is recorded of messages, and what agents export of them.
const (
	silentSince  = "touchpoint:channelwatch_push_silent_since_timestamp_seconds:max"
	endedIn      = "touchpoint_outcome:channelwatch_push_messages:increase1d"
	answeredWith = "touchpoint_answer:channelwatch_push_provider_responses:increase1d"
	onTime       = "touchpoint:channelwatch_push_on_time:ratio1d"
	lost         = "touchpoint:channelwatch_push_lost:ratio1d"
	deliveredIn  = "touchpoint:channelwatch_push_delivery_seconds:"

	lastAccepted    = "channelwatch_push_last_accepted_timestamp_seconds"
	lastDelivered   = "channelwatch_push_last_delivered_timestamp_seconds"
	credentialOK    = "channelwatch_push_credential_ok"
	targetValid     = "channelwatch_push_target_valid"
	targetRefreshed = "channelwatch_push_target_refreshed_timestamp_seconds"
	receiverUp      = "channelwatch_push_receiver_up"
	expiry          = "channelwatch_push_credential_expiry_timestamp_seconds"
	counting        = "channelwatch_push_messages_total"
	repeats         = "channelwatch_push_duplicates_total" // of touchpoints that can see arrivals
)

// messagesBack is how old what is recorded of a day may be.
const messagesBack = 15 * time.Minute

// messages asks for what became of the messages of a touchpoint; there is no answer where it sends none. What agents export
// is of this moment: of one that is gone nothing is known.
func (a *asker) messages(at time.Time, only []string, into *heard) {
	recorded := []string{silentSince, endedIn, answeredWith, onTime, lost, deliveredIn + "p50_1d", deliveredIn + "p95_1d"}
	exported := []string{lastAccepted, lastDelivered, credentialOK, targetValid, targetRefreshed, receiverUp, expiry, counting, repeats}
	a.at("what became of messages", "last_over_time("+selector(recorded, only...)+"["+promDuration(messagesBack)+"])", at, &into.recorded)
	a.at("what agents say of messages", selector(exported, only...), at, &into.exported)
	counted := "timestamp(" + selector([]string{endedIn}, only...) + ")"
	a.at("when messages were counted", "max("+counted+" or max_over_time("+counted+"["+promDuration(messagesBack)+":1m]))", at, &into.counted)
}

// heard is what rules recorded and when, and what agents export of messages.
type heard struct{ recorded, exported, counted []query.Series }

// addMessages adds to the page of a touchpoint what became of its messages.
func (p *TouchpointPage) addMessages(ctx context.Context, engine query.Engine, g grid, only []string, answer heard) error {
	if p.Messages = readMessages(answer); p.Messages == nil {
		return nil
	}
	p.Queries = append(p.Queries,
		QueryOfInterest{"Seconds since a message last got through", "time() - " + selector([]string{silentSince}, only...)},
		QueryOfInterest{"Messages of 24 hours by how they ended", selector([]string{endedIn}, only...)},
	)
	var lines []query.Series
	a := ask(ctx, engine)
	quick, rare := []string{deliveredIn + "p50_1h", deliveredIn + "p95_1h"}, []string{deliveredIn + "p50_1d", deliveredIn + "p95_1d"}
	names := quick
	if p.Every > rareAfter.Seconds() {
		names = rare
	}
	a.over("how long messages take", "last_over_time("+selector(names, only...)+"["+promDuration(messagesBack)+"])", axisUntil(p.At, g.length, g.speed), &lines)
	if err := a.wait(); err != nil {
		return err
	}
	for i, share := range []float64{0.5, 0.95} {
		for _, s := range oneSource(lines) {
			if s.Labels["__name__"] == names[i] {
				p.Messages.Delivery = append(p.Messages.Delivery, DeliveryOverTime{share, pointsOf(s)})
			}
		}
	}
	return nil
}

// rareAfter is from which interval on an hour holds too few messages to say how long they take.
const rareAfter = 20 * time.Minute

// readMessages returns nil when nothing was recorded.
func readMessages(answer heard) *Messages {
	m := &Messages{}
	ended, answers := make(map[string]float64), make(map[string]float64)
	for _, s := range oneSource(answer.recorded) {
		switch v := value(s); s.Labels["__name__"] {
		case silentSince:
			m.Silent = unix(v)
		case endedIn:
			ended[s.Labels["outcome"]] = v
		case answeredWith:
			answers[s.Labels["answer"]] = v
		case onTime:
			m.OnTime = &v
		case lost:
			m.Lost = &v
		case deliveredIn + "p50_1d":
			m.Half = &v
		case deliveredIn + "p95_1d":
			m.Most = &v
		}
	}
	if m.Silent.IsZero() {
		return nil
	}
	for _, s := range answer.counted {
		m.Counted = latest(m.Counted, value(s))
	}
	m.Beats = m.Counted == nil && !slices.ContainsFunc(answer.exported, func(s query.Series) bool { return s.Labels["__name__"] == counting })
	m.addState(answer.exported)
	if m.Delivered != nil && m.Delivered.After(m.Silent) { // seen after the rules last ran
		m.Silent = *m.Delivered
	}
	m.Ended = counted(ended, "delivered", "late", "corrupted", "lost", "rejected", "unsent", "unseen")
	m.Answers = counted(answers, "accepted", "throttled", "credential_rejected", "target_gone", "target_invalid", "message_invalid", "provider_failed", "other", "none")
	return m
}

// addState adds what agents say. Of several the one that saw a message last knows best when that was, and the one that has
// trouble what that is.
func (m *Messages) addState(exported []query.Series) {
	seen := slices.ContainsFunc(exported, func(s query.Series) bool { return s.Labels["__name__"] == repeats })
	for _, s := range exported {
		switch v := value(s); s.Labels["__name__"] {
		case lastAccepted:
			m.Accepted = latest(m.Accepted, v)
		case lastDelivered:
			m.Delivered = latest(m.Delivered, v)
		case targetRefreshed:
			m.Refreshed = latest(m.Refreshed, v)
		case expiry:
			if s.Labels["what"] != "access_token" { // these are renewed all the time
				m.Expires = earliest(m.Expires, v)
			}
		case credentialOK:
			m.Credential = all(m.Credential, v)
		case targetValid:
			m.Target = all(m.Target, v)
		case receiverUp:
			m.Receiver = all(m.Receiver, v)
		case counting:
			m.Seen = &seen
		}
	}
}

// counted lists the values that there were any of.
func counted(counts map[string]float64, order ...string) []Counted {
	var listed []Counted
	for _, v := range order {
		if n := math.Round(counts[v]); n > 0 {
			listed = append(listed, Counted{v, n})
		}
	}
	return listed
}

func unix(v float64) time.Time { return time.UnixMilli(int64(math.Round(v * 1000))).UTC() }

func latest(known *time.Time, v float64) *time.Time {
	if at := unix(v); known == nil || at.After(*known) {
		return &at
	}
	return known
}

func earliest(known *time.Time, v float64) *time.Time {
	if at := unix(v); known == nil || at.Before(*known) {
		return &at
	}
	return known
}

// all is true while it is for every agent that knows.
func all(known *bool, v float64) *bool {
	is := v == 1 && (known == nil || *known)
	return &is
}
