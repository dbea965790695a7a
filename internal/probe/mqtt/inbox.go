package mqtt

import (
	"bytes"
	"crypto/rand"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

// payloadPrefix tells people who see a probe's message what it is.
const payloadPrefix = "channelwatch probe "

// message is one publication and where its arrivals are announced.
type message struct {
	nonce    []byte // correlation data, and the end of the payload
	payload  []byte
	arrivals chan arrival // holds the first few; more say nothing new
}

// arrival is one delivery of a message.
type arrival struct {
	at     time.Time
	intact bool // the payload is the one that was sent
}

func newMessage() *message {
	nonce := rand.Text()
	return &message{
		nonce:    []byte(nonce),
		payload:  []byte(payloadPrefix + nonce),
		arrivals: make(chan arrival, 4),
	}
}

// inbox hands what arrives to the probe that sent it. It is safe for concurrent use; the zero value is empty.
type inbox struct {
	mu       sync.Mutex
	waiting  []*message
	finished [4][]byte // nonces of the latest messages that arrived and are no longer waited for
	next     int       // index in finished
	repeats  int       // arrivals of finished messages since they were last taken
}

// expect makes arrivals of m known to it.
func (in *inbox) expect(m *message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.waiting = append(in.waiting, m)
}

// forget stops announcing arrivals of m and counts those not yet taken. A message that arrived is remembered, so that one more arrival is a repeat;
// one that never did is not, so that its arrival after the window changes no other result.
func (in *inbox) forget(m *message, arrived bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range in.waiting {
		if in.waiting[i] == m {
			in.waiting = append(in.waiting[:i], in.waiting[i+1:]...)
			break
		}
	}
	if arrived {
		in.repeats += len(m.arrivals)
		in.finished[in.next] = m.nonce
		in.next = (in.next + 1) % len(in.finished)
	}
}

// takeRepeats returns how often finished messages arrived again since it was last called.
func (in *inbox) takeRepeats() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := in.repeats
	in.repeats = 0
	return n
}

// deliver takes in what arrived on the topic. Retained messages and those of others are ignored. A message is known by
// its correlation data or, where a bridge to an older protocol dropped that, by its payload.
func (in *inbox) deliver(p *paho.Publish) {
	now := time.Now()
	if p.Retain {
		return
	}
	var correlation []byte
	if p.Properties != nil {
		correlation = p.Properties.CorrelationData
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.waiting {
		intact := bytes.Equal(p.Payload, m.payload)
		if !intact && !bytes.Equal(correlation, m.nonce) {
			continue
		}
		select {
		case m.arrivals <- arrival{at: now, intact: intact}:
		default:
		}
		return
	}
	for _, nonce := range in.finished {
		if nonce != nil && (bytes.Equal(correlation, nonce) || bytes.Equal(p.Payload, append([]byte(payloadPrefix), nonce...))) {
			in.repeats++
			return
		}
	}
}
