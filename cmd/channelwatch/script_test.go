package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts start this test as the command that it tests.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"channelwatch": main})
}

// TestScripts runs the scripts in testdata/script. Beside what testscript brings they know:
//
//	exits CODE PROGRAM ARGS…   run a program that must end with this exit code
//	expand FILE…               replace ${NAME} in files by the environment
//	until METHOD URL PATTERN   ask again and again until the answer matches
//	signal NAME                send a signal, such as HUP, to the program that runs in the background
//	json FILE                  the file must hold one JSON document
//	series PLAN URL            a scrape must show exactly the series that a plan in JSON promises
//
// $SHOP is a site to probe: / is fine, /broken is not, /slow takes a second and a half, /hangs never answers, and
// /asked says how often the last two were asked for. $AGENT is a free address. $CERTIFICATE names a certificate of its
// host that signed itself; the key is in key.pem. $BROWSERS is an empty directory that a browser of another user can
// enter.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "expand": expand, "until": until, "signal": signalCommand, "json": jsonFile, "series": sameSeries,
		},
	})
}

func setup(env *testscript.Env) error {
	shop := newShop()
	env.Defer(shop.Close)
	listener, err := net.Listen("tcp", ownHost()+":0")
	if err != nil {
		return err
	}
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command of a script ends a second later under the race detector
	env.Setenv("STATE_DIRECTORY", filepath.Join(env.WorkDir, "state"))
	env.Setenv("SHOP", shop.URL)
	env.Setenv("TAKEN", shop.Listener.Addr().String())
	env.Setenv("AGENT", listener.Addr().String())
	env.Setenv("CERTIFICATE", filepath.Join(env.WorkDir, "certificate.pem"))
	browsers, err := os.MkdirTemp("", "channelwatch-script-")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(browsers) })
	env.Setenv("BROWSERS", browsers)
	return errors.Join(os.Chmod(browsers, 0o711), listener.Close(), writeCertificate(env.WorkDir))
}

// ownHost returns a loopback address of this process alone: a port that was free there stays free, while one of 127.0.0.1
// is soon that of somebody else's server.
func ownHost() string { return fmt.Sprintf("127.1.%d.%d", os.Getpid()>>8&255, os.Getpid()&255) }

// writeCertificate writes certificate.pem and key.pem.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(ownHost())}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "certificate.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// newShop returns the site that scripts probe.
func newShop() *httptest.Server {
	var slow, hung atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>Shop</title><p>Add to basket</p>")
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "down for a while", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/asked", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "asked %d\nhung %d\n", slow.Load(), hung.Load())
	})
	mux.HandleFunc("/hangs", func(_ http.ResponseWriter, r *http.Request) {
		hung.Add(1)
		<-r.Context().Done()
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		slow.Add(1)
		timer := time.NewTimer(1500 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			_, _ = io.WriteString(w, "<!doctype html><title>Shop</title><p>late</p>")
		case <-r.Context().Done():
		}
	})
	return httptest.NewServer(mux)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// patience is how long scripts wait for what must happen.
const patience = 60 * time.Second

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: until METHOD URL PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := ask(args[0], args[1])
		if err == nil && pattern.MatchString(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			ts.Fatalf("waited %v for %q; last answer (%v):\n%s", patience, args[2], err, text)
		}
	}
}

// ask returns the status and the body of an answer.
func ask(method, url string) (string, error) {
	request, err := http.NewRequest(method, url, http.NoBody)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d\n%s", response.StatusCode, body), errors.Join(err, response.Body.Close())
}

func signalCommand(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|TERM|INT")
	}
	running := ts.BackgroundCmds()
	if len(running) != 1 {
		ts.Fatalf("%d programs run in the background, want 1", len(running))
	}
	ts.Check(running[0].Process.Signal(signals[args[0]]))
}

func jsonFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	var document any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &document))
}

// sameSeries counts the lines of a scrape that are samples: for each touchpoint those that name it, and all together.
func sameSeries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: series PLAN URL")
	}
	var promised plan
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &promised))
	text, err := ask(http.MethodGet, args[1])
	ts.Check(err)
	all, samples := 0, make(map[string]int)
	for line := range strings.Lines(text) {
		if starved := strings.HasPrefix(line, "channelwatch_experience_total{") && strings.Contains(line, `cause="agent_starved"`); starved {
			continue // a busy machine is no fault of the plan
		}
		if !strings.HasPrefix(line, "#") && strings.Contains(line, " ") {
			all++
			samples[valueOf(line, "channel")+"/"+valueOf(line, "touchpoint")]++
		}
	}
	if want := promised.Rest.Classic + promised.Host + promised.Parts; all != want {
		ts.Fatalf("a scrape has %d series, the plan promises %d:\n%s", all, want, text)
	}
	for _, tp := range promised.Touchpoints {
		if got := samples[tp.Channel+"/"+tp.Touchpoint]; got != tp.Rest.Classic {
			ts.Fatalf("%s/%s has %d series, the plan promises %d:\n%s", tp.Channel, tp.Touchpoint, got, tp.Rest.Classic, text)
		}
	}
}

// valueOf returns the value of a label in a line of a scrape.
func valueOf(line, label string) string {
	match := regexp.MustCompile(`[{,]` + label + `="([^"]*)"`).FindStringSubmatch(line)
	if match == nil {
		return ""
	}
	return match[1]
}
