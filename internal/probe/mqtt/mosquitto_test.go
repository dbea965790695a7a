package mqtt_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mosquitto is a real broker as a child process on a loopback port.
type mosquitto struct {
	port   string
	config string
	cmd    *exec.Cmd
	output strings.Builder // complete when ended is closed
	ended  chan struct{}
}

// startMosquitto starts a broker whose listener has the given further options and waits until it accepts connections.
func startMosquitto(tb testing.TB, options ...string) *mosquitto {
	tb.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		tb.Fatal("mosquitto is missing: apt-get install -y mosquitto")
	}
	m := &mosquitto{config: filepath.Join(tb.TempDir(), "mosquitto.conf")}
	if !strings.Contains(strings.Join(options, "\n"), "allow_anonymous") {
		options = append(options, "allow_anonymous true")
	}
	tb.Cleanup(func() { m.kill(tb) })
	// Another test can take a free port before the broker does.
	for range 5 {
		m.port = freePort(tb)
		writeFile(tb, m.config, strings.Join(append([]string{
			"per_listener_settings false",
			"set_tcp_nodelay true", // off by default, which delays every small message by 40 ms
			"persistence false",
			"user root", // ignored unless root starts it: it must read the test's directory
			"listener " + m.port + " " + loopback(),
		}, options...), "\n")+"\n")
		if m.start(tb) {
			return m
		}
	}
	tb.Fatalf("mosquitto does not start: %s", m.output.String())
	return nil
}

// start returns whether the broker listens.
func (m *mosquitto) start(tb testing.TB) bool {
	tb.Helper()
	// Not the test's context: it ends before the cleanup that waits for the process.
	m.cmd = exec.CommandContext(context.WithoutCancel(tb.Context()), "mosquitto", "-c", m.config)
	m.output.Reset()
	m.cmd.Stdout, m.cmd.Stderr = &m.output, &m.output
	if err := m.cmd.Start(); err != nil {
		tb.Fatalf("starting mosquitto: %v", err)
	}
	cmd, ended := m.cmd, make(chan struct{})
	m.ended = ended
	go func() {
		_ = cmd.Wait() // reports the signal
		close(ended)
	}()
	listens := false
	eventually(tb, 10*time.Second, func() bool {
		conn, err := net.DialTimeout("tcp", m.address(), time.Second)
		if err == nil {
			_ = conn.Close()
			listens = true
		}
		return listens || m.hasEnded()
	})
	if !listens || m.hasEnded() {
		m.kill(tb)
		return false
	}
	return true
}

func (m *mosquitto) hasEnded() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

func (m *mosquitto) address() string { return net.JoinHostPort(loopback(), m.port) }

func (m *mosquitto) signal(tb testing.TB, signal syscall.Signal) {
	tb.Helper()
	if err := m.cmd.Process.Signal(signal); err != nil {
		tb.Errorf("sending %v to mosquitto: %v", signal, err)
	}
}

// kill ends the broker as a crash would, also when it is stopped or has ended.
func (m *mosquitto) kill(tb testing.TB) {
	tb.Helper()
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill()
	<-m.ended
	m.cmd = nil
}

// passwordFile returns the option for a password file with one user.
func passwordFile(tb testing.TB, user, password string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "passwords")
	out, err := exec.CommandContext(tb.Context(), "mosquitto_passwd", "-b", "-c", path, user, password).CombinedOutput()
	if err != nil {
		tb.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	return "password_file " + path
}

func aclFile(tb testing.TB, rules ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "acl")
	writeFile(tb, path, strings.Join(rules, "\n")+"\n")
	return "acl_file " + path
}

func writeFile(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// loopback is an address of this process alone: no other program takes the port of a broker that is about to start.
func loopback() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
}

// freePort returns a port of loopback that nothing listens on.
func freePort(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback(), "0"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}

// eventually polls until done reports true and returns false when it did not in time.
func eventually(tb testing.TB, limit time.Duration, done func() bool) bool {
	tb.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(limit)
	for !done() {
		select {
		case <-tick.C:
		case <-over:
			return false
		}
	}
	return true
}
