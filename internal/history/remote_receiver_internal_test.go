//go:build !nohistory

package history

import (
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// commit appends a sample that is younger than the receivers.
func commit(t *testing.T, st storage.Storage, name string) {
	t.Helper()
	app := st.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", name), time.Now().Add(time.Second).UnixMilli(), 1); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// reading returns a reading of one receiver.
func (r *remoteWrite) reading(name, receiver string) float64 {
	for _, got := range r.readings() {
		if got.Name == name && got.Labels[0].Value == receiver {
			return got.Value
		}
	}
	return -1
}

func TestRemoteWrite_ReceiversDoNotWaitForEachOther(t *testing.T) {
	leavesNothing(t)
	// Each answers when both have been asked: those that are asked in turn do not answer in time.
	var mu sync.Mutex
	asked := map[string]bool{}
	both, took := make(chan struct{}), make(chan string, 2)
	receive := func(name string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the sender hangs up
			mu.Lock()
			if asked[name] = true; len(asked) == 2 {
				close(both)
			}
			mu.Unlock()
			select {
			case <-both:
				took <- name
			case <-r.Context().Done():
			}
		}))
	}
	a, b := receive("a"), receive("b")
	defer a.Close()
	defer b.Close()
	home := t.TempDir()
	db := openShop(t, home)
	defer func() { _ = db.Close() }()
	r := mustRemote(t, `
- {name: a, url: 'http://`+a.Listener.Addr().String()+`/', queue_config: {batch_send_deadline: 1h}}
- {name: b, url: 'http://`+b.Listener.Addr().String()+`/', queue_config: {batch_send_deadline: 1h}}
`, "", nil)
	st := r.attach(t.Context(), db, home)
	eventually(t, "a sample waits for each", func() string {
		const waiting = "history_remote_write_samples_pending"
		if r.reading(waiting, "a") > 0 && r.reading(waiting, "b") > 0 {
			return ""
		}
		commit(t, st, "more") // a queue that has just begun misses what comes at that moment
		return fmt.Sprint(r.readings())
	})
	if err := r.detach(); err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for range len(took) {
		got = append(got, <-took)
	}
	slices.Sort(got)
	same(t, "those that took the last sample", []string{"a", "b"}, got)
}

// A receiver that cannot be set up says so, does not silence the others, and is set up when it can be.
func TestRemoteWrite_TriesAReceiverAgain(t *testing.T) {
	leavesNothing(t)
	var mu sync.Mutex
	took := map[string]int{}
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		took[r.URL.Path]++
	}))
	defer receiver.Close()
	arrived := func(path string) func() string {
		return func() string {
			mu.Lock()
			defer mu.Unlock()
			if took[path] > 0 {
				return ""
			}
			return fmt.Sprint(took)
		}
	}
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	write := func(text []byte) {
		if err := os.WriteFile(ca, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})
	write(good)
	var log lockedBuffer
	r := mustRemote(t, `
- {name: broken, url: 'https://%s/broken', tls_config: {ca_file: `+ca+`}, queue_config: {batch_send_deadline: 10ms}}
- {name: sound, url: 'https://%s/sound', tls_config: {insecure_skip_verify: true}, queue_config: {batch_send_deadline: 10ms}}
`, receiver.Listener.Addr().String(), slog.New(slog.NewTextHandler(&log, nil)))
	write([]byte("half a file"))

	home := t.TempDir()
	db := openShop(t, home)
	defer func() { _ = db.Close() }()
	st := r.attach(t.Context(), db, home)
	pass(10 * time.Millisecond) // a queue that has just begun misses what comes at that moment
	commit(t, st, "first")
	eventually(t, "the sound receiver has a sample", arrived("/sound"))
	for name, up := range map[string]float64{"broken": 0, "sound": 1} {
		if got := r.reading(remoteUp, name); got != up {
			t.Errorf("%s of %s is %v, want %v", remoteUp, name, got, up)
		}
	}
	if got := r.reading(remoteLag, "broken"); got < 1 {
		t.Errorf("the broken one lags %v s behind a sample that comes 1 s after it", got)
	}
	if got := r.notice(); !strings.HasPrefix(got, "nothing is sent to broken by remote write: ") || !strings.Contains(got, ca) || strings.Contains(got, "sound") {
		t.Errorf("notice %q, want that nothing is sent to broken because of %s", got, ca)
	}
	write(good)
	eventually(t, "the broken one is set up", r.notice)
	for i := range 3 {
		commit(t, st, fmt.Sprintf("later_%d", i))
		pass(10 * time.Millisecond)
	}
	eventually(t, "the broken one has a sample", arrived("/broken"))
	if got := r.reading(remoteUp, "broken"); got != 1 {
		t.Errorf("%s is %v, want 1", remoteUp, got)
	}
	if n := strings.Count(log.String(), "nothing is sent by remote write"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, log.String())
	}
	if err := r.detach(); err != nil {
		t.Error(err)
	}
	if got := r.reading(remoteUp, "sound"); got != 0 {
		t.Errorf("%s is %v after the end, want 0", remoteUp, got)
	}
}

func TestRemoteWrite_CountsWhatWasTaken(t *testing.T) {
	leavesNothing(t)
	for name, tt := range map[string]struct {
		answers       []int
		taken, failed float64
	}{
		"taken":                    {[]int{200}, 1, 0},
		"taken at the third try":   {[]int{503, 503, 200}, 1, 0},
		"refused":                  {[]int{400}, 0, 1},
		"refused after some tries": {[]int{503, 503, 400}, 0, 1},
		"tried all the time":       {[]int{503}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			tries := 0
			receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				w.WriteHeader(tt.answers[min(tries, len(tt.answers)-1)])
				tries++
			}))
			defer receiver.Close()
			home := t.TempDir()
			db := openShop(t, home)
			defer func() { _ = db.Close() }()
			r := mustRemote(t, "- {name: x, url: 'http://%s/', queue_config: {batch_send_deadline: 10ms, min_backoff: 1ms, max_backoff: 1ms}}", receiver.Listener.Addr().String(), nil)
			st := r.attach(t.Context(), db, home)
			pass(10 * time.Millisecond) // a queue that has just begun misses what comes at that moment
			commit(t, st, "only")
			const failed = "history_remote_write_samples_failed_total"
			eventually(t, "it was tried", func() string {
				mu.Lock()
				defer mu.Unlock()
				if got := r.reading(remoteTaken, "x"); got > tt.taken {
					t.Errorf("%v samples were taken, want %v", got, tt.taken)
				}
				if tries < max(5, len(tt.answers)) && tt.taken+tt.failed == 0 || r.reading(remoteTaken, "x") < tt.taken || r.reading(failed, "x") < tt.failed {
					return fmt.Sprint(tries, r.readings())
				}
				return ""
			})
			if err := r.detach(); err != nil {
				t.Error(err)
			}
		})
	}
}
