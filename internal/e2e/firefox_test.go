package e2e_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	kind "github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/pushservice"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

// aloneEnv tells the test binary that it runs in a network of its own.
const aloneEnv = "CHANNELWATCH_TEST_ALONE"

// TestFirefox_IsACanary lets a real Firefox subscribe to push messages, with the page and the service worker that the
// documentation hands out, and probes it. All of it runs in a network that has nothing but loopback, so that the browser can reach no
// service of its maker.
func TestFirefox_IsACanary(t *testing.T) {
	t.Parallel()
	if os.Getenv(aloneEnv) == "" {
		runAlone(t)
		return
	}
	raiseLoopback(t)
	service, err := pushservice.Start(t.Context(), "127.0.0.1:0", pushservice.Options{RequireVAPID: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Close() })
	book := ledger.New()
	sender := newSender(t)
	page := openPage(t, sender.vapid.PublicKey(), service)
	startFirefox(t, service.URL(), page.url)
	subscription := page.subscription(t)

	receipts := serveReceipts(t, book)
	canary := sender.prober(t, book, receipts, subscription, 20*time.Second)
	const messages = 10
	for i := range messages {
		result := probeOnce(t, canary)
		if ended := outcome(result); result.Reason != "" || ended != push.EndedDelivered {
			t.Fatalf("message %d: %q, %s, %s, want it to be delivered", i, ended, result.Reason, result.Detail)
		}
	}
	eventually(t, "Firefox to acknowledge all messages", func() string {
		if n := service.Acks(100); n != messages {
			return fmt.Sprintf("it did with %d", n)
		}
		return ""
	})

	// With another secret the push service takes the message, and the browser cannot read it.
	garbled := regexp.MustCompile(`"auth": "[^"]+"`).ReplaceAll(subscription, []byte(`"auth": "AAAAAAAAAAAAAAAAAAAAAA"`))
	result := probeOnce(t, sender.prober(t, book, receipts, garbled, 3*time.Second))
	if ended := outcome(result); ended != push.EndedLost || result.Reason != push.Lost {
		t.Errorf("%q, %s, %s, want a message that nobody can read to be lost", ended, result.Reason, result.Detail)
	}
	eventually(t, "Firefox to say so", func() string {
		if n := service.Acks(101); n != 1 {
			return fmt.Sprintf("it could not read %d messages, want 1", n)
		}
		return ""
	})
}

// runAlone runs this test again in a network of its own.
func runAlone(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("firefox-esr"); err != nil {
		t.Fatalf("%v; run apt-get install -y firefox-esr", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", (2 * patience).String())
	command.Env = append(os.Environ(), aloneEnv+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	output, err := command.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Fatalf("%v; a network of its own needs root, or user namespaces that are allowed", err)
	}
	if err != nil || !bytes.Contains(output, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in a network of its own: %v\n%s", err, output)
	}
}

// raiseLoopback brings up the only interface of a new network.
func raiseLoopback(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(socket) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatalf("bringing up loopback: %v", err)
	}
	if all, err := net.Interfaces(); err != nil || len(all) != 1 {
		t.Fatalf("interfaces %v, %v, want loopback alone", all, err)
	}
}

// serveReceipts takes in receipts and returns where.
func serveReceipts(t *testing.T, book *ledger.Ledger) string {
	t.Helper()
	server, err := ledger.NewServer(ledger.Options{Ledger: book})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); err != nil {
			t.Errorf("receipts: %v", err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("receipts: %v", err)
		}
		serving.Wait()
	})
	return "http://" + listener.Addr().String()
}

// sender has the key that browsers subscribe for.
type sender struct {
	vapid   *webpush.VAPID
	keyFile string
}

func newSender(t *testing.T) *sender {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	vapid, err := webpush.ParseVAPID(text)
	if err != nil {
		t.Fatal(err)
	}
	return &sender{vapid: vapid, keyFile: writeSecret(t, "vapid.pem", text)}
}

