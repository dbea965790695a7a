package web

import (
	"fmt"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// messagesView is what became of the messages of a touchpoint, as its page shows it.
type messagesView struct {
	Title, Words   string
	Counted        *time.Time // until when the figures of a day are
	Cards          []vitalRow
	State          []messageState
	Ended, Answers messageTable
	Last           []lastAnswer
}

// messageState is one thing that messages depend on.
type messageState struct {
	Name, Words string
	Bad         bool
}

// messageTable is how many messages there were of each sort.
type messageTable struct {
	Title, Of string
	Rows      []messageRow
}

type messageRow struct{ Name, Count, Width string }

// lastAnswer is what the provider said to one of the last messages of this agent.
type lastAnswer struct{ Words, Age string }

// maxAnswers is how many of the last answers a page shows.
const maxAnswers = 5

// answersMetric is labelled by what the provider answered.
const answersMetric = "push_provider_responses_total"

// ownSender is the kind whose messages come when a customer's own sender sends them.
const ownSender = "receipts"

// newMessages returns nil for a touchpoint that sends none.
func (p *touchpointPage) newMessages(recorded *view.TouchpointPage) *messagesView {
	m := recorded.Messages
	if m == nil {
		return nil
	}
	fate, since := p.fateOf(m)
	silent := p.Now.Sub(since)
	v := &messagesView{Title: fate.title(), Words: fate.words(silent), Counted: m.Counted}
	if every := time.Duration(recorded.Every * float64(time.Second)); every > 0 && recorded.Kind != ownSender && silent > 4*every+time.Minute {
		v.Words += fmt.Sprintf(" One should have been through every %s.", view.Lasting(every))
	}
	v.Cards = p.messageCards(m, recorded.Limits, fate)
	v.State = append(p.heldBack(), p.messageStates(recorded.Kind, m)...)
	v.Ended = newMessageTable("How messages of the last 24 hours ended", "Ended", m.Ended, endWords)
	v.Answers = newMessageTable("What the messaging service answered", "Answer", m.Answers, answerWords)
	v.Last = p.lastAnswers()
	return v
}

// messageCards are the figures of a day.
func (p *touchpointPage) messageCards(m *view.Messages, limits *view.Limits, f fate) []vitalRow {
	var cards []vitalRow
	if m.Most != nil {
		cards = append(cards, p.arrivalCard(m, limits))
	}
	if m.OnTime != nil && !f.blind() {
		cards = append(cards, vitalRow{Name: "On time", Value: view.Percent(100 * *m.OnTime), Words: p.Pick(view.Sides{
			Marketing: "So many of the messages of the last 24 hours arrived in time.",
			IT:        "Delivered by the deadline, of all messages of 24 hours whose arrival could be seen.",
		})})
	}
	if m.Lost != nil {
		cards = append(cards, vitalRow{Name: "Lost", Value: view.Points(100**m.Lost) + " %", Words: p.Pick(view.Sides{
			Marketing: "Taken by the messaging service and never arrived. It tells nobody.",
			IT:        "Accepted and not delivered within the window, of the accepted ones of 24 hours.",
		})})
	}
	return cards
}

// enough is how many messages must have arrived for one in twenty of them to mean something.
const enough = 20

// arrivalCard says how long messages took to arrive, and rates it where enough of them did.
func (p *touchpointPage) arrivalCard(m *view.Messages, limits *view.Limits) vitalRow {
	n := 0.0
	for _, e := range m.Ended {
		if e.Value == "delivered" || e.Value == "late" {
			n += e.Count
		}
	}
	card := vitalRow{Short: "p95", Name: "Time to arrive", Value: arrival(*m.Most)}
	words := "19 of 20 messages of the last 24 hours arrived within this time."
	it := "p95 of the deliveries of 24 hours; lost messages are not in it, and with receipts it is an upper bound."
	if n < enough {
		words = "Nearly all messages of the last 24 hours arrived within this time, but they were too few to say much."
		it += fmt.Sprintf(" It is not rated: fewer than %d arrived.", enough)
	}
	if m.Half != nil {
		it, words = it+" p50: "+arrival(*m.Half)+".", words+" Half of them arrived within "+arrival(*m.Half)+"."
	}
	card.Words = p.Pick(view.Sides{Marketing: words, IT: it})
	if limits == nil || n < enough {
		return card
	}
	bounds := probe.Bounds(*limits)
	card.Rating = bounds.Rate(*m.Most)
	if *m.Most >= tiny {
		card.Value = vitalValue(probe.LCP, *m.Most, bounds)
	}
	card.Bound, card.Scale = "Good is at most "+brief(limits.Good)+".", scale(*m.Most, bounds)
	return card
}

// tiny is below which whole milliseconds say too little.
const tiny = 0.01

// arrival prints how long a message took.
func arrival(v float64) string {
	if v < tiny {
		return seconds(v)
	}
	return brief(v)
}

func newMessageTable(title, of string, counts []view.Counted, words func(string) string) messageTable {
	t := messageTable{Title: title, Of: of}
	most := 0.0
	for _, c := range counts {
		most = max(most, c.Count)
	}
	for _, c := range counts {
		t.Rows = append(t.Rows, messageRow{words(c.Value), strconv.FormatFloat(c.Count, 'f', 0, 64), fixed(100 * c.Count / most)})
	}
	return t
}

// lastAnswers are those that the results hold which this agent remembers, newest first; of the same one after the other only
// the newest.
func (p *touchpointPage) lastAnswers() []lastAnswer {
	var all []lastAnswer
	for i := range p.Results {
		for _, m := range p.Results[i].Measurements {
			words := answerWords(m.Label)
			if n := len(all); m.Metric == answersMetric && n < maxAnswers && (n == 0 || all[n-1].Words != words) {
				all = append(all, lastAnswer{words, p.Results[i].Age})
			}
		}
	}
	return all
}

// endWords says how messages ended.
func endWords(outcome string) string {
	switch outcome {
	case "delivered":
		return "arrived on time"
	case "late":
		return "arrived late"
	case "corrupted":
		return "arrived garbled"
	case "lost":
		return "accepted, never arrived"
	case "rejected":
		return "turned away"
	case "unsent":
		return "could not be sent"
	case "unseen":
		return "accepted, arrival not seen"
	}
	return outcome
}

// answerWords says what a provider answered.
func answerWords(answer string) string {
	switch answer {
	case "accepted":
		return "accepted"
	case "throttled":
		return "too many messages"
	case "credential_rejected":
		return "sender not accepted"
	case "target_gone":
		return "the device is gone"
	case "target_invalid":
		return "no such device"
	case "message_invalid":
		return "message not taken"
	case "provider_failed":
		return "trouble of its own"
	case "other":
		return "something else"
	case "none":
		return "no answer"
	}
	return answer
}

// deliveryChart shows how long messages took to arrive, against the limits. It is nil when none arrived.
func deliveryChart(p *view.TouchpointPage, from time.Time) *chart {
	if p.Messages == nil || len(p.Messages.Delivery) == 0 {
		return nil
	}
	c := &chart{ID: "delivery", Title: "How long messages take to arrive", Unit: "seconds", From: from, Until: p.At}
	highest := 0.0
	for _, d := range p.Messages.Delivery {
		s := series{"half of them within", "vital2", d.Line}
		if d.Share > 0.5 {
			s.Label, s.Class = "19 of 20 within", "vital1"
		}
		c.Series = append(c.Series, s)
		highest = max(highest, highestOf(d.Line))
	}
	if p.Limits != nil {
		c.Limits = []limit{upTo("excellent", p.Limits.Excellent), upTo("good", p.Limits.Good), upTo("fair", p.Limits.Fair)}
		highest = max(highest, p.Limits.Good)
	}
	c.Top = roundTop(highest * 1.1)
	return c
}
