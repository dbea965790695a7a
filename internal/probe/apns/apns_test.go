package apns_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// every and timeout are what touchpoints of the tests have. Nothing waits for the timeout unless a test says so.
const (
	every   = 15 * time.Minute
	timeout = 20 * time.Second
)

// config returns the configuration of a canary at the stand-in; change adapts it.
func (a *apple) config(tb testing.TB, change func(*apns.Config)) *apns.Config {
	tb.Helper()
	c := apns.Kind(a.receipts).NewConfig(probe.Push).(*apns.Config)
	c.Mode, c.Topic, c.KeyID, c.TeamID, c.KeyFile = "canary", topic, keyID, teamID, a.keyFile(tb)
	c.DeviceTokenFile = filepath.Join(tb.TempDir(), "device")
	writeFile(tb, c.DeviceTokenFile, []byte(device+"\n"))
	c.BaseURL, c.TLS.CAFile = a.url, a.caFile
	if change != nil {
		change(c)
	}
	return c
}

// setup is what the loader tells a touchpoint of the tests.
func setup() probe.Setup {
	return probe.Setup{
		Channel: "push", Touchpoint: "ios", Type: probe.Push, Every: every, Timeout: timeout, UserAgent: "Channelwatch/test",
		Receipts: strings.TrimSuffix(receiptTo, "/v1/receipts/"),
	}
}

// build builds a prober for the stand-in.
func (a *apple) build(tb testing.TB, change func(*apns.Config)) probe.Built {
	tb.Helper()
	built, err := apns.Kind(a.receipts).Build(a.config(tb, change), setup())
	if err != nil {
		tb.Fatalf("building the prober: %v", err)
	}
	return built
}

func acceptance(c *apns.Config) { c.Mode = "acceptance" }

// take probes once, as an agent does.
func take(tb testing.TB, p probe.Prober) probe.Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), timeout)
	defer cancel()
	r, err := p.Probe(ctx)
	if err != nil {
		tb.Fatalf("Probe: %v", err)
	}
	return r
}

// want checks the reason, how the message ended, and the findings.
func want(tb testing.TB, r *probe.Result, reason probe.Reason, ending string, findings ...probe.CheckID) {
	tb.Helper()
	if got := labels(r, "push_messages_total"); r.Reason != reason || fmt.Sprint(got) != fmt.Sprint([]string{ending}) {
		tb.Errorf("got reason %q, endings %q (%s), want %q, once %q", r.Reason, got, r.Detail, reason, ending)
	}
	var got []probe.CheckID
	for _, f := range r.Findings {
		got = append(got, f.Check)
	}
	if !slices.Equal(got, findings) {
		tb.Errorf("findings are %v, want %v", r.Findings, findings)
	}
}

// labels returns the labels of all measurements of a metric.
func labels(r *probe.Result, metric string) []string {
	var all []string
	for _, m := range r.Measurements {
		if m.Metric == metric {
			all = append(all, m.Label)
		}
	}
	return all
}

// value returns a measurement, or -1 when there is none.
func value(r *probe.Result, metric string) float64 {
	for _, m := range r.Measurements {
		if m.Metric == metric {
			return m.Value
		}
	}
	return -1
}

