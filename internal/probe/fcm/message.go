package fcm

import (
	"encoding/json"
	"fmt"
	"math"
)

// The priorities of Android, as the configuration names them.
const (
	normal = "normal"
	high   = "high"
)

// sendRequest is the body of projects.messages.send.
type sendRequest struct {
	ValidateOnly bool    `json:"validate_only,omitempty"`
	Message      message `json:"message"`
}

type message struct {
	Token   string            `json:"token"`
	Data    map[string]string `json:"data,omitempty"`
	Android android           `json:"android"`
}

type android struct {
	Priority string `json:"priority"`
	TTL      string `json:"ttl"`
}

// body returns the message. receipt is where the device confirms it; empty for a dry run. The provider keeps the message
// no longer than it is waited for: a phone that was off must not confirm a heap of old ones.
func (s *settings) body(receipt string) ([]byte, error) {
	m := message{
		Token: s.target,
		Android: android{
			Priority: map[string]string{normal: "NORMAL", high: "HIGH"}[s.priority],
			TTL:      fmt.Sprintf("%.0fs", math.Ceil(s.Window.Seconds())),
		},
	}
	if receipt != "" {
		m.Data = map[string]string{"channelwatch_receipt": receipt}
	}
	body, err := json.Marshal(sendRequest{ValidateOnly: s.mode == validate, Message: m})
	if err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	return body, nil
}
