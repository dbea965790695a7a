package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	seriesName = regexp.MustCompile(`[\w:]*channelwatch_[\w:]+`)
	recorded   = regexp.MustCompile(`(?m)^ +- record: (\S+)$`)
	exported   = regexp.MustCompile("(?m)^\\| `(channelwatch_\\w+)` \\|")
	parts      = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// TestRules_ReadWhatExists looks for an alert that can never fire, or a rule that records nothing, because of a name.
func TestRules_ReadWhatExists(t *testing.T) {
	names := make(map[string]bool)
	for path, name := range map[string]*regexp.Regexp{
		"../../configs/prometheus/channelwatch.rules.yaml": recorded,
		"reference/metrics.md":                             exported,
	} {
		found := name.FindAllStringSubmatch(read(t, path), -1)
		if len(found) == 0 {
			t.Fatalf("%s names no series", path)
		}
		for _, match := range found {
			names[match[1]] = true
		}
	}
	files, err := filepath.Glob("../../configs/prometheus/channelwatch.*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("rule files %q (%v), want three", files, err)
	}
	for _, file := range files {
		for _, name := range seriesName.FindAllString(read(t, file), -1) {
			if !names[name] && !names[parts.ReplaceAllString(name, "")] {
				t.Errorf("%s: nothing exports or records %s", filepath.Base(file), name)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
