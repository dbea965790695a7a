package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "hook-token-0123456789"

// payments is another system: whatever is asked of it is told by a webhook, as send does it.
type payments struct {
	*httptest.Server

	tb    testing.TB
	book  *ledger.Ledger
	hooks *httptest.Server // the agent's address for webhooks, over real HTTP
	sends sync.WaitGroup

	mu     sync.Mutex
	asked  []string                  // markers
	send   func(p *payments, n int)  // how the webhook of the n-th request is sent, from 0; it has told when it returns
	status int                       // of the answer; 0 is 200
	sign   func(http.Header, []byte) // adds the signature of a body
}

func newPayments(tb testing.TB) *payments {
	tb.Helper()
	p := &payments{tb: tb, book: ledger.New(), send: func(p *payments, n int) { p.tell(p.asked[n]) }}
	server, err := ledger.NewServer(ledger.Options{Ledger: p.book})
	if err != nil {
		tb.Fatal(err)
	}
	p.hooks, p.Server = httptest.NewServer(server), httptest.NewServer(http.HandlerFunc(p.take))
	tb.Cleanup(p.hooks.Close)
	tb.Cleanup(p.sends.Wait)
	tb.Cleanup(p.Close)
	return p
}

func (p *payments) take(w http.ResponseWriter, r *http.Request) {
	var request struct{ Reference string }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		p.tb.Errorf("the request is no JSON: %v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, request.Reference)
	if p.status != 0 {
		w.WriteHeader(p.status)
		return
	}
	p.send(p, len(p.asked)-1)
}

// tell sends one webhook with markers.
func (p *payments) tell(markers ...string) {
	body, err := json.Marshal(map[string]any{"type": "payment", "references": markers})
	if err != nil {
		p.tb.Error(err)
	}
	p.post(token, body)
}

func (p *payments) post(token string, body []byte) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(p.tb.Context()), http.MethodPost, p.hooks.URL+"/v1/hooks/"+token, bytes.NewReader(body))
	if err != nil {
		p.tb.Error(err)
		return
	}
	request.Close = true // no connection outlives the test
	if p.sign != nil {
		p.sign(request.Header, body)
	}
	response, err := p.hooks.Client().Do(request)
	if err != nil {
		p.tb.Error(err)
		return
	}
	defer response.Body.Close() //nolint:errcheck // it is read
	if rest, err := io.ReadAll(response.Body); response.StatusCode != http.StatusNoContent || len(rest) > 0 || err != nil {
		p.tb.Errorf("a webhook is answered %d with %d bytes (%v), want 204 with none", response.StatusCode, len(rest), err)
	}
}

// secret returns one in a file that its owner alone can read.
func secret(tb testing.TB, text string) probe.Secret {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return probe.Secret{File: file}
}

func (p *payments) build(change func(*webhook.Config)) (probe.Built, error) {
	kind := webhook.Kind(p.book)
	c := kind.NewConfig(probe.Integration).(*webhook.Config)
	c.Writes, c.Trigger = true, httpkind.Call{URL: p.URL, Body: `{"reference":"{{marker}}"}`}
	c.Token = secret(p.tb, token)
	c.Window, c.Deadline = 2*time.Second, 2*time.Second
	if change != nil {
		change(c)
	}
	return kind.Build(c, probe.Setup{
		Channel: "shop", Touchpoint: "payments", Type: probe.Integration, Every: time.Minute, Timeout: 10 * time.Second,
		UserAgent: "Channelwatch/1.2.3", Receipts: "https://receipts.example.com",
	})
}

func (p *payments) prober(change func(*webhook.Config)) probe.Prober {
	p.tb.Helper()
	built, err := p.build(change)
	if err != nil {
		p.tb.Fatal(err)
	}
	p.tb.Cleanup(built.Close)
	return built.Prober
}

