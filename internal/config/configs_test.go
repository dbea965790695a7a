package config_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

const configs = "../../configs"

// shipped returns the configurations that ship with the program and that an agent can be started with.
func shipped(t *testing.T) []string {
	t.Helper()
	own := []string{configs + "/channelwatch.yaml", configs + "/reference.yaml"}
	err := filepath.WalkDir(configs+"/examples", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" && filepath.Base(filepath.Dir(path)) != "channels" {
			own = append(own, path)
		}
		return err
	})
	if err != nil || len(own) < 4 {
		t.Fatalf("got %q, %v, want at least 4 configurations", own, err)
	}
	return own
}

func TestConfigs_Load(t *testing.T) {
	for _, file := range shipped(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := config.Load(file, kinds.All())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if len(c.Touchpoints()) == 0 {
				t.Error("got no touchpoints")
			}
		})
	}
}

// TestReference keeps the generated file in step with the structs and the samples of the kinds.
func TestReference(t *testing.T) {
	golden(t, configs+"/reference.yaml", config.Reference(kinds.All()))
}
