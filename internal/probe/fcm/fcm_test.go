package fcm_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// subject is a touchpoint of the stand-in that is being tested.
type subject struct {
	*standin
	prober   probe.Prober
	receipts *ledger.Ledger
}

// start returns a touchpoint of a new stand-in; change adapts its configuration.
func start(tb testing.TB, change func(*fcm.Config)) *subject {
	tb.Helper()
	s := newStandin(tb)
	return startAt(tb, s, s.url, change)
}

// startPlain returns one of a new stand-in that is met without TLS.
func startPlain(tb testing.TB) *subject {
	tb.Helper()
	s := newStandin(tb)
	return startAt(tb, s, s.plain, func(c *fcm.Config) { c.TLS.CAFile = "" })
}

// startAt returns a touchpoint of a stand-in at one of its addresses.
func startAt(tb testing.TB, at *standin, url string, change func(*fcm.Config)) *subject {
	tb.Helper()
	return startWith(tb, at, url, change, probe.Setup{})
}

// startWith returns one with a setup; the zero value is that of its mode.
func startWith(tb testing.TB, at *standin, url string, change func(*fcm.Config), setup probe.Setup) *subject {
	tb.Helper()
	s := &subject{standin: at, receipts: ledger.New()}
	s.audience = url + "/token"
	kind := fcm.Kind(s.receipts)
	config := kind.NewConfig(probe.MobileApp).(*fcm.Config)
	config.CredentialsFile = writeFile(tb, "service-account.json", credentials(s.audience, nil))
	config.TokenFile = writeFile(tb, "canary.token", deviceToken+"\n")
	config.BaseURL, config.TLS.CAFile = url, s.caFile
	if change != nil {
		change(config)
	}
	if config.Mode == "canary" {
		s.validate, s.want["ttl"] = false, "240s"
	}
	if setup == (probe.Setup{}) {
		setup = setupOf(config.Mode)
	}
	built, err := kind.Build(config, setup)
	if err != nil {
		tb.Fatal(err)
	}
	s.prober = built.Prober
	return s
}

// setupOf returns what a touchpoint of a mode is told.
func setupOf(mode string) probe.Setup {
	setup := probe.Setup{
		Channel: "app", Touchpoint: "news", Type: probe.MobileApp, Every: 5 * time.Minute, Timeout: 30 * time.Second,
		UserAgent: "Channelwatch/1.2.3", Receipts: "https://agent.example.com",
	}
	if mode == "canary" {
		setup.Timeout = 5 * time.Minute
	}
	return setup
}

// startCanary returns one in whose mode a device confirms messages.
func startCanary(tb testing.TB, change func(*fcm.Config)) *subject {
	tb.Helper()
	return start(tb, func(c *fcm.Config) {
		c.Mode = "canary"
		if change != nil {
			change(c)
		}
	})
}

// confirm is what a canary's app does: it tells the ledger, which has a listener of its own.
func (s *subject) confirm(receipt string) {
	s.receipts.Confirm(receipt[strings.LastIndexByte(receipt, '/')+1:], time.Now())
}

// take probes once and checks what holds for every result: it shows no secret.
func (s *subject) take(within time.Duration) probe.Result {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), within)
	defer cancel()
	r, err := s.prober.Probe(ctx)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.hides(marshal(r))
	if r.Duration <= 0 || r.Start.IsZero() || r.Evidence == nil {
		s.tb.Errorf("got %s, want start, duration and evidence", marshal(r))
	}
	return r
}

// hides fails the test when a text holds a secret.
func (s *subject) hides(text string) {
	s.tb.Helper()
	for _, secret := range s.secrets() {
		if at := strings.Index(text, secret); at >= 0 {
			s.tb.Errorf("%.20q… is shown after %q", secret, text[max(0, at-60):at])
		}
	}
}

// value returns the one measurement of a metric.
func value(r *probe.Result, metric, label string) (float64, bool) {
	for _, m := range r.Measurements {
		if m.Metric == metric && m.Label == label {
			return m.Value, true
		}
	}
	return 0, false
}