func run(tb testing.TB, p probe.Prober) probe.Result {
	tb.Helper()
	result, err := p.Probe(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// sums returns what was measured, but durations and times.
func sums(result *probe.Result) map[string]float64 {
	all := make(map[string]float64)
	for _, m := range result.Measurements {
		switch m.Metric {
		case "webhook_duration_seconds":
			all[m.Metric]++
		case "webhook_last_delivered_timestamp_seconds":
		default:
			all[strings.TrimSuffix(m.Metric+" "+m.Label, " ")] += m.Value
		}
	}
	return all
}

func found(result *probe.Result) []string {
	var ids []string
	for _, f := range result.Findings {
		ids = append(ids, string(f.Check)+": "+f.Detail)
	}
	return ids
}

func TestProbe_OneWebhook(t *testing.T) {
	t.Parallel()
	p := newPayments(t)
	result := run(t, p.prober(nil))
	if result.Reason != "" || len(result.Findings) > 0 {
		t.Fatalf("got %q (%s) and %v, want nothing wrong", result.Reason, result.Detail, result.Findings)
	}
	if deliver, _ := result.Phases.Get(probe.Deliver); deliver != result.Duration || deliver <= 0 || deliver > time.Minute {
		t.Errorf("delivering took %v of %v, want the whole", deliver, result.Duration)
	}
	if diff := cmp.Diff(map[string]float64{"webhook_messages_total delivered": 1, "webhook_duration_seconds": 1}, sums(&result)); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	if len(result.Evidence.Exchanges) != 1 || len(result.Evidence.Events) != 1 || len(p.asked[0]) != 38 {
		t.Errorf("got %+v for %q, want an exchange, an arrival and a random marker", result.Evidence, p.asked)
	}
}

func TestProbe_WhatCanGoWrong(t *testing.T) {
	t.Parallel()
	three := func(c *webhook.Config) { c.Count = 3 }
	cases := map[string]struct {
		send   func(*payments, int)
		status int
		change func(*webhook.Config)
		reason probe.Reason
		found  []string
		sums   map[string]float64
	}{
		"lost": {
			send:  func(*payments, int) {},
			found: []string{"webhook_lost: webhook 1 of 1 did not come within "},
			sums:  map[string]float64{"webhook_messages_total lost": 1},
		},
		"sent to another address": {
			send:  func(p *payments, n int) { p.post(token+"x", []byte(p.asked[n])) },
			found: []string{"webhook_lost: webhook 1 of 1 did not come within "},
			sums:  map[string]float64{"webhook_messages_total lost": 1},
		},
		"the webhook of somebody else": {
			send:  func(p *payments, _ int) { p.tell("an order of a customer") },
			found: []string{"webhook_lost: webhook 1 of 1 did not come within "},
			sums:  map[string]float64{"webhook_messages_total lost": 1},
		},
		"late": {
			send: func(p *payments, n int) {
				marker := p.asked[n]
				p.sends.Go(func() {
					<-time.After(100 * time.Millisecond)
					p.tell(marker)
				})
			},
			change: func(c *webhook.Config) { c.Deadline = time.Millisecond },
			found:  []string{"webhook_late: webhook 1 of 1 came after "},
			sums:   map[string]float64{"webhook_messages_total late": 1, "webhook_duration_seconds": 1},
		},
		"twice": {
			send:  func(p *payments, n int) { p.tell(p.asked[n]); p.tell(p.asked[n]) },
			found: []string{"webhook_duplicated: these webhooks or those of the probe before came 1 times more than once"},
			sums:  map[string]float64{"webhook_messages_total delivered": 1, "webhook_duration_seconds": 1, "webhook_duplicates_total": 1},
		},
		"in order": {
			change: three,
			sums:   map[string]float64{"webhook_messages_total delivered": 3, "webhook_duration_seconds": 3},
		},
		"in reverse": {
			send: func(p *payments, n int) {
				if n == 2 {
					p.tell(p.asked[2])
					p.tell(p.asked[1])
					p.tell(p.asked[0])
				}
			},
			change: three,
			found:  []string{"webhook_disordered: 2 of 3 webhooks came after one of a later request"},
			sums:   map[string]float64{"webhook_messages_total delivered": 3, "webhook_duration_seconds": 3, "webhook_disordered_total": 2},
		},
		"several in one": {
			send: func(p *payments, n int) {
				if n == 2 {
					p.tell(p.asked[0], p.asked[1], p.asked[2], p.asked[2])
				}
			},
			change: three,
			sums:   map[string]float64{"webhook_messages_total delivered": 3, "webhook_duration_seconds": 3},
		},
		"one of three lost": {
			send: func(p *payments, n int) {
				if n != 1 {
					p.tell(p.asked[n])
				}
			},
			change: three,
			found:  []string{"webhook_lost: webhook 2 of 3 did not come within "},
			sums:   map[string]float64{"webhook_messages_total delivered": 2, "webhook_messages_total lost": 1, "webhook_duration_seconds": 2},
		},
		"refused": {
			status: http.StatusForbidden, change: three, reason: "webhook_trigger_refused",
			sums: map[string]float64{"webhook_messages_total unsent": 1},
		},
		"nobody there": {
			change: func(c *webhook.Config) { c.Trigger.URL = "http://127.0.0.1:1/" }, reason: probe.ConnectRefused,
			sums: map[string]float64{"webhook_messages_total unsent": 1},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPayments(t)
			p.status = c.status
			if c.send != nil {
				p.send = c.send
			}
			result := run(t, p.prober(c.change))
			got := found(&result)
			for i := range min(len(got), len(c.found)) {
				if strings.HasPrefix(got[i], c.found[i]) {
					got[i] = c.found[i]
				}
			}
			if diff := cmp.Diff(c.found, got); diff != "" || result.Reason != c.reason {
				t.Errorf("reason %q (%s), want %q; findings (-want +got):\n%s", result.Reason, result.Detail, c.reason, diff)
			}
			if diff := cmp.Diff(c.sums, sums(&result)); diff != "" || result.Duration <= 0 {
				t.Errorf("took %v, measurements (-want +got):\n%s", result.Duration, diff)
			}
		})
	}
}

func TestProbe_VerifiesSignatures(t *testing.T) {
	t.Parallel()
	sign := func(key string, age time.Duration) func(http.Header, []byte) {
		return func(header http.Header, body []byte) {
			at := strconv.FormatInt(time.Now().Add(-age).Unix(), 10)
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write(append([]byte(at+"."), body...))
			header.Set("X-Payments", "t="+at+",v1="+hex.EncodeToString(mac.Sum(nil)))
		}
	}
	cases := map[string]struct {
		sign  func(http.Header, []byte)
		found []string
		why   string
	}{
		"signed":      {sign: sign("key-of-the-hook-0", 0)},
		"unsigned":    {nil, []string{"webhook_signature_wrong: webhook 1 of 1: no signature of the scheme stripe"}, "signature"},
		"another key": {sign("key-of-the-hook-1", 0), []string{"webhook_signature_wrong: webhook 1 of 1: none of 1 signatures fits the key and the body of "}, "signature"},
		"old":         {sign("key-of-the-hook-0", time.Hour), []string{"webhook_time_wrong: webhook 1 of 1: the signed time is 1h0m"}, "time"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPayments(t)
			p.sign = c.sign
			result := run(t, p.prober(func(config *webhook.Config) {
				config.Scheme, config.Header, config.Secret = "stripe", "X-Payments", secret(t, "key-of-the-hook-0")
			}))
			got := found(&result)
			if len(got) == 1 && len(c.found) == 1 && strings.HasPrefix(got[0], c.found[0]) {
				got = c.found
			}
			if diff := cmp.Diff(c.found, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			want := map[string]float64{"webhook_messages_total delivered": 1, "webhook_duration_seconds": 1}
			if c.why != "" {
				want["webhook_unverified_total "+c.why] = 1
			}
			if diff := cmp.Diff(want, sums(&result)); diff != "" {
				t.Errorf("measurements (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProbe_TellsWhatCameAfterwards has webhooks that come when their probe is over.
func TestProbe_TellsWhatCameAfterwards(t *testing.T) {
	t.Parallel()
	p := newPayments(t)
	prober := p.prober(func(c *webhook.Config) { c.Window, c.Deadline = 2*time.Second, 0 })
	p.send = func(*payments, int) {}
	first := run(t, prober)
	if first.Find("webhook_lost") == nil {
		t.Fatalf("got %v, want the webhook lost", first.Findings)
	}
	p.tell(p.asked[0])
	p.tell(p.asked[0])
	p.send = func(p *payments, n int) { p.tell(p.asked[n]) }
	second := run(t, prober)
	want := []string{
		"webhook_duplicated: these webhooks or those of the probe before came 1 times more than once",
		"webhook_late: 1 webhooks of earlier probes came after they had been given up",
	}
	if diff := cmp.Diff(want, found(&second)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if third := run(t, prober); len(third.Findings) > 0 {
		t.Errorf("got %v, want it told once", third.Findings)
	}
}

func TestProbe_IsForgottenWithItsTouchpoint(t *testing.T) {
	t.Parallel()
	p := newPayments(t)
	built, err := p.build(nil)
	if err != nil {
		t.Fatal(err)
	}
	built.Close()
	if result := run(t, built.Prober); result.Find("webhook_lost") == nil {
		t.Errorf("got %v of a closed hook, want nothing to come", result.Findings)
	}
}

func TestProbe_HidesSecrets(t *testing.T) {
	t.Setenv("TEST_KEY", "hunter22-key-of-the-hook")
	t.Setenv("TEST_PAYMENTS", "Bearer hunter22")
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", token)
		body, _ := io.ReadAll(r.Body)
		http.Error(w, r.Header.Get("Authorization")+" "+string(body)+" hunter22-key-of-the-hook "+token, http.StatusForbidden)
	}))
	t.Cleanup(echo.Close)
	result := run(t, newPayments(t).prober(func(c *webhook.Config) {
		c.Trigger.URL, c.Trigger.SecretHeaders = echo.URL, map[string]probe.Secret{"Authorization": {Env: "TEST_PAYMENTS"}}
		c.Trigger.Body = `{"password":"swordfish","reference":"{{marker}}"}`
		c.Scheme, c.Secret = "github", probe.Secret{Env: "TEST_KEY"}
	}))
	shown, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "hunter22") || strings.Contains(string(shown), token) || strings.Contains(string(shown), "swordfish") ||
		strings.Count(string(shown), "[redacted]") < 5 {
		t.Errorf("got %s, want key, token, header and body hidden", shown)
	}
}

func TestConformance(t *testing.T) {
	t.Setenv("HOOK_TOKEN", token)
	t.Setenv("HOOK_SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")
	t.Setenv("PAYMENTS_KEY", "key-of-the-payments")
	p := newPayments(t)
	probetest.Run(t, probetest.Subject{
		Kind: webhook.Kind(p.book), Type: probe.Integration,
		With: func(target probetest.Target) map[string]any {
			return map[string]any{
				"writes": true, "token": map[string]any{"env": "HOOK_TOKEN"},
				"trigger": map[string]any{"url": target.URL, "body": `{"reference":"{{marker}}"}`},
			}
		},
	}, probetest.Fixture{
		Healthy: func(testing.TB) probetest.Target { return probetest.Target{URL: p.URL} },
		Silent:  probetest.Silent, SilentWant: probe.ResponseTimeout, ClosedPort: probetest.ClosedPort,
	})
}

func TestBuild_ReportsAllMistakes(t *testing.T) {
	t.Setenv("TEST_SHORT", "hunter2-")
	p := newPayments(t)
	cases := map[string]struct {
		change func(*webhook.Config)
		want   []string
	}{
		"not told to write": {func(c *webhook.Config) { c.Writes = false }, []string{"writes: false, want true: each probe makes something happen in the other system"}},
		"many": {func(c *webhook.Config) {
			c.Trigger = httpkind.Call{URL: "ftp://example.com"}
			c.Token, c.Scheme, c.Secret = probe.Secret{Env: "TEST_SHORT"}, "standard-webhooks", probe.Secret{Env: "TEST_SHORT"}
			c.Header, c.Count, c.Tolerance, c.Window = "X", 11, 2*time.Hour, time.Hour
		}, []string{
			"trigger.url: scheme of ftp://example.com, want http or https",
			"trigger.body: nothing of the trigger has {{marker}}, want it where the webhook repeats it",
			"count: 11, want 1 to 10",
			"token: want 16 to 128 letters, digits and -._~, as it is the end of an address",
			"header: is of the schemes stripe and github, want it left out",
			"tolerance: 2h0m0s, want 1s to 1h0m0s",
			"secret: is not Base64, with whsec_ in front or not, as Standard Webhooks wants it",
			"window: 1h0m0s is not between 0 and the timeout of 10s, the rest of which is for connecting",
		}},
		"a short key":      {func(c *webhook.Config) { c.Scheme, c.Secret = "github", probe.Secret{Env: "TEST_SHORT"} }, []string{"secret: is a key of 8 bytes, want at least 16 that nobody can guess"}},
		"a key of nothing": {func(c *webhook.Config) { c.Secret = probe.Secret{Env: "TEST_SHORT"} }, []string{"secret: without a scheme nothing is verified, want scheme"}},
		"no key":           {func(c *webhook.Config) { c.Scheme = "stripe" }, []string{"secret: want {file: …} or {env: …}"}},
		"no scheme of ours": {
			func(c *webhook.Config) { c.Scheme = "md5" }, []string{`scheme: "md5", want none, standard-webhooks, stripe or github`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := p.build(c.change)
			if err == nil {
				t.Fatalf("got no error, want %q", c.want)
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows a secret")
			}
		})
	}
	kind := webhook.Kind(p.book)
	c := kind.NewConfig(probe.Integration).(*webhook.Config)
	c.Writes, c.Trigger, c.Token = true, httpkind.Call{URL: p.URL, Body: "{{marker}}"}, secret(p.tb, token)
	if _, err := kind.Build(c, probe.Setup{Timeout: time.Minute}); err == nil || !strings.HasPrefix(err.Error(), "token: webhooks need somebody who listens") {
		t.Errorf("got %v, want it refused where nobody listens", fmt.Sprint(err))
	}
}
