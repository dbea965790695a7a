package apns

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// Token returns the provider token of a key at now.
func Token(keyFile, keyID, teamID string, now time.Time) (string, error) {
	c, err := Config{KeyFile: keyFile, KeyID: keyID, TeamID: teamID}.readCredential()
	if err != nil {
		return "", err
	}
	return c.token(now)
}

// TokenAt returns a token that was made at a time, as a sender without steps would make it.
func TokenAt(keyFile, keyID, teamID string, at time.Time) (string, error) {
	key, err := readKey(keyFile)
	if err != nil {
		return "", err
	}
	return push.SignES256(key, map[string]any{"alg": "ES256", "kid": keyID}, map[string]any{"iss": teamID, "iat": at.Unix()})
}

// ParseBody parses the body of an answer.
func ParseBody(body []byte) (reason string, since time.Time) {
	parsed := parseBody(body)
	return parsed.reason, parsed.since
}