func mustURL(tb testing.TB, text string) *url.URL {
	tb.Helper()
	u, err := url.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

func TestProbe_DeliversToTheCanary(t *testing.T) {
	a := newApple(t)
	built := a.build(t, nil)
	before := time.Now()
	r := take(t, built.Prober)
	want(t, &r, "", "delivered")
	if deliver, ok := r.Phases.Get(probe.Deliver); !ok || deliver != r.Duration {
		t.Errorf("deliver took %v, want the duration of %v", deliver, r.Duration)
	}
	if _, ok := r.Phases.Get(probe.Accept); !ok {
		t.Error("the phase accept is missing")
	}
	for metric, want := range map[string]float64{"push_credential_ok": 1, "push_target_valid": 1} {
		if got := value(&r, metric); got != want {
			t.Errorf("%s is %v, want %v", metric, got, want)
		}
	}
	if got := value(&r, "push_target_refreshed_timestamp_seconds"); got < float64(before.Unix()-60) || got > float64(time.Now().Unix()) {
		t.Errorf("the device's file is of %v, want now", got)
	}
	if got := labels(&r, "push_provider_responses_total"); !slices.Equal(got, []string{"accepted"}) {
		t.Errorf("answers are %q, want one accepted", got)
	}
	got := a.messages()
	if len(got) != 1 || got[0].refused != "" {
		t.Fatalf("the stand-in got %+v, want one good message", got)
	}
	events := fmt.Sprint(r.Evidence.Events)
	for _, text := range []string{got[0].header.Get("Apns-Id"), "Apple answered 200", "the device confirmed it"} {
		if !strings.Contains(events, text) {
			t.Errorf("the events are %s, want %q in them", events, text)
		}
	}
}

func TestProbe_SendsWhatIsConfigured(t *testing.T) {
	cases := []struct {
		name    string
		every   time.Duration
		change  func(*apns.Config)
		want    map[string]string
		payload string
	}{
		{
			"alert", every, nil,
			map[string]string{"Apns-Push-Type": "alert", "Apns-Priority": "10", "Apns-Collapse-Id": "channelwatch"},
			`{"aps":{"alert":{"body":"Test message","title":"Channelwatch"},"mutable-content":1},"channelwatch_receipt":"` + receiptTo + `ID"}`,
		},
		{
			"alert that spares the battery, kept apart", every,
			func(c *apns.Config) { c.Priority, c.CollapseID = 1, "" },
			map[string]string{"Apns-Push-Type": "alert", "Apns-Priority": "1", "Apns-Collapse-Id": ""},
			`{"aps":{"alert":{"body":"Test message","title":"Channelwatch"},"mutable-content":1},"channelwatch_receipt":"` + receiptTo + `ID"}`,
		},
		{
			"background", time.Hour,
			func(c *apns.Config) { c.PushType = "background" },
			map[string]string{"Apns-Push-Type": "background", "Apns-Priority": "5", "Apns-Collapse-Id": "channelwatch"},
			`{"aps":{"content-available":1},"channelwatch_receipt":"` + receiptTo + `ID"}`,
		},
		{
			"acceptance", every, acceptance,
			map[string]string{"Apns-Push-Type": "alert", "Apns-Priority": "10", "Apns-Collapse-Id": "channelwatch"},
			`{"aps":{"alert":{"body":"Test message","title":"Channelwatch"},"mutable-content":1}}`,
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a := newApple(t)
			setup := setup()
			setup.Every = tc.every
			built, err := apns.Kind(a.receipts).Build(a.config(t, tc.change), setup)
			if err != nil {
				t.Fatal(err)
			}
			if r := take(t, built.Prober); r.Reason != "" {
				t.Errorf("got %q: %s", r.Reason, r.Detail)
			}
			got := a.messages()[0]
			tc.want["Apns-Topic"], tc.want["Content-Type"], tc.want["User-Agent"] = topic, "application/json", "Channelwatch/test"
			for name, want := range tc.want {
				if got.header.Get(name) != want {
					t.Errorf("%s: got %q, want %q", name, got.header.Get(name), want)
				}
			}
			if got.path != "/3/device/"+device {
				t.Errorf("the path is %s, want the device's", got.path)
			}
			payload := string(got.body)
			if got.receipt != "" {
				payload = strings.Replace(payload, got.receipt, "ID", 1)
			}
			if payload != tc.payload {
				t.Errorf("the payload is %s, want %s", payload, tc.payload)
			}
			expiration, err := strconv.ParseInt(got.header.Get("Apns-Expiration"), 10, 64)
			kept := time.Unix(expiration, 0).Sub(got.at)
			if window := timeout * 4 / 5; err != nil || kept > window || kept < window/2 {
				t.Errorf("Apple keeps the message for %v (%v), want the window of %v", kept, err, window)
			}
		})
	}
}

