package chromium

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// tail keeps the end of what a browser writes to its standard error.
type tail struct {
	max int // bytes

	mu   sync.Mutex
	data []byte
}

// Write keeps the end of p and never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p[max(0, len(p)-t.max):]...)
	if over := len(t.data) - t.max; over > 0 {
		t.data = slices.Delete(t.data, 0, over)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}

const (
	remarkLines = 3
	remarkBytes = 300
)

// remark picks what is worth reading from the end of a browser's standard error: fatal lines when there are some, else the
// last ones. What pages wrote to the console stays out, and so does everything of an address after its host: both can
// hold what nobody may read in a log.
func remark(written string) string {
	prefix := regexp.MustCompile(`^\[[^\]]*\]\s*`)
	address := regexp.MustCompile(`(\w+://)(?:[^\s/"']*@)?([^\s/"'?#]*)[^\s"']*`)
	var lines, fatal []string
	for line := range strings.Lines(written) {
		line = strings.TrimSpace(line)
		if line == "" || isNoise(line) {
			continue
		}
		text := prefix.ReplaceAllString(line, "")
		lines = append(lines, address.ReplaceAllString(text, "$1$2/…"))
		if strings.Contains(line, ":FATAL:") {
			fatal = append(fatal, lines[len(lines)-1])
		}
	}
	if len(fatal) > 0 {
		lines = fatal
	}
	return probe.Clip(strings.Join(lines[max(0, len(lines)-remarkLines):], "; "), remarkBytes)
}

// isNoise tells lines that say nothing of why a browser ended: a missing system bus, addresses of a stack.
func isNoise(line string) bool {
	return strings.Contains(line, "dbus/") || strings.Contains(line, "CONSOLE") || strings.HasPrefix(line, "#") ||
		strings.HasPrefix(line, "[end of stack trace]") || strings.HasPrefix(line, "Received signal")
}
