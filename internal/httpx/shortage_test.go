package httpx_test

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// shortageEnv makes the test binary probe the service at "resolver host:port" with ever more file descriptors.
const shortageEnv = "HTTPX_TEST_SHORTAGE"

// An agent without file descriptors knows nothing about a service, in whichever phase they ran out: neither that its
// name is gone, nor that nobody answers. A process of its own probes with ever more of them, until a probe succeeds.
func TestClient_OutOfFileDescriptorsDuringLookup(t *testing.T) {
	if service := os.Getenv(shortageEnv); service != "" {
		probeShort(t, service)
		return
	}
	dns := nameserver(t, map[string]any{"shop.test": []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	target := listen(t, answer("HTTP/1.1 204 No Content\r\n\r\n"))
	_, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	probes := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.count", "1")
	probes.Env = append(os.Environ(), shortageEnv+"="+dns+" shop.test:"+port)
	if out, err := probes.CombinedOutput(); err != nil {
		t.Errorf("probing in a process of its own: %v\n%s", err, out)
	}
}

func probeShort(t *testing.T, service string) {
	t.Helper()
	resolver, host, _ := strings.Cut(service, " ")
	client := newClient(t, httpx.Options{Resolver: resolver, Timeout: time.Minute})
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	do(t, client, &httpx.Request{URL: "http://" + host}) // opens what the process needs for good
	short := 0
	for files := uint64(3); files < 50; files++ {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(t.Context(), &httpx.Request{URL: "http://" + host})
		switch {
		case err == nil && resp.Reason != "":
			t.Errorf("%d files: got %q (%s), want that nothing could be measured", files, resp.Reason, resp.Detail)
		case err == nil && short > 0:
			return
		case err == nil:
			t.Fatalf("%d files were enough, want a first probe that lacks some", files)
		case !strings.Contains(err.Error(), "too many open files"):
			t.Errorf("%d files: got the error %v, want one about open files", files, err)
		}
		short++
	}
	t.Error("50 files were not enough for one probe")
}
