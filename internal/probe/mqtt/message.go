package mqtt

import (
	"crypto/rand"
	"strings"
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

// maxSearched is how many bytes of a payload are searched for an id: those of others can be long.
const maxSearched = 256

// arrived takes in a delivery. Retained messages and those of others are ignored.
func (p *prober) arrived(d delivery) {
	now := time.Now()
	if d.retained {
		return
	}
	payload := string(d.payload)
	ours := func(id string) bool { return p.inbox.Deliver(id, now, payload == payloadOf(id)) }
	if ours(string(d.correlation)) {
		return
	}
	for word := range strings.FieldsSeq(payload[:min(len(payload), maxSearched)]) {
		if ours(word) {
			return
		}
	}
}
