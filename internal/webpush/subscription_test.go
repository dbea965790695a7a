package webpush_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

// subscriptionJSON returns the JSON of a subscription with parts replaced; an empty one is left out.
func subscriptionJSON(endpoint, p256dh, auth string) string {
	text := map[string]any{"expirationTime": nil}
	keys := map[string]string{}
	if endpoint != "" {
		text["endpoint"] = endpoint
	}
	if p256dh != "" {
		keys["p256dh"] = p256dh
	}
	if auth != "" {
		keys["auth"] = auth
	}
	text["keys"] = keys
	data, _ := json.Marshal(text) // strings and maps
	return string(data)
}

const anEndpoint = "https://push.example.net/wpush/v2/planted-endpoint-of-a-browser?planted-query-of-it"

func TestParseSubscription(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		anEndpoint, "http://127.0.0.1:8080/a", "http://127.8.9.1/a", "http://localhost/a", "http://[::1]:1/a",
	} {
		sub, err := webpush.ParseSubscription([]byte(subscriptionJSON(endpoint, rfcPublic, rfcAuth)))
		if err != nil {
			t.Errorf("%s: %v", endpoint, err)
			continue
		}
		if got := sub.Endpoint().String(); got != endpoint {
			t.Errorf("got the endpoint %s, want %s", got, endpoint)
		}
		again, err := webpush.ParseSubscription(sub.JSON())
		if err != nil || !slices.Equal(again.Secrets(), sub.Secrets()) {
			t.Errorf("%s: its JSON gives %v, want the same subscription", endpoint, err)
		}
	}
}

func TestParseSubscription_Details(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(` {"endpoint": %q, "expirationTime": 1700000000123, "keys": {"p256dh": %q, "auth": %q}, "more": 1}`, anEndpoint, rfcPublic+"=", rfcAuth+"==")
	sub, err := webpush.ParseSubscription([]byte(text))
	if err != nil {
		t.Fatalf("padding and other members are fine, got %v", err)
	}
	want := []string{anEndpoint, rfcPublic, rfcAuth, "planted-endpoint-of-a-browser", "planted-query-of-it"}
	if got := sub.Secrets(); !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
}

func TestParseSubscription_Refuses(t *testing.T) {
	t.Parallel()
	beside := slices.Clone(decoded(t, rfcPublic))
	beside[64] ^= 1
	b64 := base64.RawURLEncoding.EncodeToString
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", `subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"null", "null", `subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"an array", "[" + rfcSubscription + "]", `subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"two", rfcSubscription + rfcSubscription, `subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"wrong types", `{"endpoint": 1}`, `subscription: not the JSON of one, want {"endpoint": …, "keys": {"p256dh": …, "auth": …}}`},
		{"nothing in it", "{}", "endpoint: missing\nkeys.p256dh: missing\nkeys.auth: missing"},
		{"plain text", subscriptionJSON("http://push.example.net/planted", rfcPublic, rfcAuth), "endpoint: want https, or http on this machine"},
		{"plain text to a look-alike", subscriptionJSON("http://localhost.example.net/planted", rfcPublic, rfcAuth), "endpoint: want https, or http on this machine"},
		{"another scheme", subscriptionJSON("ftp://localhost/planted", rfcPublic, rfcAuth), "endpoint: want https, or http on this machine"},
		{"a relative URL", subscriptionJSON("/planted", rfcPublic, rfcAuth), "endpoint: want an absolute URL without user and fragment"},
		{"no URL", subscriptionJSON("https://planted\x7f", rfcPublic, rfcAuth), "endpoint: want an absolute URL without user and fragment"},
		{"an opaque URL", subscriptionJSON("https:planted", rfcPublic, rfcAuth), "endpoint: want an absolute URL without user and fragment"},
		{"a user", subscriptionJSON("https://planted@push.example.net/", rfcPublic, rfcAuth), "endpoint: want an absolute URL without user and fragment"},
		{"a fragment", subscriptionJSON("https://push.example.net/#planted", rfcPublic, rfcAuth), "endpoint: want an absolute URL without user and fragment"},
		{"a long endpoint", subscriptionJSON("https://planted/"+strings.Repeat("a", 2048), rfcPublic, rfcAuth), "endpoint: 2064 bytes, want at most 2048"},
		{"no base64url", subscriptionJSON(anEndpoint, "planted+key", "planted/auth"), "keys.p256dh: not base64url\nkeys.auth: not base64url"},
		{"sizes", subscriptionJSON(anEndpoint, b64(make([]byte, 64)), b64(make([]byte, 17))), "keys.p256dh: 64 bytes, want 65\nkeys.auth: 17 bytes, want 16"},
		{"short ones", subscriptionJSON(anEndpoint, b64(make([]byte, 66)), b64(make([]byte, 15))), "keys.p256dh: 66 bytes, want 65\nkeys.auth: 15 bytes, want 16"},
		{"beside the curve", subscriptionJSON(anEndpoint, b64(beside), rfcAuth), "keys.p256dh: not a point on the curve P-256"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := webpush.ParseSubscription([]byte(tc.text))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// TestSecrets_ArePrintedNever prints everything that holds secrets in every way that logs and errors do.
func TestSecrets_ArePrintedNever(t *testing.T) {
	t.Parallel()
	keys := rfcKeys(t)
	sub, err := keys.Subscription(anEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	vapid, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []any{keys, sub, vapid, webpush.State{}, &webpush.State{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, secret); got != "[redacted]" {
				t.Errorf("%T prints as %s by %s, want [redacted]", secret, got, verb)
			}
		}
	}
}

func FuzzParseSubscription(f *testing.F) {
	f.Add([]byte(rfcSubscription))
	f.Add([]byte(subscriptionJSON("http://localhost/a", rfcPublic, rfcAuth)))
	f.Add([]byte(`{"endpoint": "https://a@b/", "expirationTime": 1e300, "keys": null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sub, err := webpush.ParseSubscription(data)
		if err != nil {
			return
		}
		if u := sub.Endpoint(); u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			t.Errorf("took the endpoint %s", u)
		}
		if _, err := webpush.Encrypt(sub, []byte("a")); err != nil {
			t.Errorf("nothing can be encrypted for what was taken: %v", err)
		}
		if _, err := webpush.ParseSubscription(sub.JSON()); err != nil {
			t.Errorf("what was taken gives JSON that is not: %v", err)
		}
	})
}
