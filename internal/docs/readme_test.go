package docs_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/kinds"
)

// readmeCommands says how each command of the README is tried, in the order in which a newcomer meets them. A command
// that is not listed here, and one that is listed but no longer in the README, fails the test.
var readmeCommands = []struct {
	command string
	try     func(t *testing.T, root, config, command string)
}{
	{"make demo", serves},
	{"make test", func(*testing.T, string, string, string) {}}, // it is what runs this test
	{"make build", succeeds},
	{"./bin/channelwatch check --config my.yaml", succeeds},
	{"./bin/channelwatch plan --config my.yaml", succeeds},
	{"./bin/channelwatch probe home --config my.yaml", explains},
	{"make run CONFIG=my.yaml", serves},
}

func TestReadme_Commands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "my.yaml")
	blocks := fenced(string(readme), "yaml")
	if err := os.WriteFile(file, []byte(blocks[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, block := range fenced(string(readme), "sh") {
		for line := range strings.Lines(block) {
			command, _, _ := strings.Cut(line, "#")
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	var want []string
	for _, c := range readmeCommands {
		want = append(want, c.command)
	}
	if !slices.Equal(commands, want) {
		t.Fatalf("commands of the README are %q, want %q: say above how a new one is tried", commands, want)
	}
	for _, c := range readmeCommands {
		t.Run(c.command, func(t *testing.T) { c.try(t, root, file, strings.ReplaceAll(c.command, "my.yaml", file)) })
	}
}

// TestReadme_Configuration reads what the README shows as one configuration.
func TestReadme_Configuration(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := fenced(string(readme), "yaml")
	c, err := config.Parse("README.md", []byte(strings.Join(blocks[:4], "")), kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Notify.Email == nil || len(c.Notify.Webhooks) != 1 || c.Alerting.IsZero() || c.RemoteWrite.IsZero() || c.Public.Listen == "" {
		t.Errorf("the README does not show notify, alerting, remote_write and public: %+v", c)
	}
	if all := c.Touchpoints(); len(all) != 3 || all[1].Kind != "browser" || all[2].Kind != "journey" {
		t.Errorf("the README does not show a page in a browser and a journey: %+v", all)
	}
}

// fenced returns the code blocks of a language.
func fenced(text, language string) []string {
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func command(t *testing.T, root, line string) *exec.Cmd {
	t.Helper()
	words := strings.Fields(line)
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "STATE_DIRECTORY="+t.TempDir()) // the history of a user stays what it was
	return cmd
}

func succeeds(t *testing.T, root, _, line string) {
	t.Helper()
	if out, err := command(t, root, line).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// explains expects a probe of a host that only the reader of the README has: what matters is that it says what it saw.
func explains(t *testing.T, root, _, line string) {
	t.Helper()
	out, _ := command(t, root, line).CombinedOutput()
	for _, want := range []string{"mobile-web/home", "https://www.example.com/", "reachable"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("output misses %q:\n%s", want, out)
		}
	}
}

// output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// readmeAddress is where the README tells its reader to look.
const readmeAddress = "127.0.0.1:9977"

// serves expects a command that serves the page at the address of the README until it is told to stop. That the answer
// comes from this command, and not from an agent that happened to run, is seen by the address: it was free before, only
// one process can have it, and this one says that it has.
func serves(t *testing.T, root, _, line string) {
	t.Helper()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", readmeAddress)
	if err != nil {
		t.Fatalf("%v: stop what listens there, the README sends its reader to it", err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, root, line)
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // make and what it starts
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Logf("%s ended as it was told to: %v", line, err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute) // it builds first
	defer cancel()
	for !strings.Contains(out.String(), "msg=probing") || !ready(ctx) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("ended before it served: %v\n%s", err, &out)
		case <-ctx.Done():
			t.Fatalf("not ready: %v\n%s", ctx.Err(), &out)
		case <-time.After(100 * time.Millisecond):
		}
	}
	if want := "address=" + readmeAddress + "\n"; !strings.Contains(out.String(), want) {
		t.Errorf("serves elsewhere, want %s:\n%s", want, &out)
	}
}

func ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+readmeAddress+"/-/ready", http.NoBody)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}
