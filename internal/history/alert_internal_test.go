//go:build !nohistory

package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

// told remembers what an evaluator tells of alerts.
type told struct {
	mu  sync.Mutex
	all []toldAlert
}

type toldAlert struct {
	Alert
	at time.Time
}

func (l *told) receive(alerts []Alert) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range alerts {
		l.all = append(l.all, toldAlert{a, time.Now()})
	}
}

// of returns what was told of one alert.
func (l *told) of(name string) []toldAlert {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []toldAlert
	for _, a := range l.all {
		if a.Labels["alertname"] == name {
			all = append(all, a)
		}
	}
	return all
}

// firing returns the names of the alerts that were told of, sorted, but for those whose end was.
func (l *told) firing() []string { return l.names(func(a Alert) bool { return a.Ended.IsZero() }) }

// ended returns the names of the alerts whose end was told of.
func (l *told) ended() []string { return l.names(func(a Alert) bool { return !a.Ended.IsZero() }) }

func (l *told) names(of func(Alert) bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, a := range l.all {
		if of(a.Alert) {
			all = append(all, a.Labels["alertname"])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (l *told) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

func TestEvaluator_TellsOfAlertsThatFireAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openShop(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		alerts, customers := new(told), new(shop)
		e := mustEvaluator(t, Options{Rules: bundled(), Alerts: alerts.receive})
		parts.Go(func() { e.run(ctx, through(db), func() {}) })
		parts.Go(func() { feed(ctx, t, db, 15*time.Second, customers.samples) })

		pass(5 * time.Minute)
		if got := alerts.of("TouchpointDown"); len(got) != 0 {
			t.Errorf("a touchpoint that works is told of: %v", got)
		}
		customers.breakDown(true)
		broke := time.Now()
		pass(8 * time.Minute)
		customers.breakDown(false)
		mended := time.Now()
		pass(10 * time.Minute)
		cancel()
		parts.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}

		got := alerts.of("TouchpointDown")
		if len(got) < 7 {
			t.Fatalf("told %d times of a touchpoint that was down for 8 minutes, want once a minute", len(got))
		}
		first, last := got[0], got[len(got)-1]
		if after := first.at.Sub(broke); after < 2*time.Minute || after > 3*time.Minute {
			t.Errorf("told %s after it broke, want the 2 min of the rule, up to 30 s of evaluation, a round and a turn of the alerts", after)
		}
		if !first.Started.Equal(first.at) || !first.Ended.IsZero() {
			t.Errorf("the first time, at %v: started %v and ended %v", first.at, first.Started, first.Ended)
		}
		if !last.Started.Equal(first.Started) || last.Ended.Before(mended) || last.Ended.After(last.at) {
			t.Errorf("the last time, at %v: started %v and ended %v, want started %v and ended after %v", last.at, last.Started, last.Ended, first.Started, mended)
		}
		for name, want := range map[string]string{
			"channel": "web", "touchpoint": "home", "severity": "warning", "cause": "connect_refused",
			"owner_it": "web@example.com", "owner_marketing": "brand@example.com",
		} {
			if first.Labels[name] != want {
				t.Errorf("label %s: got %q, want %q", name, first.Labels[name], want)
			}
		}
		// The sentences come from another series, by a query in the template.
		if want := "The shop is closed."; !strings.Contains(first.Annotations["marketing"], want) {
			t.Errorf("marketing is told %q, want %q in it", first.Annotations["marketing"], want)
		}
		if want := "Nothing listens."; !strings.Contains(first.Annotations["it"], want) {
			t.Errorf("IT is told %q, want %q in it", first.Annotations["it"], want)
		}
	})
}

