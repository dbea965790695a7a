package kinds_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestAll_HasEveryFolder(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(filepath.Join("..", "probe"))
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, entry := range entries {
		// A folder that is named like what it tests is for tests, as net/http/httptest is.
		if entry.IsDir() && !strings.HasSuffix(entry.Name(), "test") && entry.Name() != "testdata" {
			folders = append(folders, entry.Name())
		}
	}
	var names []string
	for _, kind := range kinds.All() {
		names = append(names, kind.Name)
	}
	if !slices.IsSorted(names) {
		t.Errorf("got %v, want them by name", names)
	}
	if diff := cmp.Diff(folders, names); diff != "" {
		t.Errorf("folders of internal/probe that All lacks (-), kinds without folder (+):\n%s", diff)
	}
}

func TestAll_AgreeOnOneCatalogue(t *testing.T) {
	t.Parallel()
	if _, err := probe.NewCatalogue(kinds.All()); err != nil {
		t.Error(err)
	}
}
