package mqtt_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// shortageEnv makes the test binary probe with ever more file descriptors.
const shortageEnv = "MQTT_TEST_SHORTAGE"

// An agent without file descriptors knows nothing about a broker, least of all that its name is gone. A process of its
// own probes with few of them; the name is reserved (RFC 6761 section 6.4), so that no server answers for it.
func TestProbe_OutOfFileDescriptorsDuringLookup(t *testing.T) {
	if os.Getenv(shortageEnv) == "" {
		probes := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.count", "1")
		probes.Env = append(os.Environ(), shortageEnv+"=1")
		if out, err := probes.CombinedOutput(); err != nil {
			t.Errorf("probing in a process of its own: %v\n%s", err, out)
		}
		return
	}
	prober := newProber(t, "mqtt://broker.invalid", nil)
	const few = 3 // those of every process: input, output and errors
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
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: few, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	result, err := prober.Probe(ctx)
	if err == nil || !strings.Contains(err.Error(), "too many open files") {
		t.Errorf("got reason %q (%s) and error %v, want an error about open files", result.Reason, result.Detail, err)
	}
}
