package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
)

const committed = "../../../dashboards"

func TestPages_EqualCommittedFiles(t *testing.T) {
	var want []string
	for _, p := range pages() {
		want = append(want, p.file())
		content, err := p.render()
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(filepath.Join(committed, p.file()))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(content, file) {
			t.Errorf("%s is not what the generator makes: cd internal/tools && go run ./dashboards", p.file())
		}
		again, err := p.render()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(content, again) {
			t.Errorf("%s: two renderings differ", p.file())
		}
	}
	files, err := filepath.Glob(filepath.Join(committed, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains(want, filepath.Base(file)) {
			t.Errorf("%s: no page makes it", file)
		}
	}
}

func TestPages_DecodeStrictly(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, p := range pages() {
		content, err := p.render()
		if err != nil {
			t.Fatal(err)
		}
		var decoded classic
		// The decoder's error is never nil: without mistakes it is an empty list.
		if err := decoded.UnmarshalJSONStrict(content); err != nil && err.Error() != "" {
			t.Errorf("%s: %v", p.uid, err)
		}
		if decoded.SchemaVersion != 42 {
			t.Errorf("%s: schema version %d, want 42: newer models are not read by Grafana 10", p.uid, decoded.SchemaVersion)
		}
	}
}

func TestWrite_WritesAllPages(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages()) {
		t.Errorf("%d files, want %d", len(files), len(pages()))
	}
}
