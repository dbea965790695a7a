package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func compile(t *testing.T, kinds []probe.Kind) *jsonschema.Schema {
	t.Helper()
	data, err := config.Schema(kinds)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// document reads YAML as an editor does: as the JSON that it stands for.
func document(t *testing.T, data []byte) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return asJSON(doc)
}

func asJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = asJSON(v[key])
		}
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	case time.Time:
		return v.Format(time.DateOnly)
	}
	return v
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSchema_ShippedConfigsAreValid(t *testing.T) {
	schema := compile(t, kinds.All())
	for _, file := range shipped(t) {
		if err := schema.Validate(document(t, read(t, file))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchema_Invalid checks that an editor marks the mistakes that it can know of.
func TestSchema_Invalid(t *testing.T) {
	// What stands between two places, depends on a value elsewhere, or is judged by a kind, is left to Load.
	beyond := []string{
		"bound-duration", "channel-double", "channel-without-touchpoints", "duration-long", "every-floor", "include-agent", "include-broken",
		"include-double", "include-missing", "limits-equal", "limits-order", "limits-order-default", "objective-window", "raw-alias", "regex", "regex-with",
		"secret-env-unset", "secret-file-missing", "serves", "settings-replicas", "settings-together", "settings-twice-told", "size-large", "timeout-over-every", "touchpoint-double", "type-number-overflow",
	}
	// What is no document at all is for the YAML parser of the editor.
	notYAML := []string{
		"alias-bomb", "alias-self", "alias-unknown", "control-character", "deep", "key-double", "key-double-with", "key-list", "merge-word",
		"not-yaml", "not-yaml-quote", "tab", "two-documents", "utf8",
	}
	skip := make(map[string]bool)
	for _, name := range append(beyond, notYAML...) {
		skip[name] = true
	}
	schema := compile(t, testKinds())
	files, err := filepath.Glob("testdata/invalid-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "invalid-"), ".yaml")
		if skip[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if err := schema.Validate(document(t, read(t, file))); err == nil {
				t.Error("the schema takes it, want a mistake")
			}
		})
	}
}

func TestSchema_DescribesEverything(t *testing.T) {
	data, err := config.Schema(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"$schema": "https://json-schema.org/draft/2020-12/schema"`,
		`"default": "16MiB"`,
		`"default": "127.0.0.1:9977"`,
		`"minimum": 0.01`,
		`"$ref": "#/$defs/with_page"`,
	} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the schema lacks %s", want)
		}
	}
}

// TestEnums keeps lists that tags repeat in step with their homes.
func TestEnums(t *testing.T) {
	schema, err := config.Schema(testKinds())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Defs map[string]struct {
			Properties map[string]struct{ Enum []string } `yaml:"properties"`
		} `yaml:"$defs"`
	}
	if err := yaml.Unmarshal(schema, &doc); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, typ := range probe.ChannelTypes() {
		types = append(types, string(typ))
	}
	equal(t, "channel types", doc.Defs["channel"].Properties["type"].Enum, types)
	equal(t, "tiers", doc.Defs["touchpoint"].Properties["tier"].Enum, []string{string(probe.Critical), string(probe.Standard)})
}
