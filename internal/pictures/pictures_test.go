package pictures_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/pictures"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// logged is what a store says.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func open(t *testing.T, dir string, maxBytes int64) (*pictures.Store, *logged) {
	t.Helper()
	log := &logged{}
	store, err := pictures.Open(dir, maxBytes, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store, log
}

// picture returns what a picture of one kilobyte holds; different numbers give different pictures.
func picture(n int) []byte { return fmt.Appendf(nil, "%1024d", n) }

func id(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// evidence returns a visit with a screenshot and, for further numbers, a filmstrip.
func evidence(numbers ...int) *probe.Evidence {
	v := probe.Visit{Screenshot: &probe.Picture{Media: "image/png", Data: picture(numbers[0])}}
	for _, n := range numbers[1:] {
		v.Filmstrip = append(v.Filmstrip, probe.Picture{Media: "image/jpeg", Data: picture(n)})
	}
	return &probe.Evidence{Visits: []probe.Visit{v}}
}

// kept returns the numbers, up to 100, of the pictures that the store gives back as they were.
func kept(t *testing.T, store *pictures.Store) (numbers []int) {
	t.Helper()
	for n := range 100 {
		_, data, ok := store.Get(id(picture(n)))
		if !ok {
			continue
		}
		if !bytes.Equal(data, picture(n)) {
			t.Errorf("picture %d came back as another", n)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// files returns the names in a directory, without those of the store itself.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" && e.Name() != "index.json" {
			names = append(names, e.Name())
		}
	}
	return names
}

// want checks what is kept, and that files and figures tell the same.
func want(t *testing.T, store *pictures.Store, dir string, numbers ...int) {
	t.Helper()
	if diff := cmp.Diff(numbers, kept(t, store)); diff != "" {
		t.Errorf("pictures that are kept differ (-want +got):\n%s", diff)
	}
	names := files(t, dir)
	if len(names) != len(numbers) || store.Files() != len(numbers) || store.Bytes() != int64(len(numbers))*1024 {
		t.Errorf("%d files of %d bytes are told, %d are there; want %d of 1024 bytes each: %q",
			store.Files(), store.Bytes(), len(names), len(numbers), names)
	}
}

func TestStore_KeepsTheLastGoodResultAndFailures(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	for n := range 5 {
		store.Keep("web/home", false, evidence(n))
		store.Keep("web/home", true, evidence(10+n, 20+n))
	}
	store.Keep("web/cart", true, evidence(30))
	want(t, store, dir, 4, 12, 13, 14, 22, 23, 24, 30)
	if store.Errors() != 0 || log.count("\n") != 0 {
		t.Errorf("%d errors and %d lines in the log, want none", store.Errors(), log.count("\n"))
	}
}

func TestStore_KeepTakesThePicturesOutOfTheEvidence(t *testing.T) {
	store, _ := open(t, t.TempDir(), 1<<20)
	ev := evidence(1, 2)
	ev.Visits = append(ev.Visits, evidence(3).Visits...)
	ev.Visits[0].Screenshot.Width, ev.Visits[0].Screenshot.Height = 412, 823
	store.Keep("web/home", false, ev)
	got := []probe.Picture{*ev.Visits[0].Screenshot, ev.Visits[0].Filmstrip[0], *ev.Visits[1].Screenshot}
	wanted := []probe.Picture{
		{Media: "image/png", Width: 412, Height: 823, Bytes: 1024, ID: id(picture(1))},
		{Media: "image/jpeg", Bytes: 1024, ID: id(picture(2))},
		{Media: "image/png", Bytes: 1024, ID: id(picture(3))},
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("pictures of the evidence differ (-want +got):\n%s", diff)
	}
	for _, p := range wanted {
		media, data, ok := store.Get(p.ID)
		if !ok || media != p.Media || int64(len(data)) != p.Bytes {
			t.Errorf("picture %s is %d bytes of %q, %t; want 1024 of %q", p.ID, len(data), media, ok, p.Media)
		}
	}
}

func TestStore_KeepsFilesFromOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "pictures")
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1, 2))
	names := append(files(t, dir), "lock", "index.json")
	wanted := []string{id(picture(1)) + ".png", id(picture(2)) + ".jpg", "index.json", "lock"}
	slices.Sort(names)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, names); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	for _, name := range append(names, ".") {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(0o600)
		if info.IsDir() {
			mode = 0o700
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, want %v", name, info.Mode().Perm(), mode)
		}
	}
}

func TestStore_ResultsWithoutPicturesChangeNothing(t *testing.T) {
	dir := t.TempDir()
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1))
	store.Keep("web/home", false, nil)
	store.Keep("web/home", false, &probe.Evidence{Exchanges: []probe.Exchange{{Method: "GET"}}})
	known := evidence(1)
	known.Visits[0].Screenshot.Data, known.Visits[0].Screenshot.ID = nil, id(picture(1))
	store.Keep("web/home", false, known)
	if known.Visits[0].Screenshot.ID != id(picture(1)) {
		t.Error("a picture that was stored before lost its name")
	}
	want(t, store, dir, 1)
}

