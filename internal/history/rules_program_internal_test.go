//go:build !nohistory

package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is one of the real parts, and the Debian package that installs it.
type program struct{ name, pkg string }

// server is a program that runs.
type server struct {
	address string
	stop    func()
}

// unusedAddress returns an address that nobody listens on. Its host is that of this process alone, so that nobody else is
// given its port meanwhile.
func unusedAddress(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.1.%d.%d", os.Getpid()>>8&255, os.Getpid()&255)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// serve runs a program that listens on an address until stop or the end of the test. It is ready when it answers at path.
func (p program) serve(t *testing.T, address, path string, args ...string) *server {
	t.Helper()
	executable, err := exec.LookPath(p.name)
	if err != nil {
		t.Fatalf("%v; install it: apt-get install -y %s", err, p.pkg)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, executable, args...)
	log := new(lockedBuffer)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second // then it is killed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // that it was told to stop is no news
		close(ended)
	}()
	s := &server{address: address, stop: sync.OnceFunc(func() { cancel(); <-ended })}
	t.Cleanup(func() {
		s.stop()
		if text := log.String(); t.Failed() {
			t.Logf("log of %s:\n%s", p.name, text[max(0, len(text)-4096):])
		}
	})
	eventually(t, p.name+" answers", func() string {
		if _, err := fetch(t, http.MethodGet, "http://"+address+path); err != nil {
			return err.Error()
		}
		return ""
	})
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// eventually waits until a check returns nothing, which says what is missing otherwise.
func eventually(t *testing.T, what string, check func() (missing string)) {
	t.Helper()
	const patience = 3 * time.Minute
	missing := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); sleepUntil(t.Context(), time.Now().Add(50*time.Millisecond)) {
		if missing = check(); missing == "" {
			return
		}
	}
	t.Fatalf("%s: not after %s: %s", what, patience, missing)
}

// fetch returns the body of an answer with a status of 2xx.
func fetch(t *testing.T, method, from string) ([]byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s: %s", resp.Status, body.String())
	}
	return body.Bytes(), nil
}

// serverSeries is a series in an answer of the API of Prometheus: of a range query the values, of an instant query the value.
type serverSeries struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

// asks asks a server that has the API of Prometheus. A query that ends in a range selector gives raw samples.
func (s *server) asks(t *testing.T, query string, at time.Time) []serverSeries {
	t.Helper()
	q := url.Values{"query": {query}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}
	body, err := fetch(t, http.MethodGet, "http://"+s.address+"/api/v1/query?"+q.Encode())
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var parsed struct {
		Data struct{ Result []serverSeries }
	}
	if err := json.Unmarshal(body, &parsed); err != nil {
		t.Fatalf("%s: %v in %s", query, err, strings.TrimSpace(string(body)))
	}
	return parsed.Data.Result
}
