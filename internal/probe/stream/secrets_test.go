package stream_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// planted are the secrets of the tests, by the environment variable that holds them.
func planted() map[string]string {
	return map[string]string{
		"TEST_PATH": "secret-of/the path", "TEST_HEADER": "secret-of-the-header", "TEST_TOKEN": "secret-of-the-token",
		"TEST_PASSWORD": "secret-of-the-password",
	}
}

const plantedQuery = "secret-of-the-query"

// parrot answers with everything that it was told.
func parrot(status int, media string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		w.Header().Set("Content-Type", media+r.Header.Get("X-Api-Key"))
		w.Header().Set("Location", r.URL.String())
		w.Header().Set("Server", r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
		w.WriteHeader(status)
		text, _ := json.Marshal(map[string]any{"code": 40301, "http": status, "error": r.URL.String() + " " + r.Header.Get("Authorization")})
		_, _ = w.Write(append(text, dump...))
	}
}

// TestProbe_KeepsSecrets runs into every kind of failure with secrets wherever they can be, against services that repeat
// all of them.
func TestProbe_KeepsSecrets(t *testing.T) {
	for name, value := range planted() {
		t.Setenv(name, value)
	}
	hello := func(h *hub) { h.greeting = "data: hello\n\n" }
	scenes := map[string]func(*hub){
		"healthy":              hello,
		"dropped":              func(h *hub) { h.deliver = func(string) []string { return nil } },
		"publish refused":      func(h *hub) { h.refuse = parrot(http.StatusForbidden, "application/json") },
		"publish redirected":   func(h *hub) { h.refuse = parrot(http.StatusFound, "text/html") },
		"publish failing":      func(h *hub) { h.refuse = parrot(http.StatusInternalServerError, "text/html") },
		"publish hangs":        func(h *hub) { h.refuse = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } },
		"publish hung up":      func(h *hub) { h.refuse = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) } },
		"publish closed":       func(h *hub) { h.closeCode = websocket.StatusPolicyViolation },
		"subscribe refused":    func(h *hub) { h.turnAway = parrot(http.StatusUnauthorized, "application/json") },
		"subscribe redirected": func(h *hub) { h.turnAway = parrot(http.StatusFound, "text/html") },
		"subscribe malformed":  func(h *hub) { h.turnAway = parrot(http.StatusOK, "text/") },
		"subscribe hung up":    func(h *hub) { h.turnAway = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) } },
		"gone":                 func(h *hub) { h.Config.Handler, h.URL = nil, "http://127.0.0.1:1" },
	}
	const place = "?token=" + plantedQuery + "&path={{secret}}"
	ends := map[string]func(*stream.Config, *hub){
		"http": func(c *stream.Config, h *hub) { c.URL, c.ReceiveURL = h.URL+"/publish"+place, h.URL+"/sse"+place },
		"websocket": func(c *stream.Config, h *hub) {
			c.URL, c.ReceiveURL, c.Subscribe = wsURL(h, "/in"+place), wsURL(h, "/ws"+place), "{{secret}}"
		},
		"ntfy": func(c *stream.Config, h *hub) { c.Preset, c.URL = "ntfy", h.URL+"/{{secret}}" },
	}
	logins := map[string]func(*stream.Config){
		"token": func(c *stream.Config) { c.Token = probe.Secret{Env: "TEST_TOKEN"} },
		"basic": func(c *stream.Config) { c.Username, c.Password = "bob", probe.Secret{Env: "TEST_PASSWORD"} },
	}
	for scene, set := range scenes {
		for end, point := range ends {
			for login, enter := range logins {
				t.Run(scene+" "+end+" "+login, func(t *testing.T) {
					h := newHub(t)
					set(h)
					p := newProber(t, h, func(c *stream.Config) {
						point(c, h)
						enter(c)
						c.Window = 100 * time.Millisecond
						c.Secret = probe.Secret{Env: "TEST_PATH"}
						c.SecretHeaders = map[string]probe.Secret{"X-Api-Key": {Env: "TEST_HEADER"}}
						if end == "ntfy" {
							c.ReceiveURL = ""
						}
					})
					for range 2 {
						noSecrets(t, p.Probe)
					}
					cancelled, cancel := context.WithCancel(t.Context())
					cancel()
					noSecrets(t, func(context.Context) (probe.Result, error) { return p.Probe(cancelled) })
				})
			}
		}
	}
}

// noSecrets probes and looks for the planted secrets in everything that comes of it.
func noSecrets(t *testing.T, take func(context.Context) (probe.Result, error)) {
	t.Helper()
	r, err := take(t.Context())
	data, jsonErr := json.Marshal(r)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	text := string(data) + fmt.Sprintf("%v %+v", err, err)
	secrets := []string{
		plantedQuery, "secret-of%2Fthe", "secret-of%2fthe", base64.StdEncoding.EncodeToString([]byte("bob:" + planted()["TEST_PASSWORD"])),
	}
	for _, secret := range planted() {
		secrets = append(secrets, secret)
	}
	for _, secret := range secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is in the result: …%s…", secret, text[max(0, at-100):min(len(text), at+100)])
		}
	}
}
