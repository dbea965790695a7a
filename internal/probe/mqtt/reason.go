package mqtt

import (
	"fmt"

	"github.com/channelwatch/channelwatch/internal/push"
)

// said renders a broker's reason code with its name and, where the broker gave any, its own words: cut, printable, and
// without the password, which a broker could repeat.
func (s *settings) said(v verdict) string {
	said := fmt.Sprintf("0x%02X %s", v.code, codeName(v.code))
	if text := push.Said(s.redaction, v.text); text != "" {
		said += fmt.Sprintf(" (%q)", text)
	}
	return said
}

// codeName returns the name of a reason code that a server can send (MQTT 5, section 2.4). Those from 1 to 5 are of
// CONNACK in version 3.1.1 (section 3.2.2.3).
//
//nolint:funlen // a table
func codeName(code byte) string {
	switch code {
	case 0x00:
		return "success"
	case 0x01:
		return "unacceptable protocol version"
	case 0x02:
		return "identifier rejected"
	case 0x10:
		return "no matching subscribers"
	case 0x81:
		return "malformed packet"
	case 0x82:
		return "protocol error"
	case 0x83:
		return "implementation specific error"
	case 0x84:
		return "unsupported protocol version"
	case 0x85:
		return "client identifier not valid"
	case 0x04, 0x86:
		return "bad user name or password"
	case 0x05, 0x87:
		return "not authorized"
	case 0x03, 0x88:
		return "server unavailable"
	case 0x89:
		return "server busy"
	case 0x8A:
		return "banned"
	case 0x8B:
		return "server shutting down"
	case 0x8C:
		return "bad authentication method"
	case 0x8D:
		return "keep alive timeout"
	case 0x8E:
		return "session taken over"
	case 0x8F:
		return "topic filter invalid"
	case 0x90:
		return "topic name invalid"
	case 0x91:
		return "packet identifier in use"
	case 0x93:
		return "receive maximum exceeded"
	case 0x95:
		return "packet too large"
	case 0x96:
		return "message rate too high"
	case 0x97:
		return "quota exceeded"
	case 0x98:
		return "administrative action"
	case 0x99:
		return "payload format invalid"
	case 0x9A:
		return "retain not supported"
	case 0x9B:
		return "QoS not supported"
	case 0x9C:
		return "use another server"
	case 0x9D:
		return "server moved"
	case 0x9E:
		return "shared subscriptions not supported"
	case 0x9F:
		return "connection rate exceeded"
	case 0xA0:
		return "maximum connect time"
	}
	return "unspecified error"
}

// answer says what a broker's acknowledgement of a message means. A message that is not authorised is one that the
// access list keeps off its topic: the login itself was taken.
func (s *settings) answer(v verdict) push.Answer {
	if v.code < refusedFrom {
		return push.Answer{Word: push.Accepted}
	}
	a := push.Answer{Word: push.Other, Said: s.said(v)}
	switch v.code {
	case 0x87, 0x90, 0x95, 0x99:
		a.Word = push.MessageInvalid
	case 0x97:
		a.Word = push.Throttled
	}
	return a
}
