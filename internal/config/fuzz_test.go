package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
)

// FuzzParse feeds the loader with anything: it never panics, names the file in every mistake, and stays bounded.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/invalid-*.yaml", configs + "/*.yaml", configs + "/examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("got no seeds by %s (%v)", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("fuzz.yaml", data, testKinds())
		if err == nil {
			c.View()
			c.Close()
			return
		}
		all, ok := errors.AsType[config.Errors](err)
		if !ok || len(all) == 0 || len(all) > 201 {
			t.Fatalf("got %T with %d mistakes, want 1 to 201 config.Errors", err, len(all))
		}
		for _, one := range all {
			if !strings.HasPrefix(one.Error(), "fuzz.yaml:") {
				t.Errorf("%q does not begin with the file", one)
			}
		}
	})
}
