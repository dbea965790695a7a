package pictures_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/pictures"
)

// leave fills a store with a good result (1, 2) and failures (3; 4; 5) of one touchpoint, and closes it.
func leave(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1, 2))
	for n := 3; n <= 5; n++ {
		store.Keep("web/home", true, evidence(n))
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_KnowsWhatWasKept(t *testing.T) {
	dir := leave(t)
	store, log := open(t, dir, 1<<20)
	want(t, store, dir, 1, 2, 3, 4, 5)
	store.Keep("web/home", true, evidence(6))
	store.Keep("web/home", false, evidence(7))
	want(t, store, dir, 4, 5, 6, 7)
	if log.count("\n") != 0 {
		t.Errorf("the log has lines, want none:\n%s", log.text.String())
	}
}

func TestOpen_HoldsALowerBound(t *testing.T) {
	dir := leave(t)
	store, _ := open(t, dir, 2<<10)
	want(t, store, dir, 4, 5)
	store.Keep("web/home", true, evidence(6)) // younger than all of before
	want(t, store, dir, 5, 6)
	store.Keep("web/cart", true, evidence(7))
	want(t, store, dir, 6, 7)
}

func TestOpen_AResultWithoutItsFilesTakesNoPlace(t *testing.T) {
	dir := leave(t)
	remove(t, filepath.Join(dir, id(picture(5))+".png"))
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", true, evidence(6))
	want(t, store, dir, 1, 2, 3, 4, 6)
}

func TestStore_TheIndexForgetsTouchpoints(t *testing.T) {
	dir := leave(t)
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/cart", true, evidence(6))
	store.Drop("web/home")
	index := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := index(); strings.Contains(text, "web/home") || !strings.Contains(text, "web/cart") {
		t.Errorf("the index knows web/home that is gone, or not web/cart: %s", text)
	}
	store.Drop("web/cart")
	if got, want := index(), `{"version":1,"touchpoints":{}}`; got != want {
		t.Errorf("the index is %s, want %s", got, want)
	}
}

func TestOpen_TakesWhatTheDirectoryHolds(t *testing.T) {
	png := func(n int) string { return id(picture(n)) + ".png" }
	one := func(id, size string) string { return `{"id":"` + id + `","media":"image/png","bytes":` + size + `}` }
	good := func(sets string) string { return `{"version":1,"touchpoints":{"a/b":{"good":[` + sets + `]}}}` }
	const index = "index.json"
	all := []int{1, 2, 3, 4, 5}
	tests := map[string]struct {
		file string
		text string // that it holds now; empty: it is gone
		want []int
		log  string // a part of the only line; empty for no line
	}{
		"a picture is gone":              {png(4), "", []int{1, 2, 3, 5}, ""},
		"half a result is gone":          {png(1), "", []int{2, 3, 4, 5}, ""},
		"a picture was cut off":          {png(4), "half", []int{1, 2, 3, 5}, ""},
		"nobody holds a picture":         {png(9), string(picture(9)), all, ""},
		"a picture was half written":     {png(9) + ".new", "half", all, ""},
		"under another type too":         {id(picture(4)) + ".jpg", "x", all, ""},
		"an index was half written":      {index + ".new", `{"ver`, all, ""},
		"the index is gone":              {index, "", nil, ""},
		"the index is cut off":           {index, `{"version":1,"touch`, nil, "kept_as=index.json.damaged"},
		"the index is of another time":   {index, `{"version":2}`, nil, "version 2, want 1"},
		"the index names a path":         {index, good(`{"pictures":[` + one("../../etc/passwd", "9") + `]}`), nil, "is none, or there twice"},
		"the index names a picture of 0": {index, good(`{"pictures":[` + one(id(nil), "0") + `]}`), nil, "is none, or there twice"},
		"the index names a picture twice": {
			index, good(`{"pictures":[` + one(id(picture(4)), "1024") + "," + one(id(picture(4)), "1024") + `]}`), nil, "is none, or there twice",
		},
		"the index has no touchpoint":      {index, `{"version":1,"touchpoints":{"a/b":null}}`, nil, `nothing is held of \"a/b\"`},
		"the index has no result":          {index, good(`null`), nil, `pictures of \"a/b\": no set`},
		"the index has too many results":   {index, good(`{},{}`), nil, `2 results of \"a/b\", want at most 1`},
		"the index says another size":      {index, good(`{"pictures":[` + one(id(picture(4)), "7") + `]}`), nil, ""},
		"the index knows one picture only": {index, good(`{"pictures":[` + one(id(picture(4)), "1024") + `]}`), []int{4}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := leave(t)
			path := filepath.Join(dir, tt.file)
			if tt.text == "" {
				remove(t, path)
			} else {
				write(t, path, tt.text)
			}
			store, log := open(t, dir, 1<<20)
			lines := 0
			if tt.log != "" {
				lines = 1
				remove(t, filepath.Join(dir, "index.json.damaged"))
			}
			want(t, store, dir, tt.want...)
			if log.count("\n") != lines || log.count("pictures of before are lost") != lines || lines == 1 && log.count(tt.log) != 1 {
				t.Errorf("want %d lines in the log, with %q:\n%s", lines, tt.log, log.text.String())
			}
			store.Keep("web/new", true, evidence(50))
			want(t, store, dir, append(slices.Clone(tt.want), 50)...)
			if store.Errors() != 0 {
				t.Errorf("%d errors, want none", store.Errors())
			}
		})
	}
}

