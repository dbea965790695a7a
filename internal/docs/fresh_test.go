package docs_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/docs"
)

var update = flag.Bool("update", false, "write the generated files")

// fresh compares a committed file with what the generator makes of today's sources.
func fresh(t *testing.T, path string, want []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is stale, run `go generate ./internal/docs` (-want +got):\n%s", path, diff)
	}
}

func TestRules_Fresh(t *testing.T) {
	rules, err := docs.Rules()
	fresh(t, "../../configs/prometheus/channelwatch.rules.yaml", rules, err)
}

func TestReference_Fresh(t *testing.T) {
	for path, generate := range map[string]func() ([]byte, error){
		"reference/metrics.md": docs.Metrics,
		"reference/checks.md":  docs.Checks,
		"reference/kinds.md":   docs.Kinds,
	} {
		text, err := generate()
		fresh(t, path, text, err)
	}
}
