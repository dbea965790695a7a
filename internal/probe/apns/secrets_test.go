package apns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
)

// planted returns every secret that a probe of the stand-in could give away: the device's token, the key, provider tokens
// with their parts, and the ids of receipts.
func (a *apple) planted(tb testing.TB) map[string]string {
	tb.Helper()
	secrets := map[string]string{"device token": device, "device token in upper case": strings.ToUpper(device)}
	for i, line := range strings.Split(string(pkcs8(tb, a.key)), "\n") {
		if line != "" && !strings.HasPrefix(line, "---") {
			secrets[fmt.Sprintf("line %d of the key", i)] = line
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for token := range a.tokens {
		secrets["provider token"] = token
		secrets["signature"] = token[strings.LastIndexByte(token, '.')+1:]
	}
	for _, n := range a.got {
		if n.receipt != "" {
			secrets["receipt "+n.receipt[:2]] = n.receipt
		}
	}
	return secrets
}

// wantNone checks that a text holds no secret, and not even half of one.
func (a *apple) wantNone(tb testing.TB, text string) {
	tb.Helper()
	for name, secret := range a.planted(tb) {
		if strings.Contains(text, secret) || len(secret) > 24 && strings.Contains(text, secret[:len(secret)/2]) {
			tb.Errorf("the %s is in %s", name, text)
		}
	}
}

// echo answers with everything that it was sent, in body and header.
func echo(status int, reason string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		sent, token := r.URL.Path, strings.TrimPrefix(r.Header.Get("Authorization"), "bearer ")
		w.Header().Set("Location", "https://elsewhere.example"+sent+"?token="+token)
		w.Header().Set("Server", sent+" "+token)
		w.Header().Set("Apns-Unique-Id", token)
		w.Header().Set("Etag", strings.ToUpper(sent))
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"reason": strings.TrimSpace(reason), "path": sent, "upper": strings.ToUpper(sent), "token": token,
			"signature": token[strings.LastIndexByte(token, '.')+1:],
		})
		_, _ = io.WriteString(w, strings.Repeat(" "+sent, 60)) // one of them is cut at the end of what evidence keeps
	}
}

// TestProbe_GivesNoSecretAway runs every answer and every trouble against a stand-in that echoes all that it gets.
func TestProbe_GivesNoSecretAway(t *testing.T) {
	a := newApple(t)
	short := func(c *apns.Config) { c.Window = 200 * time.Millisecond }
	check := func(name string, p probe.Prober) {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second one may be withheld
				r := take(t, p)
				a.wantNone(t, everything(t, &r, nil))
			}
		})
	}
	for _, tc := range answerCases() {
		a.set(func(a *apple) { a.answer = echo(tc.status, tc.reason) })
		check(fmt.Sprintf("%d %s", tc.status, tc.reason), a.build(t, short).Prober)
	}
	for name, reason := range map[string]string{"device": device, "path": "/3/device/" + device, "upper case": strings.ToUpper(device)} {
		a.answers(http.StatusBadRequest, `{"reason":"`+reason+` is bad"}`)
		check("reason is the "+name, a.build(t, short).Prober)
	}
	a.set(func(a *apple) { a.answer = echo(http.StatusOK, "") })
	check("accepted and lost", a.build(t, short).Prober)
	a.set(func(a *apple) { a.answer = nil })
	check("delivered", a.build(t, nil).Prober)
	a.set(func(a *apple) { a.talk = hardReset })
	check("reset", a.build(t, short).Prober)
	check("nobody there", a.build(t, func(c *apns.Config) { short(c); c.BaseURL = "https://127.0.0.1:1" }).Prober)
}

func TestProbe_ErrorsGiveNoSecretAway(t *testing.T) {
	a := newApple(t)
	built := a.build(t, nil)
	a.wantNone(t, fmt.Sprintf("%+v", built.Profile))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := built.Prober.Probe(ctx)
	if err == nil {
		t.Fatal("a cancelled probe has no error")
	}
	a.wantNone(t, err.Error())

	broken := func(c *apns.Config) {
		key := pkcs8(t, a.key)
		writeFile(t, c.KeyFile, append(key[:60:60], key[62:]...))
		writeFile(t, c.DeviceTokenFile, []byte(device+"!"))
		c.BaseURL = a.url + "/3/device/" + device
	}
	_, err = apns.Kind(a.receipts).Build(a.config(t, broken), setup())
	if got := fieldErrors(t, err); len(got) != 3 {
		t.Errorf("got %q, want three mistakes", got)
	}
	a.wantNone(t, err.Error())
}
