//go:build !nohistory

package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb"
)

// withBlocks returns the options of a closed store that has 12 hours of samples, every 10 minutes, most of them in blocks,
// which it returns, too.
func withBlocks(t *testing.T) (Options, []tsdb.BlockMeta) {
	t.Helper()
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	opts := testOptions(t, src)
	s := testStore(t, opts)
	o, closeIt := openStore(t, s)
	for at := range 72 {
		ticks(t, s, o, testStart().Add(time.Duration(at)*10*time.Minute))
	}
	if err := o.db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	var metas []tsdb.BlockMeta
	for _, b := range o.db.Blocks() {
		metas = append(metas, b.Meta())
	}
	if len(metas) < 2 {
		t.Fatalf("%d blocks, want some", len(metas))
	}
	closeIt()
	return opts, metas
}

// flip returns what changes the bits of some bytes of a file, counted from its end when negative.
func flip(at int64, n int) func(path string) error {
	return func(path string) error {
		all, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if at < 0 {
			at += int64(len(all))
		}
		for i := range n {
			all[at+int64(i)] ^= 0xff
		}
		return os.WriteFile(path, all, 0o600)
	}
}

func empty(path string) error { return os.Truncate(path, 0) }

// without is what is recorded of 72 samples every 10 minutes when a block is missing.
func without(block tsdb.BlockMeta) map[string][]string {
	var all []string
	for n := range 72 {
		at := testStart().Add(time.Duration(n) * 10 * time.Minute)
		if at.UnixMilli() < block.MinTime || at.UnixMilli() >= block.MaxTime {
			all = append(all, fmt.Sprintf("%v: 1", at.Sub(testStart()).Seconds()))
		}
	}
	return map[string][]string{`{n="1"}`: all}
}

func TestStore_BlockThatCannotBeOpened(t *testing.T) {
	for _, test := range []struct {
		name, file string
		damage     func(path string) error
	}{
		{"meta", "meta.json", flip(0, 1)},
		{"no meta", "meta.json", os.Remove},
		{"index", "index", flip(0, 4)},
		{"end of index", "index", flip(-20, 4)},
		{"empty index", "index", empty},
		{"no index", "index", os.Remove},
		{"chunks", "chunks/000001", flip(0, 4)},
		{"no chunks", "chunks", os.RemoveAll},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts, blocks := withBlocks(t)
			bad := blocks[0]
			if err := test.damage(filepath.Join(opts.Dir, bad.ULID.String(), test.file)); err != nil {
				t.Fatal(err)
			}
			s := testStore(t, opts)
			o, closeIt := openStore(t, s)
			same(t, "samples", without(bad), recorded(t, o.db, testStart(), testName))
			aside := filepath.Join(opts.Dir, "set-aside")
			want := "1 unreadable part(s) of the history were set aside in " + aside + ": graphs have gaps there"
			if got := s.Status().Notice; got != want {
				t.Errorf("notice %q, want %q", got, want)
			}
			if got := reading(s, "history_corruptions_total", "block"); got != 1 {
				t.Errorf("%v corrupt blocks, want 1", got)
			}
			kept, err := filepath.Glob(filepath.Join(aside, bad.ULID.String()+".*.corrupt"))
			if err != nil || len(kept) != 1 {
				t.Errorf("set aside: %q, %v, want the block", kept, err)
			}
			if got := reading(s, "history_set_aside_bytes", ""); got <= 0 {
				t.Errorf("%v bytes set aside, want some", got)
			}
			closeIt()
			s = testStore(t, opts)
			openStore(t, s)
			if got := s.Status().Notice; got != want {
				t.Errorf("notice after a restart %q, want %q", got, want)
			}
		})
	}
}

