package webpush_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// everything returns all text that leaves a probe.
func everything(tb testing.TB, r probe.Result, err error) string {
	tb.Helper()
	data, encoding := json.Marshal(r)
	if encoding != nil {
		tb.Fatal(encoding)
	}
	return fmt.Sprintf("%s %+v %v", data, r, err)
}

// wantNone checks that a text holds no secret, and no part of one that is worth anything.
func wantNone(tb testing.TB, text string, secrets ...string) {
	tb.Helper()
	const worth = 8 // characters
	for _, secret := range secrets {
		if len(secret) < worth {
			tb.Fatalf("%q is too short to look for", secret)
		}
		for i := range len(secret) - worth + 1 {
			if part := secret[i : i+worth]; strings.Contains(text, part) {
				tb.Fatalf("got %q of a secret, want none of it: %s", part, text)
			}
		}
	}
}

// repeat answers with everything that a push service knows of the message, in every place where it could.
func repeat(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		known := fmt.Sprintf("http://%s%s %s %s %x", r.Host, r.RequestURI, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], r.Header.Get("Authorization"), body[:8])
		for _, name := range []string{"Server", "Via", "X-Cache", "Location", "Content-Language"} {
			w.Header().Set(name, known)
		}
		w.Header().Set("Location", "http://"+r.Host+r.RequestURI)
		w.WriteHeader(code)
		switch code % 3 {
		case 0:
			_, _ = fmt.Fprintf(w, `{"errno":1,"message":%q,"reason":%q}`, known, known)
		case 1:
			_, _ = fmt.Fprintf(w, "<html><title>%s</title>%s</html>", known, known)
		default:
			_, _ = io.WriteString(w, known)
		}
	}
}

// secretsOf returns the planted secrets of a subscription in a file, with the parts of its endpoint.
func secretsOf(tb testing.TB, data []byte) []string {
	tb.Helper()
	var sub struct {
		Endpoint string `json:"endpoint"`
		Keys     struct{ P256dh, Auth, Private string }
		UAID     string `json:"uaid"`
		Channel  string `json:"channel"`
	}
	if err := json.Unmarshal(data, &sub); err != nil {
		tb.Fatal(err)
	}
	_, path, _ := strings.Cut(sub.Endpoint, "/wpush/v2/")
	return slices.DeleteFunc([]string{path, sub.Keys.P256dh, sub.Keys.Auth, sub.Keys.Private, sub.UAID, sub.Channel}, func(s string) bool { return s == "" })
}

func TestProbe_NoSecretInWhatAnAnswerRepeats(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	key, _ := newKey(t)
	subscription := subscriptionAt(t, "http://"+s.address+"/wpush/v2/Zm9yIHRoZSBleWVzIG9mIG9uZQ?q=c2VjcmV0LXF1ZXJ5LXdvcmQ")
	file := private(t, "canary.json", subscription)
	vapid := private(t, "vapid", key)
	secrets := append(secretsOf(t, []byte(subscription)), key, "Zm9yIHRoZSBleWVzIG9mIG9uZQ", "c2VjcmV0LXF1ZXJ5LXdvcmQ")
	for code := 200; code < 600; code++ {
		if http.StatusText(code) == "" {
			continue
		}
		for _, receive := range []string{"none", "receipt"} {
			p := fileProber(t, receive, file, ledger.New(), func(c *webpush.Config) {
				c.VAPIDKeyFile, c.Subject, c.Window = vapid, "mailto:push@example.com", 100*time.Millisecond
			})
			s.answerWith(repeat(code))
			text := everything(t, take(t, p), nil) + everything(t, take(t, p), nil)
			s.mu.Lock()
			signature := s.messages[len(s.messages)-1].Header.Get("Authorization")
			s.mu.Unlock()
			token, _, _ := strings.Cut(strings.TrimPrefix(signature, "vapid t="), ",")
			wantNone(t, text, append(secrets, token)...)
			if !strings.Contains(text, "http://"+s.address+"/[redacted]") {
				t.Fatalf("status %d: evidence does not name the push service: %s", code, text)
			}
		}
	}
}

func TestProbe_NoSecretInFailuresOfTheReceiver(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := filepath.Join(t.TempDir(), "state.json")
	p := selfProber(t, s, func(c *webpush.Config) { c.StateFile, c.Window = file, 200*time.Millisecond })
	first := take(t, p)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	secrets := secretsOf(t, data)
	if len(secrets) != 5 {
		t.Fatalf("the state has %d secrets, want 5", len(secrets))
	}
	var text strings.Builder
	text.WriteString(everything(t, first, nil))
	for _, code := range []int{201, 400, 500, 503} {
		s.answerWith(repeat(code))
		text.WriteString(everything(t, take(t, p), nil))
	}
	s.answerWith(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	text.WriteString(everything(t, take(t, p), nil))
	s.answerWith(func(w http.ResponseWriter, r *http.Request) { repeat(201)(w, r); s.service.Disconnect() })
	text.WriteString(everything(t, take(t, p), nil))
	s.off()
	text.WriteString(everything(t, take(t, p), nil))
	s.on()
	for _, socket := range []http.HandlerFunc{repeatHello(secrets), conversation(`{"messageType":"hello","status":200,"uaid":"` + secrets[len(secrets)-2] + `"}`)} {
		s.greetWith(socket)
		text.WriteString(everything(t, take(t, p), nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := p.Probe(ctx)
	wantNone(t, text.String()+everything(t, r, err), secrets...)
}

// repeatHello refuses a receiver with everything that a push service knows of it.
func repeatHello(secrets []string) http.HandlerFunc {
	return conversation(`{"messageType":"hello","status":500,"reason":"` + strings.Join(secrets, " ") + `"}`)
}

func TestProbe_NoSecretInErrors(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	subscription := subscriptionAt(t, "http://"+s.address+"/wpush/v2/Zm9yIHRoZSBleWVzIG9mIG9uZQ")
	p := fileProber(t, "none", private(t, "canary.json", subscription), nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.answerWith(func(http.ResponseWriter, *http.Request) { cancel() })
	for range 2 {
		r, err := p.Probe(ctx)
		if err == nil {
			t.Fatal("a cancelled probe returned no error")
		}
		wantNone(t, everything(t, r, err), "Zm9yIHRoZSBleWVzIG9mIG9uZQ")
	}
}

// The id of a receipt confirms a message: whoever reads it can say that the message arrived.
func TestProbe_NoReceiptInResults(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	p := fileProber(t, "receipt", c.file(), c.receipts, nil)
	text := everything(t, take(t, p), nil)
	got := <-c.got
	id := strings.TrimSuffix(got[strings.LastIndex(got, "/")+1:], `"}`)
	wantNone(t, text, id)
}

// Where a push service keeps a message is a capability: whoever has it can take the message back.
func TestProbe_NoLocationOfTheMessage(t *testing.T) {
	s := newStage(t, pushservice.Options{})
	file := private(t, "canary.json", subscriptionAt(t, "http://"+s.address+"/wpush/v2/abcdefgh"))
	const message = "Y2FwYWJpbGl0eS1vZi1hLW1lc3NhZ2U"
	s.answerWith(status(http.StatusCreated, "", "Location", "http://"+s.address+"/m/"+message))
	wantNone(t, everything(t, take(t, fileProber(t, "none", file, nil, nil)), nil), message)
}
