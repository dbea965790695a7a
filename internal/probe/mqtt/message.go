package mqtt

import (
	"crypto/rand"
	"time"
)

// payloadPrefix tells people who see a probe's message what it is.
const payloadPrefix = "channelwatch probe "

// message is one publication.
type message struct {
	id      string
	payload []byte
}

func newMessage() message {
	id := rand.Text()
	return message{id: id, payload: []byte(payloadOf(id))}
}

// payloadOf returns the payload of the message with an id. It says the id twice: only version 5 has correlation data,
// bridges between versions drop it, and a message that was garbled on the way must still be known as the one that was
// sent.
func payloadOf(id string) string { return payloadPrefix + id + " " + id }

// delivery is what a broker delivered on the topic.
type delivery struct {
	payload     []byte
	correlation []byte // empty where there is none
	retained    bool   // it was published before the subscription
}

// arrived takes in a delivery. Retained messages and those of others are ignored. A message is known by its correlation
// data or, where there is none any more, by its payload.
func (p *prober) arrived(d delivery) {
	now := time.Now()
	if d.retained {
		return
	}
	intact := func(id string) bool { return string(d.payload) == payloadOf(id) }
	correlation := string(d.correlation)
	if !p.inbox.Deliver(correlation, now, intact(correlation)) {
		p.inbox.DeliverText(d.payload, now, intact)
	}
}
