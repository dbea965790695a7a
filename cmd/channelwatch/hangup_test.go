package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRun_HangupDuringStart sends SIGHUP while the agent still reads its configuration: it must live, and read what is
// there once it has started. The configuration comes through a pipe, so that the moment is known.
func TestRun_HangupDuringStart(t *testing.T) {
	shop := newShop()
	t.Cleanup(shop.Close)
	settings := func(name string) []byte {
		return fmt.Appendf(nil, `
agent: {listen: "127.0.0.1:0", log: {level: debug}}
host: {enabled: false}
control: {enabled: false}
history: {enabled: false}
channels:
  - {name: web, type: desktop_web, touchpoints: [{name: %s, kind: page, with: {url: "%s/"}}]}
`, name, shop.URL)
	}
	path := filepath.Join(t.TempDir(), "channelwatch.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	cmd := exec.CommandContext(t.Context(), "channelwatch", "run", "--config", path)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the agent to open it
	if err != nil {
		t.Fatal(err)
	}
	next := path + ".next"
	err = os.WriteFile(next, settings("second"), 0o600)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err == nil {
		err = cmd.Process.Signal(syscall.SIGHUP)
	}
	if err == nil {
		_, err = pipe.Write(settings("first"))
	}
	if err == nil {
		err = pipe.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !strings.Contains(written(t, log), "touchpoint=second") {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("ended: %v\n%s", err, written(t, log))
		case <-deadline:
			t.Fatalf("not reloaded after %v\n%s", patience, written(t, log))
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended: %v\n%s", err, written(t, log))
	}
}

// written returns what stands in a file so far.
func written(t *testing.T, file *os.File) string {
	t.Helper()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
