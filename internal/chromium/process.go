package chromium

import (
	"errors"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// endTime bounds the wait for processes that were killed.
const endTime = 5 * time.Second

// process is a running browser with all that belongs to it. It is safe for concurrent use.
type process struct {
	name    string
	version string
	sandbox bool
	conn    *cdp.Conn
	cmd     *exec.Cmd
	dir     *privateDir
	group   *group
	stderr  *tail
	used    atomic.Int64  // processor time in ns, the most that was seen
	closing atomic.Bool   // the agent ended it
	ended   chan struct{} // closed when nothing of it is left
	err     error         // what is left all the same; set before ended is closed
}

// watch owns the process: when the connection is over it ends all of the group and removes the directory.
func (p *process) watch() {
	defer close(p.ended)
	<-p.conn.Done()
	p.CPU() // for the last time
	p.group.kill()
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil // that it ended is known
	}
	p.err = errors.Join(err, p.group.end(), p.conn.Close(), p.dir.remove())
}

// Done is closed as soon as the browser is gone.
func (p *process) Done() <-chan struct{} { return p.conn.Done() }

// Close ends the browser and returns when nothing of it is left. Nothing of it is kept, so it is not asked to end in order.
func (p *process) Close() error {
	select {
	case <-p.conn.Done(): // by itself
	default:
		p.closing.Store(true)
	}
	err := p.conn.Close()
	<-p.ended
	return errors.Join(err, p.err)
}

// CPU is the user and system time of all processes of the browser so far. It never decreases.
func (p *process) CPU() time.Duration {
	var sum time.Duration
	for _, m := range p.group.members(processes()) {
		sum += m.cpu
	}
	for {
		seen := p.used.Load()
		if int64(sum) <= seen {
			return time.Duration(seen)
		}
		if p.used.CompareAndSwap(seen, int64(sum)) {
			return sum
		}
	}
}

// Memory is the proportional set size of all processes of the browser, in bytes. On the way it reaps those that have ended.
func (p *process) Memory() int64 {
	all := processes()
	p.group.reap(all)
	var sum int64
	for _, m := range p.group.members(all) {
		if !m.zombie {
			sum += memory(m.pid)
		}
	}
	return sum
}

// lost says why the browser is gone; nil while it is there.
func (p *process) lost() *Unavailable {
	select {
	case <-p.conn.Done():
		return p.crash()
	default:
		return nil
	}
}

// crash says why the browser is gone.
func (p *process) crash() *Unavailable {
	<-p.ended
	if p.closing.Load() {
		return unavailable(Failed, "%s was ended by the agent while it was in use", p.name)
	}
	said := remark(p.stderr.String())
	if said != "" {
		said = "; it wrote: " + said
	}
	return unavailable(Crashed, "%s ended while it was in use: %v (%v)%s", p.name, p.conn.Err(), p.cmd.ProcessState, said)
}
