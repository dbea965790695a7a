package receipts_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
)

func TestConformance(t *testing.T) {
	t.Setenv("SENDER_TOKEN", token)
	for _, mode := range []struct {
		name string
		with map[string]any
		tell func(*desk)
	}{
		{"receipts", map[string]any{"deadline": "20s", "window": "10m"}, func(d *desk) { d.sent(1); d.arrived(1) }},
		{"heartbeat", map[string]any{"mode": "heartbeat", "expect": "5m"}, func(d *desk) { d.beat() }},
	} {
		t.Run(mode.name, func(t *testing.T) {
			book := ledger.New()
			server, err := ledger.NewServer(ledger.Options{Ledger: book})
			if err != nil {
				t.Fatal(err)
			}
			mode.with["token"] = map[string]any{"env": "SENDER_TOKEN"}
			probetest.RunPassive(t, probetest.Subject{
				Kind: receipts.Kind(book), Type: probe.MobileApp,
				With: func(probetest.Target) map[string]any { return mode.with },
			}, func(tb testing.TB) {
				tb.Helper()
				mode.tell(&desk{t: tb, server: server})
			})
		})
	}
}

func TestProbe_OutlivesAReloadThatChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		d.sent(1)
		again := d.build(nil) // as a reload, or a check of the configuration, does
		d.sent(2)
		again.Close()
		<-time.After(time.Second)
		d.arrived(1)
		d.arrived(2)
		if result := d.probe(); endsOf(&result) != (ends{delivered: 2}) || result.Duration != time.Second {
			t.Errorf("got %+v after %v, want both delivered after 1s", endsOf(&result), result.Duration)
		}
	})
}

func TestProbe_IsForgottenWithItsTouchpoint(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name   string
		change func(*receipts.Config)
		tell   func(*desk)
	}{
		{"receipts", nil, func(d *desk) { d.sent(1); d.arrived(1) }},
		{"heartbeat", heart, (*desk).beat},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, mode.change)
			old := d.Built
			d.Built = d.build(mode.change) // instead of the old one
			old.Close()
			mode.tell(d)
			if result := d.probe(); endsOf(&result).delivered != 1 {
				t.Errorf("got %+v of the new touchpoint, want one delivered", endsOf(&result))
			}
			d.Built, old = old, d.Built
			if result := d.probe(); endsOf(&result) != (ends{}) {
				t.Errorf("got %+v of the old touchpoint, want nothing after it was closed", endsOf(&result))
			}
			old.Close()
			old.Close() // does nothing
		})
	}
}

// TestProbe_TouchpointsWithOneTokenSeeTheSame has two views of one sender.
func TestProbe_TouchpointsWithOneTokenSeeTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		strict := d.build(func(c *receipts.Config) { c.Deadline = time.Second })
		d.sent(1)
		<-time.After(2 * time.Second)
		d.arrived(1)
		result := d.probe()
		if got := endsOf(&result); got != (ends{delivered: 1}) {
			t.Errorf("got %+v, want one delivered", got)
		}
		d.Built = strict
		result = d.probe()
		if got := endsOf(&result); got != (ends{late: 1}) {
			t.Errorf("got %+v with a deadline of 1s, want one late", got)
		}
	})
}

func TestProbe_TellsTouchpointsWithOtherTokensNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", token, "Basic " + token, "Bearer " + token[:len(token)-1], "Bearer " + token + "x",
		"Bearer " + strings.ToUpper(token), "Bearer  " + token,
	} {
		d.post("/v1/sent", `{"id":"`+id(1)+`"}`, authorization)
		d.arrived(1)
	}
	if result := d.probe(); endsOf(&result) != (ends{}) || result.Reason != "push_no_messages" {
		t.Errorf("got %q with %+v, want no message", result.Reason, endsOf(&result))
	}
}

func TestProbe_CancelledIsAnErrorThatLosesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*receipts.Config){"receipts": nil, "heartbeat": heart} {
		d := newDesk(t, change)
		d.sent(1)
		d.arrived(1)
		d.beat()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Prober.Probe(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want that of the context", name, err)
		}
		if result := d.probe(); endsOf(&result).delivered != 1 {
			t.Errorf("%s: got %+v from the next probe, want what came before", name, endsOf(&result))
		}
	}
}

// TestResults_HoldNoSecrets looks for the token and for ids in everything that results can say.
func TestResults_HoldNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := newDesk(t, func(c *receipts.Config) { c.Least = 50 })
		var texts []string
		note := func(d *desk) {
			result := d.probe()
			data, err := json.Marshal(struct {
				Result  probe.Result
				Profile probe.Profile
			}{result, d.Profile})
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(data))
		}
		note(all)
		for n, arrive := range [][]int{{}, {0}, {0, 1, 2, 2}} {
			for m := range 3 {
				all.sent(10*n + m)
			}
			for _, m := range arrive {
				<-time.After(40 * time.Second)
				all.arrived(10*n + m)
			}
			<-time.After(6 * time.Minute)
			note(all)
		}
		beats := newDesk(t, heart)
		for _, pause := range []time.Duration{0, expect + 1, 3 * expect} {
			note(beats)
			<-time.After(pause)
			note(beats)
			beats.beat()
		}
		for _, text := range texts {
			for _, secret := range []string{token, "message-of-the-shop"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in %s", secret, text)
				}
			}
		}
	})
}

// TestKind_OverHTTP is the whole way: a sender, a device and a probe.
func TestKind_OverHTTP(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	server := httptest.NewServer(d.server)
	t.Cleanup(server.Close)
	post := func(path, body, authorization string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	before := time.Now()
	post("/v1/sent", `{"id":"3f2a9c1e-77aa-4f6b-9d0e-1c2b3a4d5e6f"}`, "bearer "+token)
	post("/v1/receipts/3f2a9c1e-77aa-4f6b-9d0e-1c2b3a4d5e6f", "", "")
	result := d.probe()
	if endsOf(&result) != (ends{delivered: 1}) || result.Duration > time.Since(before) {
		t.Errorf("got %+v after %v, want one delivered", endsOf(&result), result.Duration)
	}
}
