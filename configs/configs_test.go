package configs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/configs"
)

// fleet holds the alerts that no agent can judge by itself.
const fleet = "prometheus/channelwatch.fleet.alerts.yaml"

func TestRules_AreTheShippedFiles(t *testing.T) {
	want, err := filepath.Glob("prometheus/channelwatch.*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return name == fleet })
	files := configs.Rules()
	if len(files) != len(want) {
		t.Fatalf("%d files are embedded, want %d: %v", len(files), len(want), want)
	}
	for _, file := range files {
		shipped, err := os.ReadFile(filepath.Join("prometheus", file.Name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(file.Content, shipped) {
			t.Errorf("%s is not what is shipped", file.Name)
		}
	}
}

// group is a group of rules in the form of Prometheus.
type group struct {
	Name  string
	Rules []map[string]any
}

func groupsOf(t *testing.T, name string, content []byte) []group {
	t.Helper()
	var parsed struct{ Groups []group }
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(parsed.Groups) == 0 {
		t.Fatalf("%s holds no group", name)
	}
	return parsed.Groups
}

func TestRules_HoldRecordsThenAlerts(t *testing.T) {
	groups := make(map[string]string)
	for i, kind := range []string{"record", "alert"} {
		file := configs.Rules()[i]
		for _, group := range groupsOf(t, file.Name, file.Content) {
			if other, taken := groups[group.Name]; taken {
				t.Errorf("group %s is in %s and in %s", group.Name, other, file.Name)
			}
			groups[group.Name] = file.Name
			for j, rule := range group.Rules {
				if rule[kind] == nil || rule["expr"] == nil {
					t.Errorf("%s: rule %d of group %s is no %s", file.Name, j, group.Name, kind)
				}
			}
		}
	}
}

// TestRules_LeaveOutWhatOneAgentCannotJudge compares names: an alert that is in both files is one that agents tell of.
func TestRules_LeaveOutWhatOneAgentCannotJudge(t *testing.T) {
	content, err := os.ReadFile(fleet)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[any]bool)
	for _, file := range configs.Rules() {
		for _, group := range groupsOf(t, file.Name, file.Content) {
			names[group.Name] = true
			for _, rule := range group.Rules {
				names[rule["alert"]] = true
			}
		}
	}
	for _, group := range groupsOf(t, fleet, content) {
		if names[group.Name] {
			t.Errorf("agents evaluate a group %s, too", group.Name)
		}
		for _, rule := range group.Rules {
			if rule["alert"] == nil || names[rule["alert"]] {
				t.Errorf("agents evaluate %v, too, or it is no alert", rule["alert"])
			}
		}
	}
}

func TestRules_GivesEachCallerItsOwn(t *testing.T) {
	configs.Rules()[0].Content[0] = '!'
	if configs.Rules()[0].Content[0] == '!' {
		t.Error("a caller's change is seen by the next caller")
	}
}
