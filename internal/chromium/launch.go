package chromium

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	// launchTime bounds the start of a browser; it takes 0.1 to 4 s on a host that is not overloaded.
	launchTime = 30 * time.Second

	// tailBytes is how much is kept of what a browser writes to its standard error.
	tailBytes = 8 << 10
)

// launch starts a browser and returns when it has shown a blank page. The error is an *Unavailable, or that of ctx when it
// was cancelled.
func launch(ctx context.Context, settings probe.Browser) (*process, error) {
	path, missing := find(settings.Path)
	if missing != nil {
		return nil, missing
	}
	owner, err := credential(settings.User)
	if err != nil {
		return nil, unavailable(Failed, "%v: name an account without privileges as the browser's user", err)
	}
	dir, err := newPrivateDir(settings.Dir, owner)
	if err != nil {
		return nil, unavailable(Failed, "%v", err)
	}
	p := &process{
		name:    filepath.Base(path),
		sandbox: !settings.NoSandbox,
		dir:     dir,
		stderr:  &tail{max: tailBytes},
		ended:   make(chan struct{}),
	}
	if err := p.start(path, owner); err != nil {
		return nil, errors.Join(notStarted(p.name, owner, err), dir.remove())
	}
	go p.watch()

	within, cancel := context.WithTimeout(ctx, launchTime)
	defer cancel()
	if err := p.warmUp(within); err != nil {
		ended := p.Close()
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, errors.Join(fmt.Errorf("starting %s: %w", p.name, ctx.Err()), ended)
		}
		return nil, errors.Join(diagnose(p.name, p.stderr.String(), err), ended)
	}
	return p, nil
}

// notStarted says why the operating system did not start a binary.
func notStarted(name string, owner *syscall.Credential, err error) *Unavailable {
	if owner != nil && errors.Is(err, syscall.EPERM) {
		return unavailable(Failed, "starting %s as user %d: %v: let the agent change users (CAP_SETUID and CAP_SETGID), "+
			"or run it as a user without privileges", name, owner.Uid, err)
	}
	return unavailable(Failed, "starting %s: %v", name, err)
}

// start starts the binary in a group of its own with an empty environment. A browser whose agent dies ends because its
// pipe does; a signal at the parent's death (prctl(2): PR_SET_PDEATHSIG) would come as soon as an operating system thread
// of the agent ends.
func (p *process) start(path string, owner *syscall.Credential) error {
	if err := adopt(); err != nil {
		return fmt.Errorf("adopting its processes: %w", err)
	}
	fromAgent, toBrowser, err := os.Pipe()
	if err != nil {
		return err
	}
	fromBrowser, toAgent, err := os.Pipe()
	if err != nil {
		return errors.Join(err, fromAgent.Close(), toBrowser.Close())
	}
	//nolint:noctx // the browser outlives the visit that it is started for; watch ends it
	p.cmd = exec.Command(path, flags(p.dir.path, p.sandbox, roomyShm())...)
	p.cmd.Dir = p.dir.path
	p.cmd.Env = []string{"HOME=" + p.dir.path, "TMPDIR=" + p.dir.path}
	p.cmd.Stderr = p.stderr
	p.cmd.ExtraFiles = []*os.File{fromAgent, toAgent} // 3 and 4, as --remote-debugging-pipe has it
	p.cmd.WaitDelay = endTime
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	err = p.cmd.Start()
	// The browser has ends of its own; as long as the agent held these too, it would not see the browser end.
	_, _ = fromAgent.Close(), toAgent.Close()
	if err != nil {
		return errors.Join(err, toBrowser.Close(), fromBrowser.Close())
	}
	p.group = &group{leader: p.cmd.Process.Pid, home: p.dir.path, left: make(map[int]struct{})}
	p.conn = cdp.Open(fromBrowser, toBrowser)
	return nil
}

// warmUp asks for the version and lets a blank page be shown, so that no visit pays for what a browser does once.
func (p *process) warmUp(ctx context.Context) error {
	var about struct {
		Product string `json:"product"` // such as HeadlessChrome/156.0.8078.79
	}
	if err := p.conn.Call(ctx, "", "Browser.getVersion", nil, &about); err != nil {
		return err
	}
	_, p.version, _ = strings.Cut(about.Product, "/")
	t, err := openTarget(ctx, p.conn, TabOptions{})
	if err != nil {
		return err
	}
	p.group.members(processes()) // those that have left it are known from here on
	return t.dispose(ctx, p.conn)
}
