package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// ownMounts is set for a test that runs in a process of its own, which may mount file systems that nobody else sees.
const ownMounts = "CHANNELWATCH_E2E_MOUNTS"

// mayMount runs a test again in such a process, and returns true there. It works for root, and for everybody where the
// kernel lets users have namespaces.
func mayMount(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownMounts) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		command := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
		command.Env = append(os.Environ(), ownMounts+"=1")
		command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		out, err := command.CombinedOutput()
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

// disk is a small file system that a history is on.
type disk struct {
	t    *testing.T
	path string
}

func mountDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	if err := syscall.Mount("tmpfs", d.path, "tmpfs", 0, "size=96m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fill leaves no space; the function that it returns gives it back.
func (d *disk) fill() (free func()) {
	d.t.Helper()
	path := filepath.Join(d.path, "ballast")
	file, err := os.Create(path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // what counts is that it takes space
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			d.t.Error(err)
		}
	}
}

// remount mounts it anew, with further flags.
func (d *disk) remount(flags uintptr) {
	d.t.Helper()
	if err := syscall.Mount("", d.path, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		d.t.Fatal(err)
	}
}

// TestHistory_TroubleOfItsDisk fills the disk of an agent's history while it runs, and makes it read-only from the start
// of another. Probing and /metrics go on, and everybody is told.
func TestHistory_TroubleOfItsDisk(t *testing.T) {
	if !mayMount(t) {
		return
	}
	d, shop, gate := mountDisk(t), openShop(t), &gate{}
	gate.open.Store(true)
	settings := historyBlock.ReplaceAllString(shop.settings(t, "127.0.0.1:0"),
		"history: {dir: "+strconv.Quote(d.path)+", every: 1s, min_free_bytes: 0B}")
	agent := runAgent(t, settings, gate)
	own := newClient(t, agent.Addr())
	waitForState(own, "ready", "")

	free := d.fill()
	waitForState(own, "full", "has no space left")
	probing(own)
	free()
	waitForState(own, "ready", "")

	agent.stop(t)
	d.remount(syscall.MS_RDONLY)
	own = newClient(t, runAgent(t, settings, gate).Addr())
	waitForState(own, "read_only", "mounted read-only")
	probing(own)
	d.remount(0)
	waitForState(own, "ready", "")
}

// historyBlock is where the shop's configuration says how history is kept.
var historyBlock = regexp.MustCompile(`(?m)^history: \{.*\}`)

// waitForState waits until /metrics shows a state of the history, and the first page says why it does not record.
func waitForState(c *client, state, why string) {
	c.t.Helper()
	eventually(c.t, "the history to be "+state, func() string {
		status, body := c.fetch("/metrics")
		if status != http.StatusOK {
			return fmt.Sprintf("GET /metrics: status %d", status)
		}
		states := regexp.MustCompile(`(?m)^channelwatch_history_state\{.*1$`).FindAllString(string(body), -1)
		if len(states) != 1 || !strings.Contains(states[0], `state="`+state+`"`) {
			return fmt.Sprint(states)
		}
		up := "0"
		if state == "ready" {
			up = "1"
		}
		if !regexp.MustCompile(`(?m)^channelwatch_history_up(\{.*\})? ` + up + `$`).Match(body) {
			return "channelwatch_history_up is not " + up
		}
		if status, body = c.fetch("/"); status != http.StatusOK || !strings.Contains(string(body), why) {
			return fmt.Sprintf("the page, status %d, does not say %q", status, why)
		}
		return ""
	})
}

// probing waits until /metrics shows three more results of a touchpoint.
func probing(c *client) {
	c.t.Helper()
	results := func() float64 {
		return readMetrics(c).sum("mobile-app/catalogue", func(explanation) bool { return true })
	}
	before := results()
	eventually(c.t, "further results", func() string {
		if now := results(); now < before+3 {
			return fmt.Sprintf("%v, then %v", before, now)
		}
		return ""
	})
}