// A store that takes in nothing, as with a full disk, looks as if all had stopped: that is no news of the channels.
func TestEvaluator_TellsNothingNewWhileNothingIsRecorded(t *testing.T) {
	for name, change := range map[string]func(*gate, bool){
		"on hold": func(g *gate, closed bool) { g.hold(closed) },
		"torn": func(g *gate, closed bool) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.err = nil
			if closed {
				g.err = errors.New("no space left on device")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := openShop(t, t.TempDir())
				store := through(db)
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				alerts, customers := new(told), new(shop)
				// One without patience, of what is recorded every 30 s.
				more := RuleFile{"more.yaml", []byte("groups: [{name: g, interval: 15s, rules: [{alert: Scored, expr: 'channel:channelwatch_score:5m >= 0'}]}]")}
				e := mustEvaluator(t, Options{Rules: append(bundled(), more), Alerts: alerts.receive})
				running.Go(func() { e.run(ctx, store, func() {}) })
				rounds := feeder{st: store}
				record := func(lasts time.Duration) {
					for end := time.Now().Add(lasts); time.Now().Before(end); sleepUntil(ctx, time.Now().Add(15*time.Second)) {
						rounds.round(ctx, t, time.Now(), customers.samples(time.Now()))
					}
				}
				record(5 * time.Minute)
				customers.breakDown(true)
				record(20 * time.Minute)
				before := alerts.firing()
				if len(before) < 2 {
					t.Fatalf("told of %v, want a touchpoint and a channel at least", before)
				}
				failures := figureOf(e.readings(), "history_rule_evaluation_failures_total")

				change(store, true)
				alerts.forget()
				pass(15 * time.Minute)
				if got := alerts.firing(); !slices.Equal(got, before) {
					t.Errorf("while nothing is recorded, told that these fire: %v, want those of before: %v", got, before)
				}
				if got := len(alerts.of("TouchpointDown")); got < 10 || got > 16 {
					t.Errorf("told %d times in 15 minutes of a touchpoint that is down, want once a minute", got)
				}
				change(store, false)
				record(15 * time.Minute)
				if got := alerts.firing(); !slices.Equal(got, before) {
					t.Errorf("afterwards, told that these fire: %v, want those of before: %v", got, before)
				}
				if ended := alerts.ended(); len(ended) > 0 {
					t.Errorf("told of the end of %v, which go on", ended)
				}
				if got := figureOf(e.readings(), "history_rule_evaluation_failures_total"); got != failures {
					t.Errorf("%v evaluations failed, %v before", got, failures)
				}
				cancel()
				running.Wait()
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestEvaluator_GoesOnWaitingAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := openShop(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		var feeding sync.WaitGroup
		customers := new(shop)
		customers.breakDown(true)
		feeding.Go(func() { feed(ctx, t, db, 15*time.Second, customers.samples) })

		run := func(alerts *told, lasts time.Duration) {
			ctx, cancel := context.WithTimeout(ctx, lasts)
			defer cancel()
			mustEvaluator(t, Options{Rules: bundled(), Alerts: alerts.receive}).run(ctx, through(db), func() {})
		}
		began, before, after := time.Now(), new(told), new(told)
		run(before, 7*time.Minute)
		pass(time.Minute)
		run(after, 7*time.Minute)
		cancel()
		feeding.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}

		if got := before.of("ChannelDegraded"); len(got) > 0 {
			t.Fatalf("a channel that was fair for 7 minutes is told of at %v, want after 10", got[0].at.Sub(began))
		}
		got := after.of("ChannelDegraded")
		if len(got) == 0 {
			t.Fatal("a channel that was fair for 14 minutes of 15 is not told of: the minutes before the restart were forgotten")
		}
		// 10 minutes and the one in which nothing was evaluated; and at most the groups' turns.
		if waited := got[0].at.Sub(began); waited < 11*time.Minute || waited > 13*time.Minute {
			t.Errorf("told after %s, want 11 to 13 minutes", waited)
		}
	})
}

// hastened returns the bundled rules with an interval of a second and without patience.
func hastened() []RuleFile {
	files := bundled()
	for i := range files {
		text := regexp.MustCompile(`(?m)^    interval: .*$`).ReplaceAll(files[i].Content, nil)
		text = regexp.MustCompile(`(?m)^    rules:$`).ReplaceAll(text, []byte("    interval: 1s\n    rules:"))
		files[i].Content = regexp.MustCompile(`(?m)^( +(?:for|keep_firing_for)): .*$`).ReplaceAll(text, []byte("$1: 1s"))
	}
	return files
}

// page is a receiver of an Alertmanager's notifications.
type pager struct {
	mu  sync.Mutex
	all []notification
}

// notification is an alert as an Alertmanager hands it on.
type notification struct {
	Status              string
	Labels, Annotations map[string]string
	GeneratorURL        string
}

func (p *pager) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var message struct{ Alerts []notification }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, message.Alerts...)
}

// last returns the last that was said of the alert that a touchpoint is down.
func (p *pager) last() (last notification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.all {
		if n.Labels["alertname"] == "TouchpointDown" {
			last = n
		}
	}
	return last
}

func (p *pager) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = nil
}