// outcome returns how a message ended.
func outcome(r *probe.Result) string {
	for _, m := range r.Measurements {
		if m.Metric == "push_messages_total" {
			return m.Label
		}
	}
	return ""
}

const patience = 20 * time.Second // for answers that come at once

func TestConformance(t *testing.T) {
	probetest.Run(t, probetest.Subject{
		Kind: fcm.Kind(ledger.New()),
		Type: probe.MobileApp,
		With: func(target probetest.Target) map[string]any {
			with := map[string]any{
				"credentials_file": writeFile(t, "service-account.json", credentials(target.URL+"token", nil)),
				"token_file":       writeFile(t, "canary.token", deviceToken),
				"base_url":         target.URL,
			}
			if target.CAFile != "" {
				with["tls"] = map[string]any{"ca_file": target.CAFile}
			}
			return with
		},
		Files: map[string][]byte{
			"service-account.json": []byte(credentials("https://oauth2.googleapis.com/token", nil)),
			"canary.token":         []byte(deviceToken),
		},
	}, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			s := newStandin(tb)
			return probetest.Target{URL: s.url + "/", CAFile: s.caFile}
		},
		Silent:     probetest.Silent,
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

func TestProbe_DryRun(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	before := time.Now()
	r := s.take(patience)
	finding := r.Find("delivery_unseen")
	if r.Reason != "" || finding == nil || len(r.Findings) != 1 {
		t.Fatalf("got reason %q and %v, want nothing but that nobody saw it arrive", r.Reason, r.Findings)
	}
	if !strings.HasPrefix(finding.Detail, "a dry run was taken after ") || !strings.HasSuffix(finding.Detail, "and nothing was delivered") {
		t.Errorf("got %q, want what a dry run proves", finding.Detail)
	}
	if got := outcome(&r); got != "unseen" {
		t.Errorf("the message ended as %q, want unseen", got)
	}
	for metric, want := range map[string]float64{"push_credential_ok": 1, "push_target_valid": 1} {
		if got, ok := value(&r, metric, ""); !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", metric, got, ok, want)
		}
	}
	if _, ok := value(&r, probe.CertificateNotAfter, ""); !ok {
		t.Errorf("got %s, want the dates of the certificate", marshal(r.Measurements))
	}
	end, _ := value(&r, "push_credential_expiry_timestamp_seconds", "access_token")
	if left := end - float64(before.Unix()); left < 3590 || left > 3620 {
		t.Errorf("the access token ends in %v s, want about 3599", left)
	}
	if accepted, ok := r.Phases.Get(probe.Accept); !ok || accepted != r.Duration || accepted <= 0 {
		t.Errorf("accepted after %v of %v, want the duration", accepted, r.Duration)
	}
	var seen []string
	for _, e := range r.Evidence.Exchanges {
		seen = append(seen, e.Method+" "+strings.TrimPrefix(e.URL, s.url))
	}
	if got, want := strings.Join(seen, ", "), "POST /token, POST /v1/projects/"+project+"/messages:send"; got != want {
		t.Errorf("got the exchanges %s, want %s", got, want)
	}
	if got := marshal(r.Evidence.Events); !strings.Contains(got, "accepted as projects/shop-1a2b/messages/fake_message_id") {
		t.Errorf("got the events %s, want the name of the message", got)
	}
}

func TestProbe_Cancelled(t *testing.T) {
	t.Parallel()
	s := startCanary(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.set(func(s *standin) { s.onMessage = func(string) { cancel() } })
	_, err := s.prober.Probe(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the error of the context", err)
	}
	s.hides(err.Error())
}

func TestProbe_CancelledAtTheTokenExchange(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.set(func(s *standin) {
		s.onToken = func(w http.ResponseWriter, r *http.Request) {
			cancel()
			hang(w, r)
		}
	})
	_, err := s.prober.Probe(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the error of the context", err)
	}
	s.hides(err.Error())
}
