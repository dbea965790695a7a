package apns_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// issued is a provider token and when it says that it was made.
type issued struct {
	token string
	at    time.Time
}

// check says what Apple would say against a request; no reason when nothing is wrong. a.mu is held.
func (a *apple) check(r *http.Request, body []byte, now time.Time) (status int, reason string) {
	token, isDevice := strings.CutPrefix(r.URL.Path, "/3/device/")
	switch {
	case r.ProtoMajor != 2:
		return http.StatusHTTPVersionNotSupported, "HTTPVersion"
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "MethodNotAllowed"
	case !isDevice:
		return http.StatusNotFound, "BadPath"
	case token == "":
		return http.StatusBadRequest, "MissingDeviceToken"
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Apns-") && len(values) > 1 {
			return http.StatusBadRequest, "DuplicateHeaders"
		}
	}
	if status, reason := a.checkToken(r.Header.Get("Authorization"), now); reason != "" {
		return status, reason
	}
	if token != device {
		return http.StatusBadRequest, "BadDeviceToken"
	}
	if reason := checkHeader(r.Header, now); reason != "" {
		return http.StatusBadRequest, reason
	}
	return checkPayload(r.Header.Get("Apns-Push-Type"), body)
}

// checkToken verifies a provider token: its signature, who signed, its age, and how often it changes.
func (a *apple) checkToken(authorization string, now time.Time) (status int, reason string) {
	token, ok := strings.CutPrefix(authorization, "bearer ")
	if !ok || token == "" {
		return http.StatusForbidden, "MissingProviderToken"
	}
	claims, ok := verify(&a.key.PublicKey, token)
	iat := time.Unix(claims.IssuedAt, 0)
	switch {
	case !ok || claims.Issuer != teamID || iat.After(now):
		return http.StatusForbidden, "InvalidProviderToken"
	case now.Sub(iat) > time.Hour:
		return http.StatusForbidden, "ExpiredProviderToken"
	case a.latest.token != "" && token != a.latest.token && iat.Sub(a.latest.at).Abs() < 20*time.Minute:
		return http.StatusTooManyRequests, "TooManyProviderTokenUpdates"
	}
	a.latest = issued{token, iat}
	a.tokens[token] = true
	return 0, ""
}

type claims struct {
	Issuer   string `json:"iss"`
	IssuedAt int64  `json:"iat"`
}

// verify checks a token in compact form (RFC 7515) that the team's key must have signed (RFC 7518 section 3.4).
func verify(key *ecdsa.PublicKey, token string) (claims, bool) {
	var parts [3][]byte
	texts := strings.Split(token, ".")
	if len(texts) != len(parts) {
		return claims{}, false
	}
	for i, text := range texts {
		var err error
		if parts[i], err = base64.RawURLEncoding.DecodeString(text); err != nil {
			return claims{}, false
		}
	}
	var header map[string]any
	if json.Unmarshal(parts[0], &header) != nil || header["alg"] != "ES256" || header["kid"] != keyID || len(parts[2]) != 64 {
		return claims{}, false
	}
	digest := sha256.Sum256([]byte(texts[0] + "." + texts[1]))
	r, s := new(big.Int).SetBytes(parts[2][:32]), new(big.Int).SetBytes(parts[2][32:])
	var c claims
	return c, json.Unmarshal(parts[1], &c) == nil && ecdsa.Verify(key, digest[:], r, s)
}

// checkHeader checks the fields of Apple's own.
func checkHeader(header http.Header, now time.Time) string {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	pushType, priority := header.Get("Apns-Push-Type"), header.Get("Apns-Priority")
	expiration, err := strconv.ParseInt(header.Get("Apns-Expiration"), 10, 64)
	switch {
	case header.Get("Apns-Topic") == "":
		return "MissingTopic"
	case header.Get("Apns-Topic") != topic:
		return "DeviceTokenNotForTopic"
	case pushType != "alert" && pushType != "background":
		return "InvalidPushType"
	case !slices.Contains([]string{"10", "5", "1"}, priority), pushType == "background" && priority == "10":
		return "BadPriority"
	case err != nil || expiration != 0 && time.Unix(expiration, 0).Before(now.Add(-time.Minute)):
		return "BadExpirationDate"
	case len(header.Get("Apns-Collapse-Id")) > 64:
		return "BadCollapseId"
	case !uuid.MatchString(header.Get("Apns-Id")):
		return "BadMessageId"
	}
	return ""
}

// checkPayload checks that a device could do something with the payload. Apple itself tells sizes only.
func checkPayload(pushType string, body []byte) (status int, reason string) {
	var payload struct {
		APS struct {
			Alert            *struct{ Title, Body string }
			ContentAvailable int `json:"content-available"`
			MutableContent   int `json:"mutable-content"`
		}
	}
	switch {
	case len(body) == 0:
		return http.StatusBadRequest, "PayloadEmpty"
	case len(body) > 4096:
		return http.StatusRequestEntityTooLarge, "PayloadTooLarge"
	case json.Unmarshal(body, &payload) != nil:
		return http.StatusBadRequest, "PayloadEmpty"
	case pushType == "alert" && (payload.APS.Alert == nil || payload.APS.MutableContent != 1),
		pushType == "background" && (payload.APS.Alert != nil || payload.APS.ContentAvailable != 1):
		return http.StatusBadRequest, "PayloadOfAnotherType"
	}
	return 0, ""
}

