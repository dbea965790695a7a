package stream

import (
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// answer says what a complete answer of the service means. Nothing is gone for good here: a topic that is missing may
// be made any time. A feed is mostly the operator's own, and when it fails, waiting would hide that it is back: the time
// to wait is read only where there were too many messages.
func (s *settings) answer(resp *httpx.Response) push.Answer {
	a := push.Answer{Word: statusWord(resp.Status), Code: resp.Status}
	if a.Word == push.Throttled {
		a.RetryAfter = push.RetryAfter(resp.Header, time.Now())
	}
	if s.ntfy && a.Word != push.Accepted {
		a.Said = push.Said(s.redaction, ntfyError(resp))
	}
	return a
}

func statusWord(status int) push.Word {
	switch {
	case status >= http.StatusOK && status < http.StatusMultipleChoices:
		return push.Accepted
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return push.CredentialRejected
	case status == http.StatusTooManyRequests:
		return push.Throttled
	case status >= http.StatusInternalServerError:
		return push.ProviderFailed
	case status >= http.StatusBadRequest:
		return push.MessageInvalid
	}
	return push.Other
}

// The close codes of the IANA registry (WebSocket Close Code Number) that the library has no name for.
const (
	closeUnauthorized websocket.StatusCode = 3000
	closeForbidden    websocket.StatusCode = 3003
)

// refusal says what it means that the service closed the connection on which a message was published. It returns false
// for an end that refuses nothing (RFC 6455, section 7.4.1).
func (s *settings) refusal(bye websocket.CloseError) (push.Answer, bool) {
	a := push.Answer{Word: push.MessageInvalid, Code: int(bye.Code), Said: push.Said(s.redaction, bye.Reason)}
	switch bye.Code {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return push.Answer{}, false
	case closeUnauthorized, closeForbidden:
		a.Word = push.CredentialRejected
	case websocket.StatusTryAgainLater:
		a.Word = push.Throttled
	case websocket.StatusInternalError, websocket.StatusServiceRestart, websocket.StatusBadGateway:
		a.Word = push.ProviderFailed
	}
	return a, true
}

// failure is why the receiver could not be opened, or how it ended, as a result says it.
type failure struct {
	reason probe.Reason
	detail string
}

// Error returns the detail.
func (f *failure) Error() string { return f.detail }

// refusedBy is the failure of a receiver whose request was answered so.
func refusedBy(a push.Answer, want string) *failure {
	reason := a.Check()
	if reason == push.Rejected {
		reason = refused
	}
	return &failure{reason, "subscribing was " + a.String() + ", want " + want}
}
