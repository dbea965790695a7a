package fcm

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// Forgive lets a prober send again whatever was answered, as if the time to wait were over.
func Forgive(p probe.Prober) { p.(*prober).standing = push.Standing{} }

// ReadAnswers reads an answer as one to a message and as one of the token endpoint.
func ReadAnswers(status int, body []byte, secrets probe.Redaction) []push.Answer {
	resp := &httpx.Response{Status: status, Body: body}
	return []push.Answer{readAnswer(resp, secrets), readTokenAnswer(resp, secrets)}
}

// DeadlineOf returns until when a message of a touchpoint is on time.
func DeadlineOf(p probe.Prober) time.Duration { return p.(*prober).Deadline }

// EndOfToken returns when the access token that a prober holds ends.
func EndOfToken(p probe.Prober) time.Time { return p.(*prober).held.end }