// TestStandIn_RefusesWhatAppleRefuses sends a good request with one thing wrong: a stand-in that takes everything would
// prove nothing.
func TestStandIn_RefusesWhatAppleRefuses(t *testing.T) {
	a := newApple(t)
	now := time.Now()
	sign := func(header, claims map[string]any) string {
		token, err := push.SignES256(a.key, header, claims)
		if err != nil {
			t.Fatal(err)
		}
		return "bearer " + token
	}
	key := map[string]any{"alg": "ES256", "kid": keyID}
	made := func(ago time.Duration) map[string]any {
		return map[string]any{"iss": teamID, "iat": now.Add(-ago).Unix()}
	}
	good := sign(key, made(10*time.Minute))
	cases := []struct {
		name   string
		change func(*http.Request) []byte // returns the body; nil: a good one
		want   string
	}{
		{"nothing", func(*http.Request) []byte { return nil }, ""},
		{"method", func(r *http.Request) []byte { r.Method = http.MethodGet; return nil }, "MethodNotAllowed"},
		{"path", func(r *http.Request) []byte { r.URL.Path = "/4/device/" + device; return nil }, "BadPath"},
		{"no device", func(r *http.Request) []byte { r.URL.Path = "/3/device/"; return nil }, "MissingDeviceToken"},
		{"other device", func(r *http.Request) []byte { r.URL.Path += "00"; return nil }, "BadDeviceToken"},
		{"HTTP/1.1", func(r *http.Request) []byte { r.ProtoMajor = 1; return nil }, "HTTPVersion"},
		{"no token", set("Authorization", ""), "MissingProviderToken"},
		{"basic", set("Authorization", "Basic "+good), "MissingProviderToken"},
		{"signature", set("Authorization", good[:len(good)-4]+"AAAA"), "InvalidProviderToken"},
		{"kid", set("Authorization", sign(map[string]any{"alg": "ES256", "kid": "OTHER67890"}, made(0))), "InvalidProviderToken"},
		{"alg", set("Authorization", sign(map[string]any{"alg": "none", "kid": keyID}, made(0))), "InvalidProviderToken"},
		{"iss", set("Authorization", sign(key, map[string]any{"iss": "OTHER67890", "iat": now.Unix()})), "InvalidProviderToken"},
		{"future", set("Authorization", sign(key, made(-time.Minute))), "InvalidProviderToken"},
		{"old", set("Authorization", sign(key, made(61*time.Minute))), "ExpiredProviderToken"},
		{"another token soon", set("Authorization", sign(key, made(5*time.Minute))), "TooManyProviderTokenUpdates"},
		{"another token later", set("Authorization", sign(key, made(31*time.Minute))), ""},
		{"no topic", set("Apns-Topic", ""), "MissingTopic"},
		{"other topic", set("Apns-Topic", "com.example.other"), "DeviceTokenNotForTopic"},
		{"push type", set("Apns-Push-Type", "loud"), "InvalidPushType"},
		{"priority", set("Apns-Priority", "7"), "BadPriority"},
		{"background at once", set("Apns-Push-Type", "background"), "BadPriority"},
		{"expiration in words", set("Apns-Expiration", "soon"), "BadExpirationDate"},
		{"expired", set("Apns-Expiration", "1000"), "BadExpirationDate"},
		{"collapse id", set("Apns-Collapse-Id", strings.Repeat("x", 65)), "BadCollapseId"},
		{"message id", set("Apns-Id", "1"), "BadMessageId"},
		{"doubled", func(r *http.Request) []byte { r.Header.Add("Apns-Topic", topic); return nil }, "DuplicateHeaders"},
		{"empty", func(*http.Request) []byte { return []byte{} }, "PayloadEmpty"},
		{"large", func(*http.Request) []byte { return make([]byte, 4097) }, "PayloadTooLarge"},
		{"other type", func(*http.Request) []byte { return []byte(`{"aps":{"content-available":1}}`) }, "PayloadOfAnotherType"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := &http.Request{ProtoMajor: 2, Method: http.MethodPost, Header: http.Header{
				"Authorization": {good}, "Apns-Topic": {topic}, "Apns-Push-Type": {"alert"}, "Apns-Priority": {"10"},
				"Apns-Expiration": {strconv.FormatInt(now.Add(time.Minute).Unix(), 10)}, "Apns-Collapse-Id": {strings.Repeat("x", 64)},
				"Apns-Id": {"123e4567-e89b-42d3-a456-426655440000"},
			}}
			r.URL = mustURL(t, "https://api.push.apple.com/3/device/"+device)
			body := tc.change(r)
			if body == nil {
				body = []byte(`{"aps":{"alert":{"title":"a","body":"b"},"mutable-content":1}}`)
			}
			a.latest = issued{good[len("bearer "):], now.Add(-10 * time.Minute)}
			if _, got := a.check(r, body, now); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// set returns a change of one header field.
func set(name, value string) func(*http.Request) []byte {
	return func(r *http.Request) []byte {
		r.Header.Set(name, value)
		return nil
	}
}
