package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// How long a token is the same, and how long it is valid from the beginning of that time.
const (
	tokenStep = time.Hour      // Apple asks that tokens be renewed at most hourly
	tokenLife = 12 * time.Hour // RFC 8292 (section 2) allows 24; half leaves room for a clock that is wrong
)

// VAPID is the key with which a sender of Web Push says who it is (RFC 8292). It is immutable.
type VAPID struct {
	key    *ecdsa.PrivateKey
	public string // the uncompressed point in base64url
}

// NewVAPID returns a new key.
func NewVAPID() (*VAPID, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a VAPID key: %w", err)
	}
	return newVAPID(key)
}

func newVAPID(key *ecdsa.PrivateKey) (*VAPID, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("VAPID key: on the curve %s, want P-256", key.Curve.Params().Name)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("VAPID key: %w", err)
	}
	return &VAPID{key: key, public: b64().EncodeToString(point)}, nil
}

// ParseVAPID reads a private key on P-256: PEM of PKCS #8 or SEC 1, as openssl writes it, or the 32 bytes in base64url that
// npm's web-push prints as private key. Its errors hold nothing of the content.
func ParseVAPID(data []byte) (*VAPID, error) {
	if key, err := parsePEM(data); key != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return newVAPID(key)
	}
	scalar, err := decode64(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, errors.New("VAPID key: neither PEM nor base64url, want a private key on P-256")
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return nil, fmt.Errorf("VAPID key: %d bytes that are no private key on P-256, want the 32 of one", len(scalar))
	}
	return newVAPID(key)
}

// parsePEM returns the first private key in PEM; nil when there is no PEM.
func parsePEM(data []byte) (*ecdsa.PrivateKey, error) {
	seen := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		seen = true
		switch block.Type {
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("VAPID key: EC PRIVATE KEY that is none")
			}
			return key, nil
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("VAPID key: PRIVATE KEY that is none")
			}
			ec, ok := key.(*ecdsa.PrivateKey)
			if !ok {
				return nil, errors.New("VAPID key: of another kind, want one on the curve P-256")
			}
			return ec, nil
		}
	}
	if seen {
		return nil, errors.New("VAPID key: PEM without a private key")
	}
	return nil, nil //nolint:nilnil // no PEM is no mistake
}

// PublicKey returns what a page passes as applicationServerKey when it subscribes: the uncompressed point in base64url. It
// is no secret.
func (v *VAPID) PublicKey() string { return v.public }

// Authorization returns the header field Authorization of a message to endpoint. subject is how the push service can reach
// the sender: see CheckSubject. The value is the same for an hour, also after a restart and for other agents with the key,
// and valid for 11 hours at least.
func (v *VAPID) Authorization(endpoint *url.URL, subject string, now time.Time) (string, error) {
	token, err := push.SignES256(v.key, map[string]any{"typ": "JWT", "alg": "ES256"}, map[string]any{
		"aud": Origin(endpoint),
		"exp": push.Step(now, tokenStep).Add(tokenLife).Unix(),
		"sub": subject,
	})
	if err != nil {
		return "", fmt.Errorf("VAPID: %w", err)
	}
	return "vapid t=" + token + ", k=" + v.public, nil
}

// Origin returns scheme, host and port of a URL as RFC 6454 (section 6.2) writes them: a default port is left out.
func Origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// CheckSubject refuses what push services refuse as a sender's contact: anything but mailto: and https:, and hosts that
// nobody can reach.
func CheckSubject(subject string) error {
	u, err := url.Parse(subject)
	if err != nil {
		return errors.New("want a mailto or an https URL")
	}
	host := strings.ToLower(u.Hostname())
	switch u.Scheme {
	case "https":
	case "mailto":
		address, err := mail.ParseAddress(u.Opaque)
		if err != nil || address.Address != u.Opaque {
			return errors.New("want one plain address after mailto")
		}
		host = strings.ToLower(address.Address[strings.LastIndex(address.Address, "@")+1:])
	default:
		return errors.New("want a mailto or an https URL")
	}
	if host == "" {
		return errors.New("no host, want one that can be reached")
	}
	top := host[strings.LastIndex(host, ".")+1:]
	switch top {
	case "localhost", "invalid", "test":
		return fmt.Errorf("host ends with %q, which nobody can reach, and push services refuse it", top)
	}
	return nil
}

// String hides everything.
func (*VAPID) String() string { return redacted }

// GoString hides everything.
func (*VAPID) GoString() string { return redacted }
