//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mayMount runs a test again in a process that may mount file systems of its own, which nobody else sees, and returns true in
// that process. It works for root, and for everybody where the kernel lets users have namespaces.
func mayMount(t *testing.T) bool {
	t.Helper()
	if os.Getenv(childRole) == "namespace" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
		cmd.Env = append(os.Environ(), childRole+"=namespace")
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
		failed = errors.Join(failed, err)
	}
	t.Fatalf("this test mounts a small file system, which is not allowed here: %v\n"+
		"Allow it by one of: running it as root; sysctl kernel.unprivileged_userns_clone=1; "+
		"sysctl kernel.apparmor_restrict_unprivileged_userns=0; docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined", failed)
	return false
}

// mount mounts a file system of the size on a new directory until the test ends.
func mount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes a file until nothing is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for {
		if _, err := f.Write(make([]byte, 4096)); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// Nothing that was committed is lost when the disk is full for a while, neither at once nor at the next start, however the
// agent ends.
func TestStore_DiskFull(t *testing.T) {
	if !mayMount(t) {
		return
	}
	src := newSource(t, 500) // a round is longer than a page of the log, so that its record is torn when the disk gets full
	src.set(map[string]float64{"n=1": 1})
	opts := testOptions(t, src)
	small := mount(t, "96m")
	opts.Dir, opts.MinFree = filepath.Join(small, "tsdb"), 0
	ballast := filepath.Join(small, "ballast")
	s := testStore(t, opts)
	o, closeIt := openStore(t, s)

	next := testStart()
	var committed []string
	round := func() (goOn bool) {
		before := s.Status().LastAppend
		goOn = s.tick(t.Context(), o, next)
		if s.Status().LastAppend.After(before) {
			committed = append(committed, fmt.Sprintf("%v: 1", next.Sub(testStart()).Seconds()))
		}
		next = next.Add(testEvery)
		return goOn
	}
	rounds := func(n int) {
		t.Helper()
		for range n {
			if !round() || s.Status().State != Ready {
				t.Fatalf("after %d rounds: %+v", len(committed), s.Status())
			}
		}
	}
	holds := func(when string, o *opened) {
		t.Helper()
		got := recorded(t, o.db, testStart(), testName)[`{n="1"}`]
		lost := slices.DeleteFunc(slices.Clone(committed), func(s string) bool { return slices.Contains(got, s) })
		if len(lost) > 0 {
			t.Errorf("%s: %d of %d committed samples are lost, the first is %s", when, len(lost), len(committed), lost[0])
		}
	}

	for incident := range 3 {
		rounds(40)
		fill(t, ballast)
		for n := 0; s.Status().State == Ready; n++ {
			if !round() || n == 1000 {
				t.Fatalf("round %d with a full disk: %+v", n, s.Status())
			}
		}
		if status := s.Status(); status.State != Full || !strings.Contains(status.Why, "no space left") {
			t.Errorf("status %+v, want full, because no space is left", status)
		}
		holds("while it is full", o)
		o.retry = time.Now() // it was long enough
		if !round() {
			t.Error("the store is opened anew while the disk is still full")
		}
		if got, want := reading(s, "history_rounds_total", "failed"), float64(incident+1); got != want {
			t.Errorf("%v rounds failed, want %v: after one nothing must be written", got, want)
		}
		remove(t, ballast)
		if round() {
			t.Fatalf("the store goes on after a torn record: %+v", s.Status())
		}
		closeIt()
		o, closeIt = openStore(t, s)
		holds("opened anew", o)
	}
	rounds(40)
	holds("afterwards", o)

	killed := opts
	killed.Dir = filepath.Join(small, "killed")
	if err := os.CopyFS(killed.Dir, os.DirFS(opts.Dir)); err != nil {
		t.Fatal(err)
	}
	k, closeKilled := openStore(t, testStore(t, killed))
	holds("after it was killed", k)
	closeKilled()
	closeIt()
	o, _ = openStore(t, testStore(t, opts))
	holds("after a restart", o)
}

// A store without any space does not open, says why, and opens when there is some.
func TestStore_StartsWithFullDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	opts := testOptions(t, newSource(t, 1))
	small := mount(t, "32m")
	opts.Dir, opts.Every = filepath.Join(small, "tsdb"), time.Second
	ballast := filepath.Join(small, "ballast")
	fill(t, ballast)
	s := testStore(t, opts)
	stop := run(t, s)
	reach(t, s, Full)
	if why := s.Status().Why; !strings.Contains(why, "no space left") {
		t.Errorf("why %q, want that no space is left", why)
	}
	remove(t, ballast)
	reach(t, s, Ready)
	stop()
}

// A store does not begin what it has not the space to end.
func TestStore_StartsWithAlmostFullDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	opts := testOptions(t, newSource(t, 1))
	small := mount(t, "32m")
	opts.Dir = filepath.Join(small, "tsdb")
	ballast := filepath.Join(small, "ballast")
	fill(t, ballast)
	info, err := os.Stat(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(ballast, info.Size()-leastFree/2); err != nil {
		t.Fatal(err)
	}
	_, err = testStore(t, opts).enter()
	o := (*obstacle)(nil)
	if !errors.As(err, &o) || o.state != Full || !strings.Contains(o.why, "too little to open") {
		t.Errorf("with half of what it takes: %v, want full", err)
	}
	if err := os.Truncate(ballast, info.Size()-leastFree*3/2); err != nil {
		t.Fatal(err)
	}
	openStore(t, testStore(t, opts))
}

func TestStore_ReadOnlyDirectory(t *testing.T) {
	if !mayMount(t) {
		return
	}
	opts := testOptions(t, newSource(t, 1))
	opts.Dir, opts.Every = mount(t, "32m"), time.Second
	if err := syscall.Mount("", opts.Dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s := testStore(t, opts)
	stop := run(t, s)
	reach(t, s, ReadOnly)
	status := s.Status()
	if want := opts.Dir + " is on a file system that is mounted read-only"; status.Why != want {
		t.Errorf("why %q, want %q", status.Why, want)
	}
	if _, err := s.Query(t.Context(), "up", time.Time{}); !errors.Is(err, ErrNotReady) {
		t.Errorf("a query: %v, want %v", err, ErrNotReady)
	}
	if err := syscall.Mount("", opts.Dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	reach(t, s, Ready)
	stop()
}

// run runs a store until the function that it returns is called.
func run(t *testing.T, s *Store) func() {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run returns %v, want nil", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Run does not end")
		}
	}
}

// reach waits until a store is in a state.
func reach(t *testing.T, s *Store, want State) {
	t.Helper()
	deadline := time.After(time.Minute)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for s.Status().State != want {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("status %+v, want %s", s.Status(), want)
		}
	}
}
