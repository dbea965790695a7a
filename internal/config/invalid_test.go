package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update and read what it wrote", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code makes (-file +code); run the test with -update and read the difference:\n%s", file, diff)
	}
}

// TestLoad_Invalid compares every message about every mistake in testdata with the file beside it.
func TestLoad_Invalid(t *testing.T) {
	t.Chdir("testdata")
	files, err := filepath.Glob("invalid-*.yaml")
	if err != nil || len(files) < 45 {
		t.Fatalf("got %d fixtures (%v), want at least 45", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		t.Run(strings.TrimPrefix(name, "invalid-"), func(t *testing.T) {
			c, err := config.Load(file, testKinds())
			if err == nil {
				t.Fatalf("got %d channels, want a mistake", len(c.Channels))
			}
			if _, ok := errors.AsType[config.Errors](err); !ok {
				t.Errorf("got %T, want config.Errors", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message shows a secret: %v", err)
			}
			golden(t, name+".err", []byte(err.Error()+"\n"))
		})
	}
}
