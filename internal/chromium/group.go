package chromium

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// group is the process group that a browser leads. Its processes stay in it, but for the crash handlers of a full
// Chromium, which leave for sessions of their own; those are known by their environment. It is safe for concurrent use.
type group struct {
	leader int
	home   string // the private directory of the browser

	mu   sync.Mutex
	left map[int]struct{} // processes that left; one that is ending has no environment any more
}

// kill ends all processes of the group. It must not be called after the leader was waited for: its number may be
// another's then.
func (g *group) kill() { _ = syscall.Kill(-g.leader, syscall.SIGKILL) }

// members picks the processes of the browser, those among them that have ended and that nobody has waited for included.
func (g *group) members(all []member) []member {
	var own []member
	for _, m := range all {
		if m.group == g.leader || m.stray() && g.knows(m.pid) {
			own = append(own, m)
		}
	}
	return own
}

// knows tells whether a process was started for this browser: one that was known before, or is alive.
func (g *group) knows(pid int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.left[pid]; ok {
		return true
	}
	environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || !bytes.Contains(environ, []byte("HOME="+g.home+"\x00")) {
		return false
	}
	g.left[pid] = struct{}{}
	return true
}

// reap waits for those of all processes that have ended and became children of the agent because their own parents are
// gone: when the agent is the first process of a container there is nobody else to do so. It takes only what no part of
// the agent has started: the group but its leader, and strays. So nothing is taken from os/exec. It returns how many
// processes of the browser are left besides the leader.
func (g *group) reap(all []member) int {
	left := 0
	for _, m := range all {
		member := m.group == g.leader && m.pid != g.leader
		switch {
		case m.zombie && m.parent == os.Getpid() && (member || m.stray()):
			// One whose last threads are still ending is shown as ended, but cannot be waited for yet.
			if pid, err := syscall.Wait4(m.pid, nil, syscall.WNOHANG, nil); err == nil && pid != m.pid {
				left++
			}
		case member, m.stray() && g.knows(m.pid):
			left++
		}
	}
	return left
}

// end ends all that is left after the leader was waited for, within a bounded time.
func (g *group) end() error {
	const often = 5 * time.Millisecond
	deadline := time.NewTimer(endTime)
	defer deadline.Stop()
	for {
		left := g.reap(processes())
		if left == 0 {
			return nil
		}
		select {
		case <-time.After(often):
		case <-deadline.C:
			return fmt.Errorf("%d processes of the browser have not ended %v after it was killed", left, endTime)
		}
	}
}

// stray tells whether a process became a child of the agent that was not started by it: what the agent starts is in the
// agent's own session.
func (m member) stray() bool { return m.parent == os.Getpid() && m.session != ownSession() }

func ownSession() int {
	m, _ := readStat(os.Getpid())
	return m.session
}

// adopt has processes whose parents have ended become children of the agent, so that reap can take them wherever the agent
// runs: not every container's first process does (prctl(2): PR_SET_CHILD_SUBREAPER).
func adopt() error {
	const setChildSubreaper = 36 // linux/prctl.h
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		return errno
	}
	return nil
}
