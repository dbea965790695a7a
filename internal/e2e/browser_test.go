package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/demo"
)

// visited is what this test reads of a result of the kind browser.
type visited struct {
	Reason, Detail string
	Duration       float64 `json:"duration_seconds"`
	Measurements   []struct {
		Metric, Label string
		Value         float64
	}
	Evidence struct {
		Visits []struct {
			Browser    string
			Status     int
			Screenshot struct {
				ID            string
				Width, Height int
			}
		}
	}
}

func (v *visited) measured(metric, label string) float64 {
	for _, m := range v.Measurements {
		if m.Metric == metric && m.Label == label {
			return m.Value
		}
	}
	return -1
}

// TestBrowser_FromVisitToPage runs the program with the landing page of the demo shop: what its browser saw is in the API, on
// the page and in the series, and is the same everywhere. Then the program is killed, which leaves no browser, and started
// again, which leaves nothing of the one before.
func TestBrowser_FromVisitToPage(t *testing.T) {
	t.Parallel()
	shop, err := demo.Start(t.Context(), demo.Options{Visits: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shop.Close(); err != nil {
			t.Errorf("closing the shop: %v", err)
		}
	})
	dir := t.TempDir()
	binary := program{name: filepath.Join(dir, "channelwatch")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary.name, "../../cmd/channelwatch").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	private := openDir(t)
	settings := replaced(t, string(shop.Config()), "agent:\n", fmt.Sprintf("browser: {dir: %s}\nagent:\n  listen: 127.0.0.1:0\n", private))
	file := writeFile(t, filepath.Join(dir, "channelwatch.yaml"), settings)

	command := exec.CommandContext(t.Context(), binary.name, "run", "--config", file)
	log := &logs{}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var address []string
	eventually(t, "the agent to probe", func() string {
		if address = probingAt.FindStringSubmatch(log.String()); address == nil {
			return "it logged " + log.String()
		}
		return ""
	})
	checkVisit(t, newClient(t, address[1]))

	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
	eventually(t, "the browser to end with the agent that was killed", func() string {
		return strings.Join(processesOf(t, private), "\n")
	})
	again, ended := binary.run(t, "run", "--config", file)
	eventually(t, "a second visit", func() string {
		if len(processesOf(t, private)) == 0 {
			return "no browser runs; log: " + again.String()
		}
		return ""
	})
	if left := entriesOf(t, private); len(left) != 1 {
		t.Errorf("%v are there beside one browser, want what the agent before left behind to be swept", left)
	}
	pid := parentOf(t, private)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
	if left := append(entriesOf(t, private), processesOf(t, private)...); len(left) != 0 {
		t.Errorf("a clean stop left %v", left)
	}
}

// checkVisit compares what is told of the first visit of the desktop page in every place.
func checkVisit(t *testing.T, c *client) {
	t.Helper()
	var seen visited
	eventually(t, "a visit of the landing page", func() string {
		var answer struct{ Results []visited }
		c.get("/api/v1/touchpoints/desktop-web/autumn/results", &answer)
		if len(answer.Results) == 0 || len(answer.Results[0].Evidence.Visits) == 0 || answer.Results[0].Reason == "browser_starved" {
			return fmt.Sprintf("got %+v", answer)
		}
		seen = answer.Results[0]
		return ""
	})
	visit := seen.Evidence.Visits[0]
	lcp := seen.measured("web_vital_seconds", "lcp")
	if seen.Reason != "" || visit.Status != http.StatusOK || lcp <= 0 || lcp != seen.Duration || !strings.HasPrefix(visit.Browser, "chromium-headless-shell ") {
		t.Fatalf("got %+v, want a page that was seen after its largest content was painted", seen)
	}
	if sites := seen.measured("page_third_party_sites", ""); sites != 1 || seen.measured("page_party_bytes", "third") < 500 {
		t.Errorf("%v sites of third parties, want the one in the frame, with what it brought: %+v", sites, seen.Measurements)
	}
	status, data := c.fetch("/touchpoints/desktop-web/autumn/pictures/" + visit.Screenshot.ID)
	if picture, err := png.Decode(bytes.NewReader(data)); status != http.StatusOK || err != nil ||
		picture.Bounds().Dx() != visit.Screenshot.Width || picture.Bounds().Dy() != visit.Screenshot.Height {
		t.Errorf("screenshot: status %d, %v, want a picture of %d x %d", status, err, visit.Screenshot.Width, visit.Screenshot.Height)
	}
	if status, page := c.fetch("/touchpoints/desktop-web/autumn"); status != http.StatusOK || !bytes.Contains(page, []byte(visit.Screenshot.ID)) {
		t.Errorf("the page has status %d, want one with the picture %s", status, visit.Screenshot.ID)
	}
	eventually(t, "the vital among the series", func() string {
		want := strconv.FormatFloat(lcp, 'g', -1, 64)
		var answer struct {
			Data struct {
				Result []struct{ Value [2]json.RawMessage }
			}
		}
		c.get("/api/v1/query?query="+url.QueryEscape(`channelwatch_web_vital_seconds{channel="desktop-web",vital="lcp"}`), &answer)
		if len(answer.Data.Result) != 1 || string(answer.Data.Result[0].Value[1]) != strconv.Quote(want) {
			return fmt.Sprintf("got %v, want %s", answer.Data.Result, want)
		}
		return ""
	})
}

// openDir makes a directory that every user can enter, as browsers of a root agent run as another one.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browsers") //nolint:usetesting // nobody else could enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it has to be entered by others
		t.Fatal(err)
	}
	return dir
}

func entriesOf(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// processesOf returns the command lines of the processes that were started for a private directory below dir.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	for _, line := range commandLines(t) {
		if strings.Contains(line, "--user-data-dir="+dir) {
			all = append(all, line)
		}
	}
	return all
}

// commandLines returns the command lines of all processes by their ids.
func commandLines(t *testing.T) map[int]string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[int]string)
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline")) // it may have ended
			lines[pid] = string(line)
		}
	}
	return lines
}

// parentOf returns the process that started the browser of dir.
func parentOf(t *testing.T, dir string) int {
	t.Helper()
	for pid, line := range commandLines(t) {
		if !strings.Contains(line, "--user-data-dir="+dir) {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if parent, err := strconv.Atoi(strings.Fields(rest)[1]); err == nil {
			return parent
		}
	}
	t.Fatal("no browser runs")
	return 0
}
