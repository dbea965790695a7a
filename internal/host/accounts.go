package host

import (
	"fmt"
	"time"
)

// minTurns is how many turns of the agent's threads a mean must come from to say anything.
const minTurns = 10

// accounts is what the kernel has counted about the agent so far.
type accounts struct {
	threads map[string]turns // by thread id
	grouped bool             // whether the control group's account could be read
	stopped time.Duration    // of the control group, since it was made
}

// turns is a thread's account.
// Spec: proc/PID/schedstat in https://docs.kernel.org/scheduler/sched-stats.html.
type turns struct {
	waited time.Duration // while it could have run
	count  uint64
}

// readAccounts reads what there is: a kernel without schedstat or a host without control groups starves nobody.
func readAccounts(f files) accounts {
	a := accounts{threads: make(map[string]turns)}
	tasks, _ := f.list("proc/self/task")
	for _, id := range tasks {
		if t, err := readSchedstat(f, id); err == nil { // else the thread has ended
			a.threads[id] = t
		}
	}
	if l, err := readLimits(f); err == nil && l.cpu != nil {
		a.grouped = true
		a.stopped = time.Duration(l.cpu.throttled * float64(time.Second))
	}
	return a
}

func readSchedstat(f files, thread string) (turns, error) {
	name := "proc/self/task/" + thread + "/schedstat"
	data, err := f.read(name)
	if err != nil {
		return turns{}, err
	}
	var ran, waited int64
	var t turns
	if _, err := fmt.Sscan(string(data), &ran, &waited, &t.count); err != nil {
		return turns{}, fmt.Errorf("reading %s: %w", name, err)
	}
	t.waited = time.Duration(waited)
	return t, nil
}

// turnWait returns how long threads waited for each of their turns since before. A thread is new in a when it started
// in between; one that ended is left out.
func (a accounts) turnWait(before accounts) time.Duration {
	var waited time.Duration
	var count uint64
	for id, now := range a.threads {
		was := before.threads[id]
		if now.count >= was.count { // else the id was given to a new thread
			waited += now.waited - was.waited
			count += now.count - was.count
		}
	}
	if count < minTurns {
		return 0
	}
	return waited / time.Duration(count) //nolint:gosec // turns of a second
}

// throttled returns for how long the control group was kept from running since before.
func (a accounts) throttled(before accounts) time.Duration {
	if !a.grouped || !before.grouped {
		return 0
	}
	return max(0, a.stopped-before.stopped)
}
