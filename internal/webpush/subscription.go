package webpush

import (
	"bytes"
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Sizes of a subscription's parts.
const (
	authLength  = 16      // bytes of the authentication secret (RFC 8291, section 3.2)
	pointLength = 65      // bytes of an uncompressed point on P-256
	maxEndpoint = 2 << 10 // bytes; those of all known services have below 500
)

// Subscription is where messages for one browser go and how they are encrypted for it. All of it is secret: whoever
// knows the endpoint can send. It is immutable.
type Subscription struct {
	endpoint *url.URL
	key      *ecdh.PublicKey
	auth     []byte
}

// ParseSubscription reads the JSON that a browser makes of a PushSubscription: {"endpoint": …, "keys":
// {"p256dh": …, "auth": …}}. Browsers name no end of it today. The endpoint must be https, or http on this machine. All mistakes are reported at once, and
// none of the content.
func ParseSubscription(data []byte) (*Subscription, error) {
	var text struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256dh string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || json.Unmarshal(data, &text) != nil {
		return nil, errors.New(`subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`)
	}
	s := &Subscription{}
	var errs [3]error
	s.endpoint, errs[0] = parseEndpoint(text.Endpoint)
	s.key, errs[1] = parsePoint(text.Keys.P256dh)
	s.auth, errs[2] = parseAuth(text.Keys.Auth)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return s, nil
}

func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("endpoint: missing")
	case len(text) > maxEndpoint:
		return nil, fmt.Errorf("endpoint: %d bytes, want at most %d", len(text), maxEndpoint)
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.User != nil || u.Fragment != "":
		return nil, errors.New("endpoint: want an absolute URL without user and fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)):
		return nil, errors.New("endpoint: want https, or http on this machine")
	}
	return u, nil
}

func parsePoint(text string) (*ecdh.PublicKey, error) {
	if text == "" {
		return nil, errors.New("keys.p256dh: missing")
	}
	point, err := decode64(text)
	if err != nil {
		return nil, fmt.Errorf("keys.p256dh: %w", err)
	}
	if len(point) != pointLength {
		return nil, fmt.Errorf("keys.p256dh: %d bytes, want %d", len(point), pointLength)
	}
	key, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, errors.New("keys.p256dh: not a point on the curve P-256")
	}
	return key, nil
}

func parseAuth(text string) ([]byte, error) {
	if text == "" {
		return nil, errors.New("keys.auth: missing")
	}
	auth, err := decode64(text)
	if err != nil {
		return nil, fmt.Errorf("keys.auth: %w", err)
	}
	if len(auth) != authLength {
		return nil, fmt.Errorf("keys.auth: %d bytes, want %d", len(auth), authLength)
	}
	return auth, nil
}

// Endpoint returns where to POST messages. It must not be changed, and is secret.
func (s *Subscription) Endpoint() *url.URL { return s.endpoint }

// Secrets returns what a result must be kept free of: the endpoint as a whole, what of it identifies the browser, and the
// keys.
func (s *Subscription) Secrets() []string {
	secrets := []string{s.endpoint.String(), b64().EncodeToString(s.key.Bytes()), b64().EncodeToString(s.auth)}
	for _, part := range append(strings.Split(s.endpoint.EscapedPath(), "/"), s.endpoint.RawQuery) {
		if len(part) >= authLength { // shorter ones are words such as "wpush"
			secrets = append(secrets, part)
		}
	}
	return secrets
}

// JSON returns what ParseSubscription reads.
func (s *Subscription) JSON() []byte {
	keys := map[string]string{"p256dh": b64().EncodeToString(s.key.Bytes()), "auth": b64().EncodeToString(s.auth)}
	data, _ := json.Marshal(map[string]any{"endpoint": s.endpoint.String(), "expirationTime": nil, "keys": keys}) // strings and maps
	return data
}

// String hides everything.
func (*Subscription) String() string { return redacted }

// GoString hides everything.
func (*Subscription) GoString() string { return redacted }
