package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/configs"
	"github.com/channelwatch/channelwatch/internal/history"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/notify"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

// desk is what an agent has beyond its probes: metrics, history with the shipped rules, and notifier. The test makes up
// the results, as many as it takes to turn a score over at once, so that nobody waits for a window to pass.
type desk struct {
	t         *testing.T
	dir       string
	alerting  string // block of the configuration
	post      *post
	catalogue *probe.Catalogue
	channels  []*probe.Channel
	log       *logs

	metrics  *metrics.Metrics
	store    *history.Store
	notifier *notify.Notifier
	stop     func()
}

// openDesk runs a desk for channels of one touchpoint each, until the test ends.
func openDesk(t *testing.T, alertmanager *client, post *post, channels []string) *desk {
	t.Helper()
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{
		t: t, dir: t.TempDir(), post: post, catalogue: catalogue, log: &logs{},
		alerting: "alertmanagers: [{static_configs: [{targets: [" + alertmanager.address() + "]}]}]",
	}
	for _, name := range channels {
		d.channels = append(d.channels, &probe.Channel{
			Name: name, Title: "Shop " + name, Type: probe.Custom, OwnerIT: "it@shop.example", OwnerMkt: "marketing@shop.example",
			Touchpoints: []*probe.Touchpoint{{
				Channel: name, Name: "start", Title: "Start", Kind: "api", Every: 30 * time.Second, Timeout: time.Second,
				Recheck: 5 * time.Second, Tier: probe.Critical, Weight: 1,
				Built: probe.Built{Profile: probe.Profile{Target: "shop.example:443"}},
			}},
		})
	}
	d.run()
	t.Cleanup(func() {
		d.stop()
		if t.Failed() {
			t.Logf("log of the desk:\n%s", tail(d.log.String()))
		}
	})
	return d
}

// alertGroup is the head of a group in the file of alerts, which name no interval: the configuration of Prometheus does.
var alertGroup = regexp.MustCompile(`(?m)^( +- )(name: channelwatch-\S+)$`)

// rules returns the shipped rules with short times.
func (d *desk) rules() []history.RuleFile {
	d.t.Helper()
	var files []history.RuleFile
	for _, file := range configs.Rules() {
		text := hastened(d.t, "prometheus/"+file.Name)
		if file.Name == "channelwatch.alerts.yaml" {
			text = alertGroup.ReplaceAllString(text, "${1}interval: 1500ms\n    ${2}")
		}
		files = append(files, history.RuleFile{Name: file.Name, Content: []byte(text)})
	}
	return files
}

// run starts everything anew over what the last run left on disk, as an agent does.
func (d *desk) run() {
	d.t.Helper()
	log := slog.New(slog.NewTextHandler(d.log, nil))
	d.metrics = metrics.New(metrics.Options{Catalogue: d.catalogue, Version: "test", Location: "berlin", Log: log})
	d.metrics.Apply(d.channels, nil)
	d.metrics.Reloaded(true, time.Now(), "")
	var err error
	d.notifier, err = notify.New(notify.Options{
		Config: notify.Config{
			GroupWait: time.Second, Hold: 2 * time.Second,
			Email:    &notify.Email{Smarthost: d.post.smarthost, From: "channelwatch@shop.example", Owners: true, TLS: notify.TLSNone},
			Webhooks: []notify.Webhook{{URL: probe.Secret{File: writeFile(d.t, filepath.Join(d.dir, "hook"), d.post.hook)}}},
		},
		File: filepath.Join(d.dir, "notify.json"), Location: "berlin", Version: "test", Log: log,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.store, err = history.Open(history.Options{
		Dir: filepath.Join(d.dir, "tsdb"), Every: time.Second, Retention: time.Hour,
		Collect: func(visit metrics.Visitor) {
			if err := d.metrics.Walk(visit, false); err != nil {
				d.t.Errorf("collecting: %v", err)
			}
		},
		Labels:         []metrics.Label{{Name: "instance", Value: "berlin"}, {Name: "job", Value: "channelwatch"}},
		Rules:          d.rules(),
		Alerting:       history.Block{Text: []byte(d.alerting)},
		ExternalLabels: []metrics.Label{{Name: "location", Value: "berlin"}},
		Alerts: func(alerts []history.Alert) {
			told := make([]notify.Alert, len(alerts))
			for i, a := range alerts {
				told[i] = notify.Alert(a)
			}
			d.notifier.Alerts(told)
		},
		Log: log,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	stopNotifier := d.start(d.notifier.Run)
	stopStore := d.start(d.store.Run)
	d.stop = func() { stopStore(); stopNotifier() }
}

// start runs a part until the function that it returns is called.
func (d *desk) start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Errorf("stopping a part: %v", err)
		}
	})
}

// results makes up results of a channel's touchpoint: excellent ones, or such that end with a reason.
func (d *desk) results(channel string, n int, reason probe.Reason) {
	d.t.Helper()
	at := slices.IndexFunc(d.channels, func(c *probe.Channel) bool { return c.Name == channel })
	if at < 0 {
		d.t.Fatalf("there is no channel %q", channel)
	}
	tp := d.channels[at].Touchpoints[0]
	result := &probe.Result{Start: time.Now(), Duration: 20 * time.Millisecond, Reason: reason}
	verdict := quality.Rate(d.catalogue, tp.Limits, result)
	for range n {
		d.metrics.Record(tp, result, verdict)
	}
}

// rechecked makes up the second look at the last result.
func (d *desk) rechecked(channel string, confirmed bool) {
	for _, c := range d.channels {
		if c.Name == channel {
			d.metrics.Rechecked(c.Touchpoints[0], confirmed)
		}
	}
}

// values evaluates an expression now and returns its values by channel.
func (d *desk) values(expr string) map[string]float64 {
	all := make(map[string]float64)
	answer, err := d.store.Query(d.t.Context(), expr, time.Now())
	if err != nil {
		return all // it is not open yet
	}
	for _, s := range answer {
		all[s.Labels["channel"]] = s.Points[len(s.Points)-1].Value
	}
	return all
}

// waitForScores waits until the channels have scores between two bounds.
func (d *desk) waitForScores(channels []string, least, most float64) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("scores from %v to %v", least, most), func() string {
		scores := d.values("channel:channelwatch_score:5m")
		for _, channel := range channels {
			if score, ok := scores[channel]; !ok || score < least || score > most {
				return fmt.Sprintf("%s has %v (present %v); all: %v", channel, score, ok, slices.Sorted(maps.Keys(scores)))
			}
		}
		return ""
	})
}
