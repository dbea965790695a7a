//go:build !nohistory

package history

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childDir is the variable of the environment with the directory of a child's store.
const childDir = "CHANNELWATCH_TEST_DIR"

// childStore returns the store of a child.
func childStore(pages int) (*Store, error) {
	src, err := makeSource(pages)
	if err != nil {
		return nil, err
	}
	src.set(map[string]float64{"n=1": 1})
	return Open(Options{Dir: os.Getenv(childDir), Every: time.Second, Retention: 35 * 24 * time.Hour, Collect: src.collect})
}

// appendForever makes rounds as fast as it can and prints the seconds since testStart of each that is committed.
func appendForever() error {
	s, err := childStore(100)
	if err != nil {
		return err
	}
	if _, err := s.enter(); err != nil {
		return err
	}
	o, err := s.openAll()
	if err != nil {
		return err
	}
	at := testStart()
	if o.last > 0 {
		at = time.UnixMilli(o.last)
	}
	for {
		at = at.Add(s.opts.Every)
		if !s.tick(context.Background(), o, at) || s.Status().State != Ready {
			return fmt.Errorf("a round went wrong: %+v", s.Status())
		}
		fmt.Fprintln(os.Stdout, int(at.Sub(testStart()).Seconds()))
	}
}

// holdForever keeps a directory until its standard input ends.
func holdForever() error {
	s, err := childStore(0)
	if err != nil {
		return err
	}
	lock, err := s.enter()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "holding")
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, lock.Release())
}

// child starts this binary in a role. Its lines come one by one.
func child(t *testing.T, role, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	cmd.Stderr = t.Output()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// kill ends a child at once, as the kernel does that is out of memory.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestStore_Killed(t *testing.T) {
	src := newSource(t, 0)
	opts := testOptions(t, src)
	last := 0
	for trial := range 5 {
		cmd, lines := child(t, "append", opts.Dir)
		for n := 0; n < 40+17*trial && lines.Scan(); n++ { // the pipe is read until it is killed: it never waits for us
			last = number(t, lines.Text())
		}
		kill(t, cmd)
		for lines.Scan() { // what it could still print it had committed
			last = number(t, lines.Text())
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the child ended with %v, want it killed", err)
		}

		o, closeIt := openStore(t, testStore(t, opts))
		got := recorded(t, o.db, testStart(), testName)[`{n="1"}`]
		want := make([]string, 0, last)
		for i := 1; i <= last; i++ {
			want = append(want, fmt.Sprintf("%d: 1", i))
		}
		if len(got) > last+1 { // at most the one round that was committed and not printed any more
			t.Errorf("trial %d: %d samples, want %d or one more", trial, len(got), last)
		}
		same(t, fmt.Sprintf("samples of trial %d", trial), want, got[:min(len(got), last)])
		last = len(got)
		closeIt()
	}
	if last < 5*40 {
		t.Errorf("%d rounds in five trials, want at least 200", last)
	}
}

func number(t *testing.T, line string) int {
	t.Helper()
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("the child prints %q, want a number", line)
	}
	return n
}

func TestStore_OneProcessADirectory(t *testing.T) {
	opts := testOptions(t, newSource(t, 0))
	cmd, lines := child(t, "hold", opts.Dir)
	if !lines.Scan() || lines.Text() != "holding" {
		t.Fatalf("the child prints %q, want that it holds the directory", lines.Text())
	}
	s := testStore(t, opts)
	_, err := s.enter()
	o := (*obstacle)(nil)
	if !errors.As(err, &o) || o.state != Failed || o.why != opts.Dir+" is in use by another process: give each agent a directory of its own" {
		t.Errorf("a second process: %v, want failed, because the directory is in use", err)
	}
	kill(t, cmd)
	_ = cmd.Wait()
	openStore(t, s) // what is left of the lock does not matter
}
