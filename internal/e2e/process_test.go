package e2e_test

import (
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// program is one of the real parts, and the Debian package that installs it.
type program struct{ name, pkg string }

var (
	prometheusProgram   = program{"prometheus", "prometheus"}
	promtool            = program{"promtool", "prometheus"}
	alertmanagerProgram = program{"prometheus-alertmanager", "prometheus-alertmanager"}
	amtool              = program{"amtool", "prometheus-alertmanager"}
	victoriaMetrics     = program{"victoria-metrics", "victoria-metrics"}
)

// path returns where a program is. One that is missing is a failure: without it nothing would be tested.
func (p program) path(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath(p.name)
	if err != nil {
		t.Fatalf("%v; install it: apt-get install -y %s", err, p.pkg)
	}
	return path
}

// listening is what both servers log once they have bound their address.
var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// run runs a server until the test ends. It returns what the server logs, and a channel that is closed when it ends.
func (p program) run(t *testing.T, args ...string) (log *logs, ended <-chan struct{}) {
	t.Helper()
	log = &logs{}
	command := exec.CommandContext(t.Context(), p.path(t), args...)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second // then it is killed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = command.Wait() // that it was told to stop is no news
		close(done)
	}()
	t.Cleanup(func() {
		<-done
		if t.Failed() {
			t.Logf("log of %s:\n%s", p.name, tail(log.String()))
		}
	})
	return log, done
}

// serve runs a server that logs which address it chose, and returns that.
func (p program) serve(t *testing.T, args ...string) (address string) {
	t.Helper()
	log, ended := p.run(t, args...)
	eventually(t, p.name+" to listen", func() string {
		if match := listening.FindStringSubmatch(log.String()); match != nil {
			address = match[1]
			return ""
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", p.name, log)
		default:
		}
		return "it has not logged its address"
	})
	return address
}

// tail returns the last 4 KB of a log.
func tail(log string) string {
	return log[max(0, len(log)-4096):]
}

// writeFile writes a file into a directory and returns its path.
func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
