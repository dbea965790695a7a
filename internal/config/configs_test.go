package config_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"

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

// TestConfigs_Kubernetes reads the configurations in the manifest's config maps.
func TestConfigs_Kubernetes(t *testing.T) {
	in := yaml.NewDecoder(bytes.NewReader(read(t, configs+"/kubernetes/channelwatch.yaml")))
	found := 0
	for {
		var manifest struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
		err := in.Decode(&manifest)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, ok := manifest.Data["channelwatch.yaml"]
		if !ok {
			continue
		}
		found++
		c, err := config.Parse(manifest.Metadata.Name, []byte(text), kinds.All())
		if err != nil {
			t.Error(err)
			continue
		}
		c.Close()
	}
	if found == 0 {
		t.Error("got no configuration in the manifest")
	}
}

// TestReference keeps the generated file in step with the structs and the samples of the kinds.
func TestReference(t *testing.T) {
	golden(t, configs+"/reference.yaml", config.Reference(kinds.All()))
}
