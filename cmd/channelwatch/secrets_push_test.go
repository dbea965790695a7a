package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// providerSecrets are what a sender to push services knows, by what they are.
type providerSecrets map[string]string

// leaks returns what of the secrets a text holds.
func (p providerSecrets) leaks(text string) []string {
	var found []string
	for what, secret := range p {
		for i := range len(secret) - fragment + 1 {
			if strings.Contains(text, secret[i:i+fragment]) {
				found = append(found, what)
				break
			}
		}
	}
	return found
}

// echo is a push service that repeats everything that it was sent, secrets included, in the forms in which services
// explain their refusals.
func echo(status int, accessToken string, sent *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" && status != http.StatusUnauthorized {
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": accessToken, "expires_in": 3600, "token_type": "Bearer"})
			return
		}
		sent.Add(1)
		heard, _ := httputil.DumpRequest(r, true)
		all := string(heard) + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		if form, err := url.ParseQuery(string(heard)); err == nil {
			all += form.Get("assertion")
		}
		said, _ := json.Marshal(all)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Server", strings.ReplaceAll(strings.ReplaceAll(all, "\r", " "), "\n", " "))
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"reason": %[1]s, "errno": 103, "message": %[1]s, "error": {"code": %[2]d, "message": %[1]s, "status": %[1]s}, "error_description": %[1]s}`, said, status)
	}
}

// pushers writes what the kinds that push need and returns their touchpoints against a service, and what is secret.
func pushers(t *testing.T, dir, base, base2, ca string, accessToken string) (touchpoints map[string]string, secrets providerSecrets) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := curve.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 48)
	_, _ = rand.Read(random)
	b64 := base64.RawURLEncoding.EncodeToString
	secrets = providerSecrets{
		"access token": accessToken, "registration token": rand.Text() + ":" + rand.Text(), "device token": hex.EncodeToString(random[:32]),
		"endpoint": rand.Text() + rand.Text(), "authentication secret": b64(random[32:]), "topic": rand.Text() + rand.Text(),
		"feed's token": rand.Text() + rand.Text(), "account's key": body(t, rsaKey), "team's key": body(t, curve),
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "shop", "private_key_id": "1", "private_key": keyFile(t, rsaKey),
		"client_email": "push@shop.iam.gserviceaccount.com", "token_uri": base + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"account.json": string(account), "fcm.token": secrets["registration token"], "key.p8": keyFile(t, curve), "device": secrets["device token"],
		"subscription.json": fmt.Sprintf(`{"endpoint": "%s/wpush/%s", "keys": {"p256dh": "%s", "auth": "%s"}}`, base, secrets["endpoint"], b64(point), secrets["authentication secret"]),
		"topic":             secrets["topic"], "feed.token": secrets["feed's token"], "ca.pem": ca,
	} {
		write(t, filepath.Join(dir, name), text)
	}
	return map[string]string{
		"fcm":     `{name: fcm, kind: fcm, every: 5m, timeout: 3s, with: {credentials_file: account.json, token_file: fcm.token, base_url: "` + base + `"}}`,
		"apns":    `{name: apns, kind: apns, every: 15m, timeout: 3s, with: {mode: acceptance, key_file: key.p8, key_id: ABC123DEFG, team_id: DEF123GHIJ, topic: com.example.shop, device_token_file: device, base_url: "` + base2 + `", tls: {ca_file: ca.pem}}}`,
		"webpush": `{name: webpush, kind: webpush, every: 5m, timeout: 3s, with: {receive: none, subscription_file: subscription.json, vapid_key_file: key.p8, subject: "mailto:push@example.com"}}`,
		"receipt": `{name: receipt, kind: webpush, every: 5m, timeout: 3s, with: {receive: receipt, subscription_file: subscription.json, vapid_key_file: key.p8, subject: "mailto:push@example.com"}}`,
		"stream":  `{name: stream, kind: stream, every: 10s, timeout: 3s, with: {preset: ntfy, url: "` + base + `/{{secret}}", secret: {file: topic}, token: {file: feed.token}}}`,
	}, secrets
}

func keyFile(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// body is the part of a key file that differs from that of other keys.
func body(t *testing.T, key any) string {
	t.Helper()
	lines := strings.Split(keyFile(t, key), "\n")
	return lines[2]
}

// TestSecrets_OfPushServices sends to services that repeat keys, tokens and addresses of devices with every refusal, and
// looks for them in what people and programs read.
func TestSecrets_OfPushServices(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 302, 400, 401, 404, 429, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			accessToken := rand.Text() + rand.Text()
			plain := httptest.NewServer(echo(status, accessToken, &sent))
			defer plain.Close()
			secure := httptest.NewUnstartedServer(echo(status, accessToken, &sent))
			secure.EnableHTTP2 = true
			secure.StartTLS()
			defer secure.Close()
			ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
			dir := t.TempDir()
			hidden := 0
			touchpoints, secrets := pushers(t, dir, plain.URL, secure.URL, ca, accessToken)
			for name, touchpoint := range touchpoints {
				file := filepath.Join(dir, name+".yaml")
				write(t, file, "host: {enabled: false}\ncontrol: {enabled: false}\nhistory: {enabled: false}\n"+
					"receipts: {listen: \"127.0.0.1:0\", public_url: \"https://receipts.example.com\"}\n"+
					"channels:\n  - {name: push, type: push, touchpoints: ["+touchpoint+"]}\n")
				before := sent.Load()
				for _, form := range []string{"--json=false", "--json"} {
					var out, log bytes.Buffer
					code := execute(t.Context(), []string{"probe", "push/" + name, "-c", file, form}, &out, &log)
					if text := out.String(); code > exitFail || text == "" {
						t.Errorf("%s: exit code %d with %q, want a result", name, code, log.String())
					}
					hidden += strings.Count(out.String(), "[redacted]")
					for what, text := range map[string]string{"result": out.String(), "error": log.String()} {
						if found := secrets.leaks(text); len(found) > 0 {
							t.Errorf("%s, %s: shows %q:\n%s", name, what, found, text)
						}
					}
				}
				if sent.Load() == before {
					t.Errorf("%s: sent nothing, so nothing could be repeated", name)
				}
			}
			if hidden == 0 {
				t.Error("nothing was hidden: is what the services repeated shown at all?")
			}
			for _, command := range []string{"check", "plan"} {
				var out bytes.Buffer
				_ = execute(t.Context(), []string{command, "-c", filepath.Join(dir, "webpush.yaml")}, &out, &out)
				if found := secrets.leaks(out.String()); len(found) > 0 {
					t.Errorf("%s shows %q", command, found)
				}
			}
		})
	}
}
