package webpush

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Messages of the autopush protocol, by their messageType (autopush-rs, autoconnect-common/src/protocol.rs).
const (
	helloType        = "hello"
	registerType     = "register"
	notificationType = "notification"
	ackType          = "ack"
)

// What a receiver answers to a notification.
const (
	ackDelivered   = 100
	ackUndecrypted = 101
	ackUnwanted    = 102
)

// frame is a message from a push service. Fields that a message does not have are zero.
type frame struct {
	Type     string `json:"messageType"`
	Status   int    `json:"status"`
	UAID     string `json:"uaid"`
	Channel  string `json:"channelID"`
	Endpoint string `json:"pushEndpoint"`
	Version  string `json:"version"`
	Data     string `json:"data"` // base64url; a message may have none
	Headers  struct {
		Encoding string `json:"encoding"`
	} `json:"headers"`
}

// parseFrame reads one message. Its error holds nothing of the content.
func parseFrame(data []byte) (frame, error) {
	var f frame
	if json.Unmarshal(data, &f) != nil {
		return frame{}, errors.New("the push service sent what is not a JSON object of its protocol")
	}
	return f, nil
}

// Message is what arrived at a receiver.
type Message struct {
	At        time.Time
	Plaintext []byte // empty for a message without content
	Err       error  // why it could not be decrypted; Plaintext is nil then
}

// open decrypts a notification and returns the code of its acknowledgement; ok is false when it was sent to a subscription
// that the state does not hold.
func (s *State) open(f frame, at time.Time) (m Message, code int, ok bool) {
	if f.Channel != s.channel {
		return Message{}, ackUnwanted, false
	}
	m.At = at
	if f.Data == "" {
		return m, ackDelivered, true
	}
	body, err := decode64(f.Data)
	switch {
	case err != nil:
		m.Err = fmt.Errorf("reading a message: %w", err)
	case f.Headers.Encoding != ContentEncoding:
		m.Err = fmt.Errorf("reading a message: not in the content encoding %s", ContentEncoding)
	default:
		m.Plaintext, m.Err = s.keys.Decrypt(body)
	}
	if m.Err != nil {
		return m, ackUndecrypted, true
	}
	return m, ackDelivered, true
}

type ack struct {
	Channel string `json:"channelID"`
	Version string `json:"version"`
	Code    int    `json:"code"`
}

// acknowledge returns the answer to a notification.
func acknowledge(f frame, code int) any {
	return map[string]any{"messageType": ackType, "updates": []ack{{Channel: f.Channel, Version: f.Version, Code: code}}}
}
