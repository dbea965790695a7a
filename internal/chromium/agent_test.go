package chromium_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// roleVariable makes the test binary play an agent.
const roleVariable = "CHROMIUM_TEST_ROLE"

// report is what an agent tells the test.
type report struct {
	Leader  int
	Dir     string
	Members []int
	Zombies []int
	Left    []string
	Check   probe.CheckID
	Detail  string
}

// play is the main function of an agent. It is configured on its standard input and reports on its standard output.
func play(role string) int {
	var s probe.Browser
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	r, err := map[string]func(probe.Browser) (report, error){"hold": hold, "first": first, "blocked": blocked}[role](s)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if role == "hold" {
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	}
	return 0
}

// hold opens a tab and keeps it.
func hold(s probe.Browser) (report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tab, err := chromium.New(s, slog.New(slog.DiscardHandler)).Open(ctx, chromium.TabOptions{})
	if err != nil {
		return report{}, err
	}
	return report{Leader: tab.Leader(), Dir: tab.Dir(), Members: tab.Members()}, nil
}

// first is the first process of a container: it has browsers end in every way and tells what is left of them.
func first(s probe.Browser) (report, error) {
	if os.Getpid() != 1 {
		return report{}, fmt.Errorf("process %d, want 1", os.Getpid())
	}
	// What is mounted here must not show outside.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return report{}, err
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return report{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b := chromium.New(s, slog.New(slog.DiscardHandler))
	var r report
	for range 2 {
		tab, err := b.Open(ctx, chromium.TabOptions{})
		if err != nil {
			return report{}, err
		}
		r.Members = append(r.Members, tab.Members()...)
		// Another part of the agent runs a program meanwhile, and must get its exit status.
		other := exec.CommandContext(ctx, "/bin/sh", "-c", "exit 7")
		if err := syscall.Kill(tab.Leader(), syscall.SIGKILL); err != nil {
			return report{}, err
		}
		if err := other.Run(); other.ProcessState == nil || other.ProcessState.ExitCode() != 7 {
			return report{}, fmt.Errorf("another program: %w, want exit status 7", err)
		}
		_ = tab.Lost()
		tab.Close()
	}
	if _, err := b.Open(ctx, chromium.TabOptions{}); err != nil {
		return report{}, err
	}
	b.Close()
	r.Zombies = chromium.Zombies()
	entries, err := os.ReadDir("/proc")
	for _, e := range entries {
		if pid := strings.Trim(e.Name(), "0123456789"); pid == "" && e.Name() != "1" {
			r.Left = append(r.Left, e.Name())
		}
	}
	return r, err
}

// blocked tries to start a browser where user namespaces are forbidden.
func blocked(s probe.Browser) (report, error) {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return report{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b := chromium.New(s, slog.New(slog.DiscardHandler))
	defer b.Close()
	tab, err := b.Open(ctx, chromium.TabOptions{})
	var u *chromium.Unavailable
	switch {
	case errors.As(err, &u):
		return report{Check: u.Check, Detail: u.Detail}, nil
	case err == nil:
		tab.Close()
	}
	return report{}, fmt.Errorf("error %w, want that the browser is unavailable", err)
}

// agent starts the test binary in a role and returns its report.
func agent(t *testing.T, role string, s probe.Browser, namespaces *syscall.SysProcAttr) (report, *os.Process) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{roleVariable + "=" + role, "TMPDIR=" + os.TempDir()}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = namespaces
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	timer := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := json.NewEncoder(in).Encode(s); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("agent %s: %v", role, err)
	}
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("agent %s: %v", role, err)
	}
	return r, cmd.Process
}

// apart has an agent run in namespaces of its own; anybody may have them who makes a user namespace too, in which the agent
// then has the capabilities.
func apart(flags uintptr, capabilities ...uintptr) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags}
	uid, gid := os.Geteuid(), os.Getegid()
	switch {
	case uid != 0:
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = capabilities
	case flags&syscall.CLONE_NEWUSER != 0:
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
		attr.GidMappings = attr.UidMappings
		attr.GidMappingsEnableSetgroups = true
	}
	return attr
}

// Of linux/capability.h.
const (
	capSysAdmin    = 21
	capSysResource = 24
)

// The pipe of a browser closes with its agent, and the next agent on the host sweeps what it could not remove.
func TestAgent_Killed(t *testing.T) {
	s := settings(t)
	neighbour := open(t, start(t, s)) // it stays out of all this
	r, process := agent(t, "hold", s, &syscall.SysProcAttr{Setsid: true})
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range r.Members {
		eventually(t, fmt.Sprintf("process %d of the browser has ended", pid), func() bool { return !alive(pid) })
	}
	if left := directories(t, s.Dir); len(left) != 2 {
		t.Fatalf("directories %q, want that of the killed agent and that of the test", left)
	}
	open(t, start(t, s))
	if _, err := os.Stat(r.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory of the killed agent is still there: %v", err)
	}
	if _, err := os.Stat(neighbour.Dir()); err != nil {
		t.Errorf("the directory of a living agent: %v", err)
	}
	if got := evaluate(t, neighbour, "1+1"); got != "2" {
		t.Errorf("1+1 = %s", got)
	}
}

// As the first process of a container the agent alone can wait for what browsers leave.
func TestAgent_FirstProcess(t *testing.T) {
	for _, path := range []string{shell, full} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			needed(t, path)
			s := settings(t)
			s.Path = path
			r, _ := agent(t, "first", s, apart(syscall.CLONE_NEWPID|syscall.CLONE_NEWNS, capSysAdmin))
			if len(r.Members) < 6 {
				t.Errorf("processes %v, want those of two browsers", r.Members)
			}
			if len(r.Zombies) > 0 || len(r.Left) > 0 {
				t.Errorf("zombies %v and processes %v are left", r.Zombies, r.Left)
			}
			if left := directories(t, s.Dir); len(left) > 0 {
				t.Errorf("directories %q are left", left)
			}
		})
	}
}

// Where the kernel refuses the sandbox, the texts of the real browser are understood.
func TestAgent_SandboxBlocked(t *testing.T) {
	r, _ := agent(t, "blocked", settings(t), apart(syscall.CLONE_NEWUSER, capSysResource))
	if r.Check != chromium.NoSandbox || !strings.Contains(r.Detail, "allow unprivileged user namespaces") {
		t.Errorf("%s: %q, want that the sandbox is missing", r.Check, r.Detail)
	}
}
