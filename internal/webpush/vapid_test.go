package webpush_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// rfcPrivate and rfcPublic are a pair, whatever for.
func aVAPID(t *testing.T) *webpush.VAPID {
	t.Helper()
	vapid, err := webpush.ParseVAPID([]byte(rfcPrivate + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return vapid
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestVAPID_Authorization(t *testing.T) {
	t.Parallel()
	vapid := aVAPID(t)
	if vapid.PublicKey() != rfcPublic {
		t.Errorf("public key %s, want %s", vapid.PublicKey(), rfcPublic)
	}
	now := time.Date(2026, 11, 22, 14, 59, 59, 0, time.UTC)
	value, err := vapid.Authorization(mustURL(t, "https://Push.example.net:443/secret/path"), "mailto:push@example.com", now)
	if err != nil {
		t.Fatal(err)
	}
	token, ok := strings.CutPrefix(value, "vapid t=")
	token, key, _ := strings.Cut(token, ", k=")
	if !ok || key != rfcPublic {
		t.Fatalf("got %s, want vapid with the token and the public key", value)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts, want 3", len(parts))
	}
	if got := string(decoded(t, parts[0])); got != `{"alg":"ES256","typ":"JWT"}` {
		t.Errorf("header %s", got)
	}
	// 14:00 and twelve hours.
	want := `{"aud":"https://push.example.net","exp":1795399200,"sub":"mailto:push@example.com"}`
	if got := string(decoded(t, parts[1])); got != want {
		t.Errorf("claims %s, want %s", got, want)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), decoded(t, key))
	if err != nil {
		t.Fatal(err)
	}
	digest, raw := sha256.Sum256([]byte(parts[0]+"."+parts[1])), decoded(t, parts[2])
	if len(raw) != 64 || !ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		t.Errorf("the signature of %d bytes does not fit, want one of 64 that does", len(raw))
	}
}

func TestVAPID_TokenOfAnHour(t *testing.T) {
	t.Parallel()
	endpoint := mustURL(t, "https://push.example.net/a")
	at := func(hour, minute int, subject string) string {
		// A key that is read again is that of a restarted agent.
		value, err := aVAPID(t).Authorization(endpoint, subject, time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	first := at(14, 0, "mailto:a@example.com")
	if first != at(14, 59, "mailto:a@example.com") {
		t.Error("two tokens within an hour, want the same")
	}
	if first == at(15, 0, "mailto:a@example.com") || first == at(14, 0, "mailto:b@example.com") {
		t.Error("the same token for another hour or sender, want another")
	}
}

func TestVAPID_Lifetime(t *testing.T) {
	t.Parallel()
	for minute := range 60 {
		now := time.Date(2026, 11, 22, 14, minute, 0, 0, time.UTC)
		value, err := aVAPID(t).Authorization(mustURL(t, "http://127.0.0.1:80/a"), "mailto:a@example.com", now)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Audience string `json:"aud"`
			Expires  int64  `json:"exp"`
		}
		if err := json.Unmarshal(decoded(t, strings.Split(value, ".")[1]), &claims); err != nil {
			t.Fatal(err)
		}
		if left := time.Unix(claims.Expires, 0).Sub(now); left < 11*time.Hour || left > 24*time.Hour || claims.Audience != "http://127.0.0.1" {
			t.Errorf("at minute %d: %v left, for %s, want between 11 and 24 hours", minute, left, claims.Audience)
		}
	}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestParseVAPID(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), decoded(t, rfcPrivate))
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"SEC 1": pemOf("EC PRIVATE KEY", sec1),
		// openssl ecparam -genkey writes the parameters in front.
		"SEC 1 behind parameters": pemOf("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + pemOf("EC PRIVATE KEY", sec1),
		"PKCS 8":                  pemOf("PRIVATE KEY", pkcs8),
		"npm web-push":            rfcPrivate,
		"padded":                  " " + rfcPrivate + "=\r\n",
	} {
		vapid, err := webpush.ParseVAPID([]byte(text))
		if err != nil || vapid.PublicKey() != rfcPublic {
			t.Errorf("%s: %v, want the key %s", name, err, rfcPublic)
		}
	}
}

func TestParseVAPID_Refuses(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "VAPID key: 0 bytes that are no private key on P-256, want the 32 of one"},
		{"no base64url", "planted key!", "VAPID key: neither PEM nor base64url, want a private key on P-256"},
		{"the public key", rfcPublic, "VAPID key: 65 bytes that are no private key on P-256, want the 32 of one"},
		{"zero", b64(make([]byte, 32)), "VAPID key: 32 bytes that are no private key on P-256, want the 32 of one"},
		{"another curve", pemOf("PRIVATE KEY", other), "VAPID key: on the curve P-384, want P-256"},
		{"RSA", pemOf("PRIVATE KEY", foreign), "VAPID key: of another kind, want one on the curve P-256"},
		{"broken PKCS 8", pemOf("PRIVATE KEY", []byte("planted")), "VAPID key: PRIVATE KEY that is none"},
		{"broken SEC 1", pemOf("EC PRIVATE KEY", []byte("planted")), "VAPID key: EC PRIVATE KEY that is none"},
		{"a certificate", pemOf("CERTIFICATE", []byte("planted")), "VAPID key: PEM without a private key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := webpush.ParseVAPID([]byte(tc.text)); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestNewVAPID(t *testing.T) {
	t.Parallel()
	first, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	second, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	if first.PublicKey() == second.PublicKey() || len(decoded(t, first.PublicKey())) != 65 {
		t.Errorf("keys %s and %s, want two points", first.PublicKey(), second.PublicKey())
	}
}

func TestCheckSubject(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"mailto:push@example.com":         "",
		"https://example.com/contact":     "",
		"https://example.com:8443":        "",
		"":                                "want a mailto or an https URL",
		"push@example.com":                "want a mailto or an https URL",
		"http://example.com":              "want a mailto or an https URL",
		"mailto:":                         "want one plain address after mailto",
		"mailto:push":                     "want one plain address after mailto",
		"mailto:Shop <push@example.com>":  "want one plain address after mailto",
		"mailto:a@example.com,b@a.com":    "want one plain address after mailto",
		"https:///contact":                "no host, want one that can be reached",
		"mailto:push@localhost":           `host ends with "localhost", which nobody can reach, and push services refuse it`,
		"https://localhost":               `host ends with "localhost", which nobody can reach, and push services refuse it`,
		"https://a.localhost:80/":         `host ends with "localhost", which nobody can reach, and push services refuse it`,
		"mailto:push@shop.INVALID":        `host ends with "invalid", which nobody can reach, and push services refuse it`,
		"https://shop.test":               `host ends with "test", which nobody can reach, and push services refuse it`,
		"mailto:push@contest.example.com": "",
	} {
		got := ""
		if err := webpush.CheckSubject(subject); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", subject, got, want)
		}
	}
}
