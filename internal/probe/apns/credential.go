package apns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// Apple refuses a token that is older than an hour, and keys whose token changes oftener than every 20 minutes.
const (
	tokenStep = 30 * time.Minute
	// tokenSlack is by how much this clock may be ahead of Apple's before a new token is from the future there.
	tokenSlack = time.Minute
)

// credential is who sends.
type credential struct {
	key    *ecdsa.PrivateKey
	keyID  string
	teamID string
}

// token returns the provider token at now: the same one for half an hour, on every agent with the same key. Its age is
// between 1 and 31 minutes.
func (c *credential) token(now time.Time) (string, error) {
	return push.SignES256(c.key,
		map[string]any{"alg": "ES256", "kid": c.keyID},
		map[string]any{"iss": c.teamID, "iat": push.Step(now.Add(-tokenSlack), tokenStep).Unix()})
}

func (c Config) readCredential() (credential, error) {
	key, err := readKey(c.KeyFile)
	errs := []error{err}
	id := regexp.MustCompile(`^[A-Z0-9]{10}$`)
	for _, field := range []struct{ name, got string }{{"key_id", c.KeyID}, {"team_id", c.TeamID}} {
		if !id.MatchString(field.got) {
			errs = append(errs, probe.Fieldf(field.name, "got %q, want 10 upper-case letters and digits", probe.Clip(field.got, 40)))
		}
	}
	return credential{key: key, keyID: c.KeyID, teamID: c.TeamID}, errors.Join(errs...)
}

// readKey returns the key of a .p8 file. No error says anything of its content.
func readKey(file string) (*ecdsa.PrivateKey, error) {
	const field = "key_file"
	data, _, err := push.ReadPrivate(field, file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, probe.Fieldf(field, "%s holds no PEM block PRIVATE KEY, want the .p8 file as it was downloaded", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, probe.Fieldf(field, "the key in %s is not PKCS #8, want the .p8 file as it was downloaded", file)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, probe.Fieldf(field, "the key in %s is not on the curve P-256, want the .p8 file as it was downloaded", file)
	}
	return key, nil
}

// Lengths of a device's token in hexadecimal digits. Apple calls it of variable length; today's have 64, and the most that
// was ever announced is 100 bytes.
const (
	leastDevice = 64
	mostDevice  = 200
)

// readDevice returns the token of the device in lower case, and when its file was written. No error says anything of its content.
func readDevice(file string) (token string, written time.Time, err error) {
	const field = "device_token_file"
	data, written, err := push.ReadPrivate(field, file)
	if err != nil {
		return "", time.Time{}, err
	}
	token = strings.ToLower(strings.TrimSpace(string(data)))
	if _, err := hex.DecodeString(token); err != nil || len(token) < leastDevice || len(token) > mostDevice {
		return "", time.Time{}, probe.Fieldf(field, "%s holds no device token, want %d to %d hexadecimal digits", file, leastDevice, mostDevice)
	}
	return token, written, nil
}