// A damaged chunk shows when it is read only. Then every answer about its time is an error, until the block is set aside.
func TestStore_BlockThatCannotBeRead(t *testing.T) {
	for name, file := range map[string]string{"chunk": "chunks/000001", "series": "index"} {
		t.Run(name, func(t *testing.T) {
			opts, blocks := withBlocks(t)
			bad := blocks[0]
			path, at := filepath.Join(opts.Dir, bad.ULID.String(), file), int64(-300)
			if file == "index" {
				at = firstSeries(t, path) + 100
			}
			if err := flip(at, 20)(path); err != nil {
				t.Fatal(err)
			}
			s := testStore(t, opts)
			o, closeIt := openStore(t, s)
			everything := `{__name__=~".+"}`
			if got, err := s.QueryRange(t.Context(), everything, testStart(), testStart().Add(12*time.Hour), 10*time.Minute); err == nil {
				t.Fatalf("%d series of a damaged block, want an error", len(got))
			}
			select { // the query made the store look
			case o.unreadable <- <-o.unreadable:
			case <-time.After(time.Minute):
				t.Fatal("the damage is not found")
			}
			if s.tick(t.Context(), o, testStart().Add(12*time.Hour)) {
				t.Fatal("the store goes on with a block that cannot be read")
			}
			closeIt()
			o, _ = openStore(t, s)
			if _, err := s.QueryRange(t.Context(), everything, testStart(), testStart().Add(12*time.Hour), 10*time.Minute); err != nil {
				t.Errorf("without the block: %v", err)
			}
			same(t, "samples", without(bad), recorded(t, o.db, testStart(), testName))
			if got := reading(s, "history_corruptions_total", "block"); got != 1 {
				t.Errorf("%v corrupt blocks, want 1", got)
			}
			if s.Status().Notice == "" {
				t.Error("no notice of what is gone")
			}
		})
	}
}

// firstSeries returns where the series of an index begin, which its table of contents says: six offsets and a checksum.
func firstSeries(t *testing.T, path string) int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int64(binary.BigEndian.Uint64(b[len(b)-6*8-4+8:]))
}

func TestStore_KnowsTheNewestSample(t *testing.T) {
	opts, blocks := withBlocks(t)
	for _, part := range []string{logDir, headDir} {
		if err := os.RemoveAll(filepath.Join(opts.Dir, part)); err != nil {
			t.Fatal(err)
		}
	}
	o, _ := openStore(t, testStore(t, opts))
	if want := blocks[len(blocks)-1].MaxTime; o.last != want {
		t.Errorf("the newest sample is at %d, want %d, the end of the last block", o.last, want)
	}
}

func TestStore_DoubtWithoutReason(t *testing.T) {
	opts, blocks := withBlocks(t)
	s := testStore(t, opts)
	o, _ := openStore(t, s)
	for range 3 {
		s.doubt(errors.New("something else"))
	}
	if bad := s.unreadable(t.Context(), o.db.Blocks()); bad != nil {
		t.Errorf("blocks %v cannot be read, want none of %d", bad, len(blocks))
	}
	ticks(t, s, o, testStart().Add(12*time.Hour))
}

func TestStore_DamagedLog(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	opts := testOptions(t, src)
	s := testStore(t, opts)
	o, closeIt := openStore(t, s)
	at := from(testStart(), 300)
	ticks(t, s, o, at[:100]...)
	log := filepath.Join(opts.Dir, "wal", "00000000")
	info, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	ticks(t, s, o, at[100:200]...)
	closeIt()
	if err := flip(info.Size()+2000, 50)(log); err != nil {
		t.Fatal(err)
	}

	s = testStore(t, opts)
	o, closeIt = openStore(t, s)
	got := recorded(t, o.db, testStart(), testName)[`{n="1"}`]
	if len(got) < 100 || len(got) > 199 {
		t.Errorf("%d samples, want the 100 before the damage, and none behind it", len(got))
	}
	if n := reading(s, "history_corruptions_total", "log"); n != 1 {
		t.Errorf("%v damages of the log, want 1", n)
	}
	ticks(t, s, o, at[200:]...)
	closeIt()
	s = testStore(t, opts)
	o, _ = openStore(t, s)
	if again := recorded(t, o.db, testStart(), testName)[`{n="1"}`]; len(again) != len(got)+100 {
		t.Errorf("%d samples after the repair and 100 rounds, want %d", len(again), len(got)+100)
	}
	if n := reading(s, "history_corruptions_total", "log"); n != 0 {
		t.Errorf("%v damages of the log after the repair, want 0", n)
	}
}

