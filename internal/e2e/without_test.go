package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHistory_OffInTheConfiguration runs an agent whose configuration turns history off.
func TestHistory_OffInTheConfiguration(t *testing.T) {
	t.Parallel()
	shop, gate := openShop(t), &gate{}
	gate.open.Store(true)
	settings := historyBlock.ReplaceAllString(shop.settings(t, "127.0.0.1:0"), "history: {enabled: false}")
	checkWithout(newClient(t, runAgent(t, settings, gate).Addr()), "History is off in the configuration, so there are no scores.")
}

// TestHistory_LeftOutOfTheBuild runs the program as it is built without history.
func TestHistory_LeftOutOfTheBuild(t *testing.T) {
	t.Parallel()
	dir, shop := t.TempDir(), openShop(t)
	binary := program{name: filepath.Join(dir, "channelwatch")}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "nohistory", "-ldflags", "-s -w",
		"-o", binary.name, "../../cmd/channelwatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	settings := replaced(t, string(shop.shop.Config()), "agent:\n", "agent:\n  listen: 127.0.0.1:0\n")
	file := writeFile(t, filepath.Join(dir, "channelwatch.yaml"), settings)
	log, _ := binary.run(t, "run", "--config", file)
	var address []string
	eventually(t, "the agent to probe", func() string {
		if address = probingAt.FindStringSubmatch(log.String()); address == nil {
			return "it logged " + log.String()
		}
		return ""
	})
	checkWithout(newClient(t, address[1]), "This agent was built without history, so there are no scores.")

	writeFile(t, file, settings+"\nremote_write: [{url: http://127.0.0.1:1/write}]\n")
	out, err := exec.CommandContext(t.Context(), binary.name, "check", "--config", file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "built without history") {
		t.Errorf("check takes remote_write: %v, %s", err, out)
	}
}

// probingAt is what an agent logs once it probes.
var probingAt = regexp.MustCompile(`msg=probing .*address=(\S+)`)

// checkWithout checks that an agent without history probes and says why it has no scores.
func checkWithout(c *client, why string) {
	c.t.Helper()
	probing(c)
	if _, body := c.fetch("/metrics"); strings.Contains(string(body), "channelwatch_history_") {
		c.t.Error("/metrics tells of a history")
	}
	for _, path := range []string{"/", "/channels/mobile-app", "/incidents", "/wall"} {
		if status, body := c.fetch(path); status != http.StatusOK || !strings.Contains(string(body), why) {
			c.t.Errorf("GET %s: status %d, want a page that says %q in:\n%s", path, status, why, body[:min(len(body), 4000)])
		}
	}
	if status, body := c.fetch("/"); status != http.StatusOK || !strings.Contains(string(body), "Mobile app (made up)") {
		c.t.Errorf("the page has status %d, want the channels in:\n%s", status, body[:min(len(body), 4000)])
	}
	for path, want := range map[string]int{
		"/api/v1/channels":          http.StatusServiceUnavailable,
		"/api/v1/query?query=up":    http.StatusNotFound,
		"/badge/mobile-app.svg":     http.StatusOK,
		"/api/v1/results":           http.StatusOK,
		"/touchpoints/push/offers":  http.StatusOK,
		"/api/v1/incidents?range=x": http.StatusBadRequest,
	} {
		status, body := c.fetch(path)
		said := ""
		if status == http.StatusServiceUnavailable && !strings.Contains(string(body), why) {
			said = fmt.Sprintf(", and not %q", why)
		}
		if status != want || said != "" {
			c.t.Errorf("GET %s: status %d, want %d%s: %s", path, status, want, said, body[:min(len(body), 300)])
		}
	}
	if got := c.badge("mobile-app"); got != "no scores" {
		c.t.Errorf("the badge says %q, want no scores", got)
	}
}