func TestOpen_LeavesForeignFilesAlone(t *testing.T) {
	dir := leave(t)
	foreign := []string{"notes.txt", "holiday.png", strings.Repeat("f", 63) + ".png", strings.Repeat("g", 64) + ".png", id(nil), id(nil) + ".gif"}
	for _, name := range foreign {
		write(t, filepath.Join(dir, name), "mine")
	}
	folder := id(picture(77)) + ".png"
	if err := os.MkdirAll(filepath.Join(dir, folder, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, id(picture(78))+".png")); err != nil {
		t.Fatal(err)
	}
	store, log := open(t, dir, 1<<20)
	for _, name := range foreign {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "mine" {
			t.Errorf("%s holds %q, %v; want it as it was", name, text, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, folder, "inside")); err != nil {
		t.Error(err)
	}
	if got := kept(t, store); len(got) != 5 || store.Files() != 5 || log.count("\n") != 0 {
		t.Errorf("%v of %d pictures are kept, want 5 that are the store's:\n%s", got, store.Files(), log.text.String())
	}
}

// TestStore_GetNeverShowsADamagedPicture: a machine that fails can leave a file of the right size with nothing in it.
func TestStore_GetNeverShowsADamagedPicture(t *testing.T) {
	dir := leave(t)
	write(t, filepath.Join(dir, id(picture(4))+".png"), strings.Repeat("\x00", 1024))
	store, _ := open(t, dir, 1<<20)
	if got := kept(t, store); slices.Contains(got, 4) {
		t.Errorf("pictures %v are shown, want 4 not", got)
	}
	store.Keep("web/home", true, evidence(4)) // the page looks like that once more
	if got := kept(t, store); !slices.Contains(got, 4) {
		t.Errorf("pictures %v are shown, want 4 again", got)
	}
}

func TestOpen_OneProcessAtATime(t *testing.T) {
	dir := leave(t)
	store, _ := open(t, dir, 1<<20)
	second, err := pictures.Open(dir, 1<<20, slog.New(slog.DiscardHandler))
	if err == nil || err.Error() != dir+" is in use by another process: give each agent a directory of its own for its pictures" {
		t.Errorf("a second store opens with %v, want it refused", err)
	}
	if second != nil {
		t.Error("a store that could not be opened is not nil")
	}
	child := exec.CommandContext(t.Context(), "true") // must not take the lock along
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	want(t, store, dir, 1, 2, 3, 4, 5)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 1<<20)
}

func TestOpen_SaysWhyNot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for dir, text := range map[string]string{file: "not a directory", filepath.Join(file, "below"): "not a directory"} {
		store, err := pictures.Open(dir, 1<<20, slog.New(slog.DiscardHandler))
		if store != nil || err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("opening %s: %v, want an error with %q", dir, err, text)
		}
	}
}