func TestStore_SamePicturesShareAFile(t *testing.T) {
	dir := t.TempDir()
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1, 1, 2, 1)) // one of them as another type
	store.Keep("web/home", true, evidence(1))
	store.Keep("web/cart", true, evidence(2, 3))
	want(t, store, dir, 1, 2, 3)
	store.Keep("web/home", false, evidence(4, 2))
	want(t, store, dir, 1, 2, 3, 4)
	store.Drop("web/cart")
	want(t, store, dir, 1, 2, 4)
	store.Drop("web/home")
	want(t, store, dir)
}

func TestStore_DropUnless(t *testing.T) {
	dir := t.TempDir()
	store, _ := open(t, dir, 1<<20)
	for n, key := range []string{"web/home", "web/cart", "app/home"} {
		store.Keep(key, false, evidence(n))
		store.Keep(key, true, evidence(10+n))
	}
	store.DropUnless(func(key string) bool { return key == "web/cart" })
	want(t, store, dir, 1, 11)
	store.Drop("web/none")
	want(t, store, dir, 1, 11)
}

func TestStore_GetTakesAnyText(t *testing.T) {
	dir := t.TempDir()
	store, _ := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1))
	name := id(picture(1))
	outside := filepath.Join(filepath.Dir(dir), name+".png")
	if err := os.WriteFile(outside, picture(1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "lock", "index.json", name[:63], name + "0", strings.ToUpper(name), name + ".png", "../" + name, "../" + name + ".png",
		"..%2f" + name[6:], "/" + name[1:], name[:63] + "\x00", name[:63] + "/", "./" + name[2:], strings.Repeat("g", 64), id(picture(2)),
	} {
		if _, _, ok := store.Get(text); ok {
			t.Errorf("Get(%q) found something", text)
		}
	}
	if media, _, ok := store.Get(name); !ok || media != "image/png" {
		t.Errorf("Get(%q) found %q, %t; want the picture", name, media, ok)
	}
}

func TestStore_NilKeepsNothing(t *testing.T) {
	var store *pictures.Store
	ev := evidence(1, 2)
	store.Keep("web/home", true, ev)
	for p := range ev.Pictures {
		if p.Data != nil || p.ID != "" || p.Bytes != 1024 {
			t.Errorf("the picture has %d bytes of data and the name %q, want neither", len(p.Data), p.ID)
		}
	}
	store.Drop("web/home")
	store.DropUnless(func(string) bool { return false })
	if _, _, ok := store.Get(id(picture(1))); ok || store.Bytes() != 0 || store.Files() != 0 || store.Errors() != 0 || store.Close() != nil {
		t.Error("no store holds something")
	}
}

func TestStore_ClosedKeepsNothing(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	store.Keep("web/home", true, evidence(1))
	for range 2 {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	ev := evidence(2)
	store.Keep("web/home", true, ev)
	store.Drop("web/home")
	if p := ev.Visits[0].Screenshot; p.Data != nil || p.ID != "" {
		t.Errorf("after Close the picture has %d bytes of data and the name %q, want neither", len(p.Data), p.ID)
	}
	if _, _, ok := store.Get(id(picture(1))); ok || log.count("\n") != 0 {
		t.Errorf("after Close a picture is found, %t, or the log tells of it", ok)
	}
	again, _ := open(t, dir, 1<<20)
	want(t, again, dir, 1)
}

func TestStore_ConcurrentUse(t *testing.T) {
	const limit = 20 << 10
	dir := t.TempDir()
	store, log := open(t, dir, limit)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 40 {
				switch {
				case i < 4:
					store.Keep(fmt.Sprint("web/", i), n%2 == 0, evidence((i+n)%100, (i*n)%100))
				case n%10 == 9:
					store.Drop(fmt.Sprint("web/", i-4))
				default:
					if _, data, ok := store.Get(id(picture(n))); ok && !bytes.Equal(data, picture(n)) {
						t.Errorf("picture %d came back as another", n)
					}
					if got := store.Bytes(); got > limit {
						t.Errorf("%d bytes are kept, want at most %d", got, limit)
					}
				}
			}
		})
	}
	wg.Wait()
	want(t, store, dir, kept(t, store)...)
	store.DropUnless(func(string) bool { return false })
	want(t, store, dir)
	if store.Errors() != 0 || log.count("\n") != 0 {
		t.Errorf("%d errors, want none:\n%s", store.Errors(), log.text.String())
	}
}

// BenchmarkStore_Keep keeps the pictures of a run: a screenshot of 200 KiB and eight frames of 4 KiB, all of them new.
//
//	go test -run '^$' -bench Keep -benchmem ./internal/pictures
func BenchmarkStore_Keep(b *testing.B) {
	store, err := pictures.Open(b.TempDir(), 256<<20, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	}()
	shot, frames := make([]byte, 200<<10), make([]byte, 8*4<<10)
	for i := 0; b.Loop(); i++ {
		ev := &probe.Evidence{Visits: []probe.Visit{{Screenshot: &probe.Picture{Media: "image/png", Data: shot}}}}
		binary.NativeEndian.PutUint64(shot, uint64(i))
		for n := range 8 {
			frame := frames[n*4<<10 : (n+1)*4<<10]
			binary.NativeEndian.PutUint64(frame, uint64(i*8+n))
			ev.Visits[0].Filmstrip = append(ev.Visits[0].Filmstrip, probe.Picture{Media: "image/jpeg", Data: frame})
		}
		store.Keep(fmt.Sprint("web/", i%40), i%4 == 0, ev)
	}
	if store.Errors() > 0 {
		b.Errorf("%d errors, want none", store.Errors())
	}
}
