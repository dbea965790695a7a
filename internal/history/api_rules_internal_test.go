//go:build !nohistory

package history

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// aRuleFile has a rule of each kind, in two groups. Poor fires, Broken cannot be evaluated.
const aRuleFile = `
groups:
  - name: records
    interval: 30s
    rules:
      - record: channel:score
        expr: max by (channel) (score)
      - record: channel:score_twice
        expr: max by (channel) (score) * 2
        labels: {kind: twice}
  - name: alerts
    limit: 7
    rules:
      - alert: Poor
        expr: score < 50
        for: 1m
        keep_firing_for: 5m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.channel }} is poor"}
      - alert: Broken
        expr: score * on () group_left () {job="x"}
`

// aRuler has evaluated rules at the epoch and one and two minutes later.
type aRuler []*rules.Group

func (r aRuler) RuleGroups() []*rules.Group { return r }

func (r aRuler) AlertingRules() (all []*rules.AlertingRule) {
	for _, group := range r {
		all = append(all, group.AlertingRules()...)
	}
	return all
}

func (aRuler) Alertmanagers() []*url.URL {
	return []*url.URL{{Scheme: "http", Host: "127.0.0.1:9093", Path: "/api/v2/alerts", User: url.UserPassword("me", "secret")}}
}

func (aRuler) DroppedAlertmanagers() []*url.URL {
	return []*url.URL{{Scheme: "http", Host: "gone:9093"}}
}

func newRuler(t *testing.T) ruleSource {
	t.Helper()
	st := promqltest.LoadedStorage(t, `
load 1m
  score{channel="shop",job="x"} 10x4
  score{channel="mail",job="x"} 90x4
`)
	engine := newEngine(slog.New(slog.DiscardHandler))
	manager := rules.NewManager(&rules.ManagerOptions{
		ExternalURL: &url.URL{}, QueryFunc: rules.EngineQueryFunc(engine, st), Context: t.Context(), Appendable: st, Queryable: st,
		NotifyFunc: func(_ context.Context, _ string, _ ...*rules.Alert) {}, Logger: slog.New(slog.DiscardHandler),
	})
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(aRuleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, errs := manager.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	ruler := aRuler{loaded[rules.GroupKey(file, "alerts")], loaded[rules.GroupKey(file, "records")]}
	for minute := range 3 {
		for _, group := range ruler {
			group.Eval(t.Context(), time.Unix(int64(minute)*60, 0))
		}
	}
	return ruler
}

func TestAPI_Rules(t *testing.T) {
	t.Parallel()
	a := newTestAPI(loaded(t, ""))
	ruler := newRuler(t)
	a.ruler = func() ruleSource { return ruler }
	server := serveAPI(t, a)

	const (
		times   = `"evaluationTime":0,"lastEvaluation":"now"`
		never   = `"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"`
		record1 = `{"name":"channel:score","query":"max by (channel) (score)","labels":{},"health":"ok",` + times + `,"type":"recording"}`
		record2 = `{"name":"channel:score_twice","query":"max by (channel) (score) * 2","labels":{"kind":"twice"},"health":"ok",` + times + `,"type":"recording"}`
		records = `{"name":"records","file":"F","rules":[` + record1 + `,` + record2 + `],"interval":30,"limit":0,` + never + `}`
		active  = `{"labels":{"alertname":"Poor","channel":"shop","job":"x","severity":"page"},"annotations":{"summary":"shop is poor"},` +
			`"state":"firing","activeAt":"1970-01-01T00:00:00Z","value":"1e+01"}`
		poor = `{"state":"firing","name":"Poor","query":"score < 50","duration":60,"keepFiringFor":300,"labels":{"severity":"page"},` +
			`"annotations":{"summary":"{{ $labels.channel }} is poor"},"alerts":[` + active + `],"health":"ok",` + times + `,"type":"alerting"}`
		broken = `{"state":"inactive","name":"Broken","query":"score * on () group_left () {job=\"x\"}","duration":0,"keepFiringFor":0,"labels":{},` +
			`"annotations":{},"alerts":[],"health":"err","lastError":"E",` + times + `,"type":"alerting"}`
		alerts = `{"name":"alerts","file":"F","rules":[` + poor + `,` + broken + `],"interval":60,"limit":7,` + never + `}`
	)
	group := func(name, rules, interval, limit string) string {
		return `{"name":"` + name + `","file":"F","rules":[` + rules + `],"interval":` + interval + `,"limit":` + limit + `,` + never + `}`
	}
	for _, test := range []struct{ name, target, want string }{
		{"all", "/api/v1/rules", `{"groups":[` + alerts + `,` + records + `]}`},
		{"that alert", "/api/v1/rules?type=alert", `{"groups":[` + alerts + `]}`},
		{"that record", "/api/v1/rules?type=record", `{"groups":[` + records + `]}`},
		{"of a name", "/api/v1/rules?rule_name[]=channel:score", `{"groups":[` + group("records", record1, "30", "0") + `]}`},
		{"of a group", "/api/v1/rules?rule_group[]=records", `{"groups":[` + records + `]}`},
		{"of another file", "/api/v1/rules?file[]=other", `{"groups":[]}`},
		{"with labels", "/api/v1/rules?match[]=%7Bkind%3D%22twice%22%7D", `{"groups":[` + group("records", record2, "30", "0") + `]}`},
		{
			"without active alerts", "/api/v1/rules?rule_name[]=Poor&exclude_alerts=true",
			`{"groups":[` + group("alerts", regexp.MustCompile(`"alerts":\[.*\]`).ReplaceAllString(poor, `"alerts":null`), "60", "7") + `]}`,
		},
		{"alerts", "/api/v1/alerts", `{"alerts":[` + active + `]}`},
		{
			"Alertmanagers, without their passwords", "/api/v1/alertmanagers",
			`{"activeAlertmanagers":[{"url":"http://me:xxxxx@127.0.0.1:9093/api/v2/alerts"}],"droppedAlertmanagers":[{"url":"http://gone:9093"}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, server, test.target, nil)
			if diff := cmp.Diff(`{"status":"success","data":`+test.want+`}`, settled(got.body)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// settled replaces in an answer what differs from run to run.
func settled(text string) string {
	for pattern, by := range map[string]string{
		`"evaluationTime":[0-9.e-]+`:       `"evaluationTime":0`,
		`"lastEvaluation":"20[^"]*"`:       `"lastEvaluation":"now"`,
		`"file":"[^"]*"`:                   `"file":"F"`,
		`"lastError":"found .*? one side"`: `"lastError":"E"`,
		`\\u003c`:                          "<",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, by)
	}
	return text
}
