//go:build !nohistory

package history

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"
)

func TestSender_TakesAddressesFromFilesWithoutCredentials(t *testing.T) {
	leavesNothing(t)
	dir := t.TempDir()
	list := filepath.Join(dir, "list.yaml")
	write := func(targets string) {
		// In place of the one before, as editors do: nobody reads half a file.
		if err := os.WriteFile(list+".new", []byte("- targets: ["+targets+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(list+".new", list); err != nil {
			t.Fatal(err)
		}
	}
	var log lockedBuffer
	s, err := newSender(Options{
		Alerting: Block{Dir: dir, Text: []byte(`
alertmanagers:
  - file_sd_configs: [{files: [list.yaml], refresh_interval: 100ms}]
    path_prefix: /am
    relabel_configs: [{source_labels: [__address__], regex: 127.0.0.1:2, action: drop}]
`)},
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	write("'127.0.0.1:1'")
	stop := s.start(t.Context())
	eventually(t, "the address of the file is used", func() string {
		if got := fmt.Sprint(s.active(), s.dropped()); got != "[http://127.0.0.1:1/am/api/v2/alerts] []" {
			return got
		}
		return ""
	})
	write("'u:" + sesame + "@127.0.0.1:1', 'u:" + sesame + "@127.0.0.1:2', '127.0.0.1:3'")
	eventually(t, "the addresses of the changed file are used", func() string {
		if got := fmt.Sprint(s.active(), s.dropped()); got != "[http://127.0.0.1:1/am/api/v2/alerts http://127.0.0.1:3/am/api/v2/alerts] [http://127.0.0.1:2/am/api/v2/alerts]" {
			return got
		}
		return ""
	})
	s.send([]*notifier.Alert{{Labels: labels.FromStrings("alertname", "x")}})
	stop() // nobody is there
	if !strings.Contains(log.String(), "Error sending alerts") {
		t.Errorf("nothing is said of Alertmanagers that are not there:\n%s", log.String())
	}
	if strings.Contains(log.String(), sesame) {
		t.Errorf("the secret is told:\n%s", log.String())
	}
	s.send([]*notifier.Alert{{}}) // after the end that is nothing
	if got := len(s.active()) + len(s.dropped()); got != 0 {
		t.Errorf("%d Alertmanagers after the end", got)
	}
}

func TestSender_WaitsForWhatIsOnItsWay(t *testing.T) {
	leavesNothing(t)
	took := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sleepUntil(r.Context(), time.Now().Add(300*time.Millisecond))
		if r.Context().Err() == nil {
			close(took)
		}
	}))
	defer slow.Close()
	s, err := newSender(Options{Alerting: Block{Text: []byte("alertmanagers: [{static_configs: [{targets: ['" + slow.Listener.Addr().String() + "']}]}]")}})
	if err != nil {
		t.Fatal(err)
	}
	stop := s.start(t.Context())
	eventually(t, "the address is known", func() string {
		if len(s.active()) == 0 {
			return "it is not"
		}
		return ""
	})
	s.send([]*notifier.Alert{{Labels: labels.FromStrings("alertname", "x")}})
	stop()
	select {
	case <-took:
	default:
		t.Error("an alert that was on its way was given up")
	}
}
