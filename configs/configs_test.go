package configs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/configs"
)

func TestRules_AreTheShippedFiles(t *testing.T) {
	want, err := filepath.Glob("prometheus/channelwatch.*.yaml")
	if err != nil {
		t.Fatal(err)
	}
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

func TestRules_HoldRecordsThenAlerts(t *testing.T) {
	groups := make(map[string]string)
	for i, kind := range []string{"record", "alert"} {
		file := configs.Rules()[i]
		var parsed struct {
			Groups []struct {
				Name  string
				Rules []map[string]any
			}
		}
		if err := yaml.Unmarshal(file.Content, &parsed); err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if len(parsed.Groups) == 0 {
			t.Errorf("%s holds no group", file.Name)
		}
		for _, group := range parsed.Groups {
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

func TestRules_GivesEachCallerItsOwn(t *testing.T) {
	configs.Rules()[0].Content[0] = '!'
	if configs.Rules()[0].Content[0] == '!' {
		t.Error("a caller's change is seen by the next caller")
	}
}
