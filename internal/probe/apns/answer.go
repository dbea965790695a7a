package apns

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// How long Apple's documentation asks senders to wait.
const (
	afterFailure = 15 * time.Minute // after any 5xx
	afterUpdates = 20 * time.Minute // between two provider tokens
)

// documented is one line of Apple's table of answers (Handling notification responses from APNs).
type documented struct {
	status int
	reason string
	word   push.Word
	hint   string
}

// table returns all that Apple documents. Which environment is asked makes the hints clear.
func table(environment string) []documented {
	const noToken = "compare key_file, key_id and team_id with the developer account"
	other := map[string]string{production: sandbox, sandbox: production}[environment]
	return []documented{
		{400, "BadCollapseId", push.MessageInvalid, ""},
		{400, "BadDeviceToken", push.TargetInvalid, "not a token of the environment " + environment + ", it may be one of " + other},
		{400, "BadExpirationDate", push.MessageInvalid, ""},
		{400, "BadMessageId", push.MessageInvalid, ""},
		{400, "BadPriority", push.MessageInvalid, ""},
		{400, "BadTopic", push.MessageInvalid, "the topic is not the bundle id of an app of this team"},
		{400, "DeviceTokenNotForTopic", push.TargetInvalid, "the token is of another app than the topic"},
		{400, "DuplicateHeaders", push.MessageInvalid, ""},
		{400, "IdleTimeout", push.ProviderFailed, ""},
		{400, "InvalidPushType", push.MessageInvalid, ""},
		{400, "MissingDeviceToken", push.MessageInvalid, ""},
		{400, "MissingTopic", push.MessageInvalid, ""},
		{400, "PayloadEmpty", push.MessageInvalid, ""},
		{400, "TopicDisallowed", push.CredentialRejected, "the key may not send to this topic"},
		{403, "BadCertificate", push.CredentialRejected, ""},
		{403, "BadCertificateEnvironment", push.CredentialRejected, ""},
		{403, "ExpiredProviderToken", push.CredentialRejected, "check the clock of this machine"},
		{403, "Forbidden", push.CredentialRejected, ""},
		{403, "InvalidProviderToken", push.CredentialRejected, noToken},
		{403, "MissingProviderToken", push.CredentialRejected, ""},
		{403, "UnrelatedKeyIdInToken", push.CredentialRejected, noToken},
		{403, "BadEnvironmentKeyIdInToken", push.CredentialRejected, "the key is not for the environment " + environment + ", it may be one for " + other},
		{404, "BadPath", push.MessageInvalid, ""},
		{405, "MethodNotAllowed", push.MessageInvalid, ""},
		{410, "ExpiredToken", push.TargetGone, ""},
		{410, "Unregistered", push.TargetGone, "the app was removed, or its notifications were switched off"},
		{413, "PayloadTooLarge", push.MessageInvalid, ""},
		{429, "TooManyProviderTokenUpdates", push.Throttled, "somebody else with the same key or address changes its token too often"},
		{429, "TooManyRequests", push.Throttled, "too many messages to one device"},
		{500, "InternalServerError", push.ProviderFailed, ""},
		{503, "ServiceUnavailable", push.ProviderFailed, ""},
		{503, "Shutdown", push.ProviderFailed, ""},
	}
}

// read returns what an answer means that came at now. Apple's words are cleaned of secrets.
func (s *settings) read(resp *httpx.Response, secrets probe.Redaction, now time.Time) push.Answer {
	if resp.Status == http.StatusOK {
		return push.Answer{Word: push.Accepted}
	}
	body := parseBody(resp.Body)
	a := push.Answer{Word: undocumented(resp.Status), Said: push.Said(secrets, body.reason), RetryAfter: push.RetryAfter(resp.Header, now)}
	for _, line := range table(s.environment) {
		if line.status == resp.Status && line.reason == body.reason {
			a.Word, a.Hint = line.word, line.hint
		}
	}
	switch {
	case resp.Status >= http.StatusInternalServerError:
		a.RetryAfter = max(a.RetryAfter, afterFailure)
	case body.reason == "TooManyProviderTokenUpdates":
		a.RetryAfter = max(a.RetryAfter, afterUpdates)
	case a.Word == push.TargetGone && !body.since.IsZero():
		a.Hint = "gone since " + body.since.UTC().Format("2006-01-02 15:04 MST")
	}
	return a
}

// undocumented returns what a status means whose reason is unknown or missing.
func undocumented(status int) push.Word {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return push.CredentialRejected
	case status == http.StatusGone:
		return push.TargetGone
	case status == http.StatusTooManyRequests:
		return push.Throttled
	case status >= http.StatusInternalServerError:
		return push.ProviderFailed
	}
	return push.Other
}

// errorBody is what Apple says beside a status.
type errorBody struct {
	reason string    // as it came; empty for none
	since  time.Time // when the device was found to be gone; zero for nothing
}

// parseBody reads a body that may be anything: what is between may answer in place of Apple.
func parseBody(body []byte) errorBody {
	var raw struct {
		Reason    string          `json:"reason"`
		Timestamp json.RawMessage `json:"timestamp"` // milliseconds since 1970
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return errorBody{}
	}
	const lastYear = 253_402_300_799_999 // the end of the year 9999, which is the last that has four digits
	parsed := errorBody{reason: raw.Reason}
	var ms int64
	if err := json.Unmarshal(raw.Timestamp, &ms); err == nil && ms > 0 && ms <= lastYear {
		parsed.since = time.UnixMilli(ms)
	}
	return parsed
}
