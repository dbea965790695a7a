package agent_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// visits is a kind whose probes wait in a line of their own and take a second each.
type visits struct{ inside, most, done atomic.Int64 }

type visitsConfig struct {
	Takes time.Duration `yaml:"takes" min:"1s" max:"1h"`
}

func (v *visits) kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name: "visit", Summary: "A visit.", Line: true, Every: time.Second, Timeout: time.Second,
		State: func() []probe.Reading {
			return []probe.Reading{
				{Metric: "visitor_visits_total", Help: "Visits.", Type: probe.Counter, Value: float64(v.done.Load())},
				{Metric: "visitor_info", Help: "Who visits.", Labels: []probe.ReadingLabel{{Name: "visitor", Value: "me"}}, Value: 1},
			}
		},
	}, func(probe.ChannelType) visitsConfig { return visitsConfig{Takes: time.Second} },
		func(c visitsConfig, _ probe.Setup) (probe.Built, error) {
			return probe.Built{Prober: v, Profile: probe.Profile{Takes: c.Takes}}, nil
		})
}

func (v *visits) Probe(ctx context.Context) (probe.Result, error) {
	v.most.Store(max(v.most.Load(), v.inside.Add(1))) // enough to see two that overlap
	defer v.inside.Add(-1)
	defer v.done.Add(1)
	pause(ctx)
	return probe.Result{Duration: time.Millisecond}, nil
}

const visiting = `
agent: {listen: "127.0.0.1:0", location: here}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
browser: {concurrency: BROWSERS}
channels:
  - name: web
    type: desktop_web
    touchpoints:
      - {name: a, kind: visit, every: EVERY, with: {}}
      - {name: b, kind: visit, every: EVERY, with: {}}
      - {name: c, kind: visit, every: EVERY, with: {takes: 2s}}
`

func visitingWith(browsers, every string) string {
	return strings.NewReplacer("BROWSERS", browsers, "EVERY", every).Replace(visiting)
}

func TestAgent_RunsALineOneByOne(t *testing.T) {
	v := new(visits)
	r := startWith(t, []probe.Kind{v.kind()}, strings.Replace(visitingWith("1", "6s"), "concurrency: 1", "concurrency: 1, sandbox: false", 1))
	r.eventually("every touchpoint to be visited", func() bool { return v.done.Load() >= 3 })
	r.eventually("what the kind tells of itself", func() bool {
		return number(t, r.series("visitor_visits_total")) >= 3 && r.series("visitor_info", `visitor="me"`) == "1"
	})
	if n := strings.Count(r.log.String(), "browsers run without a sandbox"); n != 1 {
		t.Errorf("said %d times that there is no sandbox, want once:\n%s", n, r.log)
	}
	if most := v.most.Load(); most != 1 {
		t.Errorf("%d visits at once, want 1", most)
	}
}

func TestChecks_LineIsFull(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"room for all", visitingWith("1", "6s"), ""},
		{
			"too often", visitingWith("1", "5s"),
			"browser: touchpoints of the kind visit take 80 % of the time of browser.concurrency 1, want at most 70 %: " +
				"probe less often, with fewer runs or with more concurrency",
		},
		{"more at once", visitingWith("2", "5s"), ""},
		{"another agent probes them", visitingWith("1", "5s") + "shard: {name: x, peers: [x, " + otherPeers + "]}\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &loaded{path: t.TempDir() + "/channelwatch.yaml"}
			l.write(t, tt.yaml)
			cfg, err := config.Load(l.path, []probe.Kind{new(visits).kind()}, agent.Checks()...)
			if err == nil {
				cfg.Close()
			}
			if got := textOf(err); !strings.HasSuffix(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// otherPeers are so many that the only channel is that of one of them.
const otherPeers = "a, b, c, d, e, f, g, h"

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