// TestProbe_NeverRepeatsAnId sends twice: each message has ids of its own, and a connection of its own.
func TestProbe_NeverRepeatsAnId(t *testing.T) {
	a := newApple(t)
	built := a.build(t, nil)
	for range 2 {
		r := take(t, built.Prober)
		want(t, &r, "", "delivered")
		if _, connected := r.Evidence.Exchanges[0].Phases.Get(probe.Connect); !connected {
			t.Error("the message went out over an old connection")
		}
	}
	got := a.messages()
	version4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if first, second := got[0].header.Get("Apns-Id"), got[1].header.Get("Apns-Id"); first == second || !version4.MatchString(first) {
		t.Errorf("the ids are %q and %q, want two random UUIDs", first, second)
	}
	if got[0].receipt == got[1].receipt || got[0].receipt == "" {
		t.Errorf("the receipts are %q and %q, want two", got[0].receipt, got[1].receipt)
	}
}

func TestProbe_TakesADeviceTokenInUpperCase(t *testing.T) {
	a := newApple(t)
	built := a.build(t, func(c *apns.Config) { writeFile(t, c.DeviceTokenFile, []byte(" "+strings.ToUpper(device)+"\r\n")) })
	r := take(t, built.Prober)
	want(t, &r, "", "delivered")
}

func TestBuild_ProfileFollowsTheMode(t *testing.T) {
	a := newApple(t)
	watched, blind := a.build(t, nil).Profile, a.build(t, acceptance).Profile
	if !watched.Receipts || blind.Receipts {
		t.Errorf("receipts are listened for: %v and %v, want it for canaries only", watched.Receipts, blind.Receipts)
	}
	if watched.Limits != (probe.Limits{}) || blind.Limits.Excellent != 300*time.Millisecond {
		t.Errorf("limits are %v and %v, want the kind's for canaries, and shorter ones for answers alone", watched.Limits, blind.Limits)
	}
	if slices.Contains(blind.Metrics, "push_delivery_duration_seconds") || !slices.Contains(watched.Metrics, "push_delivery_duration_seconds") {
		t.Error("delivery times are exported where nobody sees a delivery, or not where a canary does")
	}
	for environment, target := range map[string]string{"production": "api.push.apple.com:443", "sandbox": "api.sandbox.push.apple.com:443"} {
		p := a.build(t, func(c *apns.Config) { c.Environment, c.BaseURL, c.TLS.CAFile = environment, "", "" }).Profile
		if p.Target != target || p.URL != "https://"+strings.TrimSuffix(target, ":443") || !p.TLS {
			t.Errorf("%s goes to %s (%s), want %s over TLS", environment, p.Target, p.URL, target)
		}
	}
}

func TestConformance(t *testing.T) {
	for _, mode := range []string{"canary", "acceptance"} {
		t.Run(mode, func(t *testing.T) {
			a := newApple(t)
			probetest.Run(t, probetest.Subject{
				Kind: apns.Kind(a.receipts),
				Type: probe.Push,
				With: func(target probetest.Target) map[string]any {
					with := map[string]any{
						"mode": mode, "key_file": "apns-key.p8", "key_id": keyID, "team_id": teamID, "topic": topic,
						"device_token_file": "canary-iphone", "base_url": target.URL,
					}
					if target.CAFile != "" {
						with["tls"] = map[string]any{"ca_file": target.CAFile}
					}
					return with
				},
				Files: map[string][]byte{"apns-key.p8": pkcs8(t, a.key), "canary-iphone": []byte(device)},
			}, probetest.Fixture{
				Healthy:    func(testing.TB) probetest.Target { return probetest.Target{URL: a.url, CAFile: a.caFile} },
				Silent:     probetest.Silent,
				SilentWant: probe.ResponseTimeout,
				ClosedPort: probetest.ClosedPort,
			})
		})
	}
}

// everything returns all text that leaves a probe.
func everything(tb testing.TB, r *probe.Result, err error) string {
	tb.Helper()
	data, jsonErr := json.Marshal(r)
	if jsonErr != nil {
		tb.Fatal(jsonErr)
	}
	return string(data) + fmt.Sprintf("%+v %v", r, err)
}
