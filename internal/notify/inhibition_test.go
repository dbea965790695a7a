package notify_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/notify"
)

// TestInhibitions_AreThoseOfAlertmanager keeps both ways of telling people the same.
func TestInhibitions_AreThoseOfAlertmanager(t *testing.T) {
	data, err := os.ReadFile("../../configs/alertmanager/alertmanager.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var conf struct {
		Rules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string `yaml:"equal"`
		} `yaml:"inhibit_rules"`
	}
	if err := yaml.Unmarshal(data, &conf); err != nil {
		t.Fatal(err)
	}
	matcher := regexp.MustCompile(`^alertname *=~? *"?([\w|]+)"?$`)
	alerts := func(matchers []string) []string {
		if len(matchers) != 1 || !matcher.MatchString(matchers[0]) {
			t.Fatalf("matchers %q, want one of alertname", matchers)
		}
		return strings.Split(matcher.FindStringSubmatch(matchers[0])[1], "|")
	}
	var wantSources []string
	var wantTargets, wantEqual [][]string
	for _, rule := range conf.Rules {
		wantSources = append(wantSources, alerts(rule.Source)...)
		wantTargets = append(wantTargets, alerts(rule.Target))
		wantEqual = append(wantEqual, rule.Equal)
	}
	sources, targets, equal := notify.InhibitionTable()
	if diff := cmp.Diff([]any{wantSources, wantTargets, wantEqual}, []any{sources, targets, equal}); diff != "" {
		t.Errorf("inhibitions of configs/alertmanager/alertmanager.yaml and those here (-want +got):\n%s", diff)
	}
}

// TestAlertmanager_TellsNobodyForTheRecord keeps what anybody can forge from people, as the notifier does.
func TestAlertmanager_TellsNobodyForTheRecord(t *testing.T) {
	data, err := os.ReadFile("../../configs/alertmanager/alertmanager.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type route struct {
		Receiver string
		Matchers []string
		Continue bool
	}
	var conf struct {
		Route struct {
			Receiver string
			Routes   []route
		}
		Receivers []map[string]any
	}
	if err := yaml.Unmarshal(data, &conf); err != nil {
		t.Fatal(err)
	}
	want := route{Receiver: "nobody", Matchers: []string{"severity = info"}}
	if len(conf.Route.Routes) == 0 || !cmp.Equal(conf.Route.Routes[0], want) || conf.Route.Receiver == want.Receiver {
		t.Errorf("routes %+v, want %+v to come first", conf.Route.Routes, want)
	}
	found := false
	for _, receiver := range conf.Receivers {
		if receiver["name"] == want.Receiver {
			found = len(receiver) == 1
		}
	}
	if !found {
		t.Errorf("receivers %v, want one %q that has no address", conf.Receivers, want.Receiver)
	}
}