// startAlertmanager starts a real one that tells a pager of everything at once.
func startAlertmanager(t *testing.T, address string, to *httptest.Server) *server {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "alertmanager.yaml")
	text := fmt.Sprintf(`{route: {receiver: pager, group_wait: 0s, group_interval: 1s, group_by: [alertname]},
		receivers: [{name: pager, webhook_configs: [{url: "%s", send_resolved: true}]}]}`, to.URL)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return program{"prometheus-alertmanager", "prometheus-alertmanager"}.serve(t, address, "/-/ready",
		"--config.file="+conf, "--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
}

func TestEvaluator_TellsARealAlertmanagerWhichMayRestart(t *testing.T) {
	leavesNothing(t)
	calls := new(pager)
	receiver := httptest.NewServer(calls)
	defer receiver.Close()
	address := unusedAddress(t)
	manager := startAlertmanager(t, address, receiver)

	db := openShop(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	e := mustEvaluator(t, Options{
		Rules: hastened(), ExternalURL: "http://watch.example:9977/cw",
		ExternalLabels: []metrics.Label{{Name: "location", Value: "berlin"}},
		Alerting: Block{Text: []byte(`
alertmanagers:
  - scheme: http
    timeout: 5s
    api_version: v2
    static_configs:
      - targets: ["alerts.invalid:9093"]
    relabel_configs:
      - {target_label: __address__, replacement: "` + address + `"}
alert_relabel_configs:
  - {target_label: team, replacement: shop}
`)},
	})
	e.resend = time.Second
	customers := new(shop)
	customers.breakDown(true)
	parts.Go(func() { e.run(ctx, through(db), func() {}) })
	parts.Go(func() { feed(ctx, t, db, time.Second, customers.samples) })

	fires := func() string {
		if calls.last().Status != "firing" {
			return fmt.Sprintf("heard %+v", calls.last())
		}
		return ""
	}
	eventually(t, "the alert fires", fires)
	got := calls.last()
	for name, want := range map[string]string{
		"channel": "web", "touchpoint": "home", "severity": "warning", "location": "berlin", "team": "shop",
		"owner_it": "web@example.com", "owner_marketing": "brand@example.com",
	} {
		if got.Labels[name] != want {
			t.Errorf("label %s: got %q, want %q", name, got.Labels[name], want)
		}
	}
	for name, want := range map[string]string{
		"marketing": "The shop is closed.", "it": "Nothing listens.", "owner_it": "web@example.com", "owner_marketing": "brand@example.com",
	} {
		if !strings.Contains(got.Annotations[name], want) {
			t.Errorf("annotation %s: got %q, want %q in it", name, got.Annotations[name], want)
		}
	}
	if want := "http://watch.example:9977/cw/channels/web"; got.GeneratorURL != want {
		t.Errorf("the alert leads to %q, want %q", got.GeneratorURL, want)
	}
	if active := e.Alertmanagers(); len(active) != 1 || active[0].String() != "http://"+address+"/api/v2/alerts" {
		t.Errorf("active Alertmanagers: %v", active)
	}

	manager.stop()
	eventually(t, "alerts are refused", func() string {
		if figureOf(e.readings(), "history_alerts_failed_total") > 0 {
			return ""
		}
		return fmt.Sprint(e.readings())
	})
	calls.forget()
	startAlertmanager(t, address, receiver) // one that knows nothing any more
	eventually(t, "the alert fires after a restart of Alertmanager", fires)

	customers.breakDown(false)
	eventually(t, "the alert ends", func() string {
		if calls.last().Status != "resolved" {
			return fmt.Sprintf("heard %+v", calls.last())
		}
		return ""
	})
	want := map[string]bool{"history_alertmanagers": true, "history_alerts_sent_total": true, "history_alerts_failed_total": true, "history_alerts_dropped_total": true, "history_rule_evaluations_total": true}
	for name := range want {
		if figureOf(e.readings(), name) <= 0 {
			t.Errorf("%s is %v", name, figureOf(e.readings(), name))
		}
	}
	cancel()
	parts.Wait()
	if at, of := len(e.readings()), len(ruleFigures())+len(alertFigures()); at != of {
		t.Errorf("%d readings at rest, want the %d that there are while it runs", at, of)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// figureOf returns the value of a reading, added up over its labels.
func figureOf(all []metrics.Reading, name string) (sum float64) {
	for _, r := range all {
		if r.Name == name {
			sum += r.Value
		}
	}
	return sum
}

// leavesNothing fails a test after which something runs that did not before.
func leavesNothing(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}