func writeSecret(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// prober returns a prober that sends to a subscription and waits for its receipts.
func (s *sender) prober(t *testing.T, book *ledger.Ledger, receipts string, subscription []byte, window time.Duration) probe.Prober {
	t.Helper()
	k := kind.Kind(book)
	config := k.NewConfig(probe.Push).(*kind.Config)
	config.Receive, config.SubscriptionFile = "receipt", writeSecret(t, "canary.json", subscription)
	config.VAPIDKeyFile, config.Subject = s.keyFile, "mailto:push@example.com"
	config.Window = window
	built, err := k.Build(config, probe.Setup{
		Channel: "push", Touchpoint: "canary", Type: probe.Push, Every: 5 * time.Minute, Timeout: 30 * time.Second, Receipts: receipts,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(built.Close)
	return built.Prober
}

func probeOnce(t *testing.T, prober probe.Prober) probe.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	result, err := prober.Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// outcome returns how the message of a result ended.
func outcome(result probe.Result) string {
	for _, m := range result.Measurements {
		if m.Metric == push.MessagesTotal {
			return m.Label
		}
	}
	return ""
}

// canaryPage is the page that subscribes a browser, with its server.
type canaryPage struct {
	url  string
	told chan []byte
}

// openPage serves the page that the documentation hands out, with a script that does what a user does there. It waits
// until the browser has connected to its push service, because one that has just started loses what it is asked before.
func openPage(t *testing.T, key string, service *pushservice.Service) *canaryPage {
	t.Helper()
	snippets := filepath.Join("..", "ledger", "snippets")
	html, err := os.ReadFile(filepath.Join(snippets, "canary.html"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(html) + fmt.Sprintf(`<script type="module">
await fetch('/ready');
const shown = document.getElementById('subscription');
new MutationObserver(() => fetch('/subscription', { method: 'POST', body: shown.textContent })).observe(shown, { childList: true });
document.getElementById('key').value = %q;
document.getElementById('subscribe').click();
</script>`, key)
	told := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	mux.Handle("GET /", http.FileServer(http.Dir(snippets)))
	mux.HandleFunc("GET /ready", func(_ http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for service.Receivers() == 0 && r.Context().Err() == nil {
			<-tick.C
		}
	})
	mux.HandleFunc("POST /subscription", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10)) // what is missing is missed by who reads it
		select {
		case told <- text:
		default:
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return &canaryPage{url: "http://localhost:" + port + "/", told: told}
}

// subscription returns what the browser told about its subscription.
func (p *canaryPage) subscription(t *testing.T) []byte {
	t.Helper()
	var text []byte
	eventually(t, "Firefox to subscribe", func() string {
		select {
		case text = <-p.told:
			return ""
		default:
			return "it has not told a subscription"
		}
	})
	if _, err := webpush.ParseSubscription(text); err != nil {
		t.Fatalf("Firefox said %s: %v", text, err)
	}
	return text
}

// startFirefox opens a page in a Firefox with a profile of its own and without a window.
func startFirefox(t *testing.T, service, page string) {
	t.Helper()
	home := t.TempDir()
	settings := map[string]string{
		"dom.push.serverURL":                          fmt.Sprintf("%q", service),
		"dom.push.testing.allowInsecureServerURL":     "true", // it is on this machine
		"permissions.default.desktop-notification":    "1",
		"dom.webnotifications.requireuserinteraction": "false",
		"dom.push.testing.ignorePermission":           "true", // nobody is there to be asked
		"network.manage-offline-status":               "false",
		"browser.shell.checkDefaultBrowser":           "false",
		"browser.aboutwelcome.enabled":                "false",
		"browser.startup.homepage_override.mstone":    `"ignore"`,
		"datareporting.policy.dataSubmissionEnabled":  "false",
		"network.captive-portal-service.enabled":      "false",
		"network.connectivity-service.enabled":        "false",
		"app.update.disabledForTesting":               "true",
	}
	var prefs strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&prefs, "user_pref(%q, %s);\n", name, value)
	}
	writeFile(t, filepath.Join(home, "user.js"), prefs.String())
	log := &logs{}
	command := exec.CommandContext(t.Context(), "firefox-esr", "--headless", "--no-remote", "--profile", home, page)
	command.Env = append(os.Environ(), "HOME="+home, "MOZ_CRASHREPORTER_DISABLE=1")
	command.Stdout, command.Stderr = log, log
	command.WaitDelay = patience
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) } // its processes are many
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Wait() // it is killed by the end of the test
		if t.Failed() {
			t.Logf("Firefox: %s", log)
		}
	})
}