// For a damaged checkpoint the database would delete the log and fail, for ever.
func TestStore_DamagedCheckpoint(t *testing.T) {
	for name, at := range map[string]int64{"beginning": 100, "end": -100} {
		t.Run(name, func(t *testing.T) { damagedCheckpoint(t, at) })
	}
}

func damagedCheckpoint(t *testing.T, damage int64) {
	t.Helper()
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	opts := testOptions(t, src)
	s := testStore(t, opts)
	o, closeIt := openStore(t, s)
	at := testStart()
	for range 12 {
		for range 12 {
			ticks(t, s, o, at)
			at = at.Add(10 * time.Minute)
		}
		if err := o.db.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	blocks := o.db.Blocks()
	inBlocks := blocks[len(blocks)-1].MaxTime()
	closeIt()
	checkpoints, err := filepath.Glob(filepath.Join(opts.Dir, "wal", "checkpoint.*"))
	if err != nil || len(checkpoints) != 1 {
		t.Fatalf("checkpoints %q, %v, want one", checkpoints, err)
	}
	if err := flip(damage, 10)(filepath.Join(checkpoints[0], "00000000")); err != nil {
		t.Fatal(err)
	}

	s = testStore(t, opts)
	o, closeIt = openStore(t, s)
	ticks(t, s, o, at)
	closeIt()
	o, _ = openStore(t, testStore(t, opts))
	got := recorded(t, o.db, testStart(), testName)[`{n="1"}`]
	if want := int(time.Duration(inBlocks-testStart().UnixMilli()) * time.Millisecond / (10 * time.Minute)); len(got) < want+1 {
		t.Errorf("%d samples, want the %d of the blocks and one after the damage", len(got), want)
	}
	if last, want := got[len(got)-1], fmt.Sprintf("%v: 1", at.Sub(testStart()).Seconds()); last != want {
		t.Errorf("the last sample is %q, want %q", last, want)
	}
	if n := reading(s, "history_corruptions_total", "log"); n != 1 {
		t.Errorf("%v damages of the log, want 1", n)
	}
	if got := s.Status().Notice; !strings.HasPrefix(got, "1 unreadable part(s)") {
		t.Errorf("notice %q, want 1 part", got)
	}
}

func TestIsCorruption(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("invalid checksum"), true},
		{syscall.ENOENT, true},
		{syscall.EIO, true},
		{syscall.EINVAL, true},
		{syscall.EACCES, false},
		{syscall.EMFILE, false},
		{syscall.ENOMEM, false},
	} {
		err := test.err
		if err != nil {
			err = fmt.Errorf("opening: %w", &fs.PathError{Op: "open", Path: "index", Err: err})
		}
		if got := isCorruption(err); got != test.want {
			t.Errorf("%v: %t, want %t", err, got, test.want)
		}
	}
}

func TestStore_TidiesWhatWasSetAside(t *testing.T) {
	opts := testOptions(t, newSource(t, 0))
	opts.MaxBytes, opts.Retention = 4000, time.Hour
	dir := filepath.Join(opts.Dir, "set-aside")
	for name, part := range map[string]struct {
		age  time.Duration
		size int
	}{
		"new.corrupt": {time.Minute, 400}, "newer.ahead": {time.Second, 500}, "too-much.corrupt": {2 * time.Minute, 200},
		"small.corrupt": {3 * time.Minute, 50}, "old.corrupt": {61 * time.Minute, 1},
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(path, "file")
		if err := os.WriteFile(file, []byte(strings.Repeat("x", part.size)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{file, path} {
			if err := os.Chtimes(p, time.Time{}, time.Now().Add(-part.age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := testStore(t, opts)
	if err := s.sortOut(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	same(t, "what is kept", []string{"new.corrupt", "newer.ahead", "small.corrupt"}, got)
	if got := reading(s, "history_set_aside_bytes", ""); got != 950 {
		t.Errorf("%v bytes, want 950", got)
	}
	if got := s.Status().Notice; !strings.HasPrefix(got, "2 unreadable part(s)") {
		t.Errorf("notice %q, want 2 parts", got)
	}
}
