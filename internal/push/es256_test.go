package push_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestSignES256(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	header, claims := map[string]any{"alg": "ES256", "kid": "ABCDE12345"}, map[string]any{"iss": "TEAM123456", "iat": 1795000000}
	token, err := push.SignES256(key, header, claims)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts, want 3", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 64 {
		t.Fatalf("signature of %d bytes (%v), want 64", len(raw), err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		t.Error("the signature does not verify")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil || got["iss"] != "TEAM123456" || got["iat"] != 1795000000.0 {
		t.Errorf("got claims %v (%v)", got, err)
	}
	// Whoever has the key makes the same token: no provider sees a new one after a restart.
	if again, err := push.SignES256(key, header, claims); err != nil || again != token {
		t.Errorf("a second token differs from the first (%v)", err)
	}
}

func TestSignES256_WrongKey(t *testing.T) {
	t.Parallel()
	wrong, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*ecdsa.PrivateKey{"P-384": wrong, "none": nil} {
		if token, err := push.SignES256(key, nil, nil); err == nil {
			t.Errorf("%s: signed %q", name, token)
		}
	}
}

func TestStep(t *testing.T) {
	t.Parallel()
	at := func(minute, second int) time.Time { return time.Date(2026, 11, 22, 12, minute, second, 5, time.UTC) }
	first, last := push.Step(at(0, 1), 30*time.Minute), push.Step(at(29, 59), 30*time.Minute)
	if !first.Equal(last) || !first.Equal(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("one step begins at %v and at %v", first, last)
	}
	if next := push.Step(at(30, 0), 30*time.Minute); next.Sub(first) != 30*time.Minute {
		t.Errorf("the next step begins at %v", next)
	}
}
