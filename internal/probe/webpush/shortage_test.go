package webpush_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// shortageEnv makes the test binary probe without file descriptors.
const shortageEnv = "WEBPUSH_TEST_SHORTAGE"

// An agent without file descriptors knows nothing about a push service, and its error does not name the endpoint. A process
// of its own probes with few of them.
func TestProbe_OutOfFileDescriptors(t *testing.T) {
	if os.Getenv(shortageEnv) == "" {
		probes := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.count", "1")
		probes.Env = append(os.Environ(), shortageEnv+"=1")
		if out, err := probes.CombinedOutput(); err != nil {
			t.Errorf("probing in a process of its own: %v\n%s", err, out)
		}
		return
	}
	const secret = "Zm9yIHRoZSBleWVzIG9mIG9uZQ"
	prober := fileProber(t, "none", private(t, "canary.json", subscriptionAt(t, "http://127.0.0.1:9/wpush/v2/"+secret)), nil, nil)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	// The first use of the network opens what the runtime needs for good, and it panics when it cannot.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	const few = 3 // those of every process: input, output and errors
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: few, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) }() // cleaning up takes some, too
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	result, err := prober.Probe(ctx)
	if err == nil || !strings.Contains(err.Error(), "too many open files") {
		t.Fatalf("got reason %q (%s) and error %v, want an error about open files", result.Reason, result.Detail, err)
	}
	wantNone(t, err.Error(), secret)
}
