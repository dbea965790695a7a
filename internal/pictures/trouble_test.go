package pictures_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/pictures"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// block puts a directory where the store writes a file, which stops everybody, root too.
func block(t *testing.T, path string) (unblock func()) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return func() { remove(t, path) }
}

func TestStore_GoesOnWithoutPicturesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1, 2))
	unblock := block(t, filepath.Join(dir, id(picture(4))+".jpg.new"))
	for range 3 {
		ev := evidence(3, 4, 1)
		store.Keep("web/home", false, ev)
		for p := range ev.Pictures {
			if _, _, found := store.Get(p.ID); p.Data != nil || p.Bytes != 1024 || found != (p.ID != "") {
				t.Errorf("a picture with %d bytes of data is found %t by its name %q", len(p.Data), found, p.ID)
			}
		}
	}
	if got := kept(t, store); len(got) != 2 || store.Files() != 2 || store.Bytes() != 2048 {
		t.Errorf("pictures %v are kept, want the two of before", got)
	}
	if store.Errors() != 3 || log.count("level=ERROR") != 1 || log.count("pictures cannot be kept") != 1 {
		t.Errorf("%d errors, want 3 that are told once:\n%s", store.Errors(), log.text.String())
	}
	unblock()
	store.Keep("web/home", false, evidence(3, 4))
	want(t, store, dir, 3, 4)
	if log.count("pictures are kept again") != 1 {
		t.Errorf("the log does not say that all is well:\n%s", log.text.String())
	}
}

func TestStore_ReadingsTellOfItself(t *testing.T) {
	store, _ := open(t, t.TempDir(), 3<<10)
	store.Keep("web/home", true, evidence(1, 2))
	store.Keep("web/home", true, evidence(3, 4, 5, 6)) // more than there is room for
	got := make(map[string]float64)
	for _, r := range store.Readings() {
		got[r.Name] = r.Value
	}
	wanted := map[string]float64{"evidence_errors_total": 1, "evidence_picture_bytes": 2048, "evidence_pictures": 2}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("readings differ (-want +got):\n%s", diff)
	}
}

func TestStore_AnIndexThatCannotBeWrittenCostsNoPicture(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	unblock := block(t, filepath.Join(dir, "index.json.new"))
	ev := evidence(1)
	store.Keep("web/home", false, ev)
	if got := ev.Visits[0].Screenshot.ID; got != id(picture(1)) || store.Errors() != 1 || log.count("writing the index") != 1 {
		t.Errorf("the picture has the name %q after %d errors:\n%s", got, store.Errors(), log.text.String())
	}
	unblock()
	store.Keep("web/cart", false, evidence(2))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, dir, 1<<20)
	want(t, again, dir, 1, 2)
}

func TestStore_KeepsOnlyPicturesThatPagesShow(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	for _, media := range []string{"", "image/svg+xml", "text/html", "image/png; charset=utf-8"} {
		ev := &probe.Evidence{Visits: []probe.Visit{{Screenshot: &probe.Picture{Media: media, Data: picture(1)}}}}
		store.Keep("web/home", false, ev)
		if p := ev.Visits[0].Screenshot; p.ID != "" || p.Data != nil {
			t.Errorf("a picture of type %q has the name %q, want none", media, p.ID)
		}
	}
	want(t, store, dir)
	if store.Errors() != 4 || log.count(`want one of [\"image/png\" \"image/jpeg\"]`) != 1 {
		t.Errorf("%d errors, want 4 that are told once:\n%s", store.Errors(), log.text.String())
	}
}

func TestStore_SaysWhatItCannotRemove(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 1<<20)
	store.Keep("web/home", false, evidence(1))
	path := filepath.Join(dir, id(picture(1))+".png")
	remove(t, path)
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o700); err != nil {
		t.Fatal(err)
	}
	store.Drop("web/home")
	if store.Errors() != 1 || log.count("removing a picture") != 1 || store.Files() != 0 {
		t.Errorf("%d errors and %d files, want 1 and none:\n%s", store.Errors(), store.Files(), log.text.String())
	}
	store.Keep("web/home", false, evidence(2))
	remove(t, filepath.Join(dir, id(picture(2))+".png"))
	store.Drop("web/home") // whose picture somebody removed is no trouble
	if store.Errors() != 1 {
		t.Errorf("%d errors, want 1:\n%s", store.Errors(), log.text.String())
	}
}

// TestStore_FullDisk runs in a process that may mount a small file system, which is full first and cannot be written then.
func TestStore_FullDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	store, log := open(t, dir, 1<<20)
	for n := range 40 {
		store.Keep("web/"+strings.Repeat("x", n), true, evidence(n))
	}
	before := kept(t, store)
	if len(before) == 0 || len(before) > 15 || len(files(t, dir)) != len(before) || store.Files() != len(before) ||
		store.Errors() < uint64(40-len(before)) {
		t.Errorf("%d pictures of 4 KiB on the disk are kept in 64 KiB, with %d errors", len(before), store.Errors())
	}
	if log.count("level=ERROR") != 1 || log.count("no space left on device") == 0 {
		t.Errorf("want the full disk told once:\n%s", log.text.String())
	}
	store.Drop("web/") // makes room
	store.Keep("web/new", true, evidence(50))
	if got := kept(t, store); len(got) != len(before) || got[0] == before[0] || log.count("pictures are kept again") != 1 {
		t.Errorf("pictures %v are kept after room was made, want all but the first and the new one:\n%s", got, log.text.String())
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	none, err := pictures.Open(dir, 1<<20, slog.New(slog.DiscardHandler))
	if none != nil || err == nil || !strings.Contains(err.Error(), "locking "+dir) || !errors.Is(err, syscall.EROFS) {
		t.Errorf("a directory that cannot be written opens with %v, want it refused by name", err)
	}
}

// mayMount runs a test again in a process that may mount file systems of its own, which nobody else sees, and returns
// true in that process. It works for root, and for everybody where the kernel lets users have namespaces.
func mayMount(t *testing.T) bool {
	t.Helper()
	const role = "CHANNELWATCH_TEST_NAMESPACE"
	if os.Getenv(role) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
		cmd.Env = append(os.Environ(), role+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err == nil || errors.As(err, &exit) {
			if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
				t.Errorf("in a namespace of its own: %v\n%s", err, out)
			}
			return false
		}
		refused = errors.Join(refused, err)
	}
	t.Fatalf("this test mounts a small file system, which is not allowed here: %v\n"+
		"Allow it by one of: running it as root; sysctl kernel.unprivileged_userns_clone=1; "+
		"sysctl kernel.apparmor_restrict_unprivileged_userns=0; docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined", refused)
	return false
}
