package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	// launchTime bounds the start of a browser; it takes 0.1 to 4 s on a host that is not overloaded.
	launchTime = 30 * time.Second

	// endTime bounds the wait for processes that were killed.
	endTime = 5 * time.Second

	tailBytes = 8 << 10
)

// process is a running browser with all that belongs to it.
type process struct {
	name    string
	version string
	sandbox bool
	conn    *cdp.Conn
	cmd     *exec.Cmd
	dir     *privateDir
	group   *group
	stderr  *tail
	ended   chan struct{} // closed when nothing of it is left
	used    atomic.Int64  // processor time in ns, the most that was seen
	closing atomic.Bool   // the agent ended it
	err     error         // what could not be cleaned up; set before ended is closed
}

// launch starts a browser and returns when it has shown a blank page. The error is an *Unavailable, or that of ctx when it
// was cancelled.
func launch(ctx context.Context, settings probe.Browser) (*process, error) {
	path, missing := find(settings.Path)
	if missing != nil {
		return nil, missing
	}
	owner, err := credential(settings.User)
	if err != nil {
		return nil, unavailable(Failed, "%v: set browser.user to an account without privileges", err)
	}
	dir, err := newPrivateDir(settings.Dir, owner)
	if err != nil {
		return nil, unavailable(Failed, "%v", err)
	}
	p := &process{name: name(path), sandbox: !settings.NoSandbox, dir: dir, stderr: &tail{max: tailBytes}, ended: make(chan struct{})}
	if err := p.start(path, owner); err != nil {
		return nil, errors.Join(unavailable(Failed, "starting %s: %v", p.name, err), dir.remove())
	}
	go p.watch()

	within, cancel := context.WithTimeout(ctx, launchTime)
	defer cancel()
	if err := p.warmUp(within); err != nil {
		p.Close()
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return nil, fmt.Errorf("starting %s: %w", p.name, ctx.Err())
		}
		return nil, diagnose(p.name, p.stderr.String(), err)
	}
	return p, nil
}

// start starts the binary in a group of its own with an empty environment. A browser whose agent dies ends because its
// pipe does; a signal at the parent's death (prctl(2): PR_SET_PDEATHSIG) would come when an operating system thread of
// the agent ends.
func (p *process) start(path string, owner *syscall.Credential) error {
	fromUs, toBrowser, err := os.Pipe()
	if err != nil {
		return err
	}
	fromBrowser, toUs, err := os.Pipe()
	if err != nil {
		return errors.Join(err, fromUs.Close(), toBrowser.Close())
	}
	p.cmd = exec.Command(path, flags(p.dir.path, p.sandbox, roomyShm())...)
	p.cmd.Dir = p.dir.path
	p.cmd.Env = []string{"HOME=" + p.dir.path, "TMPDIR=" + p.dir.path}
	p.cmd.Stderr = p.stderr
	p.cmd.ExtraFiles = []*os.File{fromUs, toUs} // 3 and 4, as --remote-debugging-pipe wants them
	p.cmd.WaitDelay = endTime
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	err = p.cmd.Start()
	// The browser has its own ends; as long as the agent held them too, it would not see the browser's end.
	err = errors.Join(err, fromUs.Close(), toUs.Close())
	if err != nil {
		return errors.Join(err, toBrowser.Close(), fromBrowser.Close())
	}
	p.group = &group{leader: p.cmd.Process.Pid}
	p.conn = cdp.Open(fromBrowser, toBrowser)
	return nil
}

// warmUp asks for the version and lets a blank page be shown, so that no visit pays for what a browser does once.
func (p *process) warmUp(ctx context.Context) error {
	var about struct {
		Product string `json:"product"`
	}
	if err := p.conn.Call(ctx, "", "Browser.getVersion", nil, &about); err != nil {
		return err
	}
	_, p.version, _ = strings.Cut(about.Product, "/")
	t, err := openTarget(ctx, p.conn, TabOptions{})
	if err != nil {
		return err
	}
	return disposeTarget(ctx, p.conn, t)
}

// watch owns the process: when the connection is over it ends all of the group, waits for it and removes the directory.
func (p *process) watch() {
	defer close(p.ended)
	<-p.conn.Done()
	p.CPU()
	p.group.kill()
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil // it was killed, or ended by itself, which is told elsewhere
	}
	deadline := time.Now().Add(endTime)
	for p.group.reap() > 0 && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
	p.err = errors.Join(err, p.conn.Close(), p.dir.remove())
}

// Done is closed as soon as the browser is gone.
func (p *process) Done() <-chan struct{} { return p.conn.Done() }

// Close ends the browser and returns when nothing of it is left.
func (p *process) Close() error {
	select {
	case <-p.conn.Done():
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
	for _, m := range p.group.members() {
		sum += m.cpu
	}
	for {
		seen := p.used.Load()
		if int64(sum) <= seen || p.used.CompareAndSwap(seen, int64(sum)) {
			return max(sum, time.Duration(seen))
		}
	}
}

// Memory is the proportional set size of all its processes, in bytes.
func (p *process) Memory() int64 { return p.group.memory() }

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
	detail := fmt.Sprintf("%s ended while it was in use: %s", p.name, p.cmd.ProcessState)
	if said := remark(p.stderr.String()); said != "" {
		detail += "; it wrote: " + said
	}
	return &Unavailable{Check: Crashed, Detail: detail}
}
