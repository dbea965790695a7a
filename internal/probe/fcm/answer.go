package fcm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// refusal is the body of an error of Google's APIs. Its details are of several types; these are the fields that count.
type refusal struct {
	Error struct {
		Status  string `json:"status"`
		Message string `json:"message"`
		Details []struct {
			ErrorCode  string `json:"errorCode"` // of google.firebase.fcm.v1.FcmError
			Violations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"` // of google.rpc.BadRequest
		} `json:"details"`
	} `json:"error"`
}

// parseRefusal reads the body of an error. What is not one, such as the page of a proxy, gives the zero value.
func parseRefusal(body []byte) refusal {
	var r refusal
	if json.Unmarshal(body, &r) != nil {
		return refusal{}
	}
	return r
}

// code returns the code of FCM, or else the status that all of Google's APIs share.
func (r *refusal) code() string {
	for _, d := range r.Error.Details {
		if d.ErrorCode != "" {
			return d.ErrorCode
		}
	}
	return r.Error.Status
}

// blamesToken reports whether the registration token is what is wrong with the request.
func (r *refusal) blamesToken() bool {
	for _, d := range r.Error.Details {
		for _, v := range d.Violations {
			if v.Field == "message.token" {
				return true
			}
		}
	}
	return strings.Contains(r.Error.Message, "registration token")
}

// said is code and message in one text.
func (r *refusal) said() string {
	return strings.TrimSuffix(r.code()+": "+r.Error.Message, ": ")
}

// meaning is what a code stands for.
type meaning struct {
	word push.Word
	hint string
}

// meaningOf returns what a code means (firebase.google.com, reference of ErrorCode; google.rpc.Code). Codes that say no
// more than the status of HTTP are left to it.
func meaningOf(code string) (meaning, bool) {
	m, ok := map[string]meaning{
		"UNREGISTERED":       {push.TargetGone, "the app was removed from the device, or its token was replaced"},
		"SENDER_ID_MISMATCH": {push.TargetInvalid, "the token belongs to another project"},
		"INVALID_ARGUMENT":   {push.MessageInvalid, ""},
		"QUOTA_EXCEEDED":     {push.Throttled, ""},
		"RESOURCE_EXHAUSTED": {push.Throttled, ""},
		// Its message speaks of the access token, which is good.
		"THIRD_PARTY_AUTH_ERROR": {push.CredentialRejected, "the key for Apple or web push in the Firebase project"},
		"UNAUTHENTICATED":        {push.CredentialRejected, "the access token"},
		"PERMISSION_DENIED":      {push.CredentialRejected, "the API is off, or the service account lacks the role"},
		"NOT_FOUND":              {push.CredentialRejected, "the project is not known"},
		"INTERNAL":               {push.ProviderFailed, ""},
		"UNAVAILABLE":            {push.ProviderFailed, ""},
	}[code]
	return m, ok
}

// wordOf returns what a status of HTTP means when no known code is with it.
func wordOf(status int) push.Word {
	switch {
	case status == http.StatusTooManyRequests:
		return push.Throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return push.CredentialRejected
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge:
		return push.MessageInvalid
	case status >= http.StatusInternalServerError:
		return push.ProviderFailed
	}
	return push.Other
}

// readAnswer says what a complete answer to a message means. The name of an accepted message is what it said.
func readAnswer(resp *httpx.Response, secrets probe.Redaction) push.Answer {
	if resp.Status == http.StatusOK {
		return readAcceptance(resp.Body, secrets)
	}
	r := parseRefusal(resp.Body)
	a := push.Answer{
		Word:       wordOf(resp.Status),
		Said:       push.Said(secrets, r.said()),
		RetryAfter: push.RetryAfter(resp.Header, time.Now()),
	}
	if m, ok := meaningOf(r.code()); ok {
		a.Word, a.Hint = m.word, m.hint
	}
	if a.Word == push.MessageInvalid && r.blamesToken() {
		a.Word, a.Hint = push.TargetInvalid, "token_file does not hold what the app got"
	}
	return a
}

// readAcceptance takes for acceptance only what names a message: a portal in front of the network answers 200, too.
func readAcceptance(body []byte, secrets probe.Redaction) push.Answer {
	var accepted struct {
		Name string `json:"name"`
	}
	parts := []string{"projects", "", "messages", ""}
	if json.Unmarshal(body, &accepted) == nil {
		if got := strings.Split(accepted.Name, "/"); len(got) == len(parts) && got[3] != "" {
			parts[1], parts[3] = got[1], got[3]
			if slices.Equal(got, parts) {
				return push.Answer{Word: push.Accepted, Said: push.Said(secrets, accepted.Name)}
			}
		}
	}
	return push.Answer{Word: push.Other, Hint: "no name of a message in it"}
}
