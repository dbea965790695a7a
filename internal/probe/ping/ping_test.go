package ping_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/ping"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// inside says that the tests run in a network of their own, with loopback, addresses that everything is dropped on the
// way to, and no other way out.
const inside = "CHANNELWATCH_PING_TEST_INSIDE"

// hole is an address that everything is dropped on the way to, nowhere one that there is no way to.
const (
	hole    = "198.51.100.2"
	nowhere = "192.0.2.1"
)

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "" {
		os.Exit(isolate())
	}
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// isolate runs the tests again in a network of their own, as its administrator.
func isolate() int {
	self := exec.Command(os.Args[0], os.Args[1:]...)
	self.Env = append(os.Environ(), inside+"=1")
	self.Stdout, self.Stderr = os.Stdout, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	err := self.Run()
	if self.ProcessState == nil {
		fmt.Fprintf(os.Stderr, "starting the tests in a network of their own: %v; allow it with: sysctl -w kernel.unprivileged_userns_clone=1\n", err)
		return 1
	}
	return self.ProcessState.ExitCode()
}

// furnish sets the network up.
func furnish() error {
	for _, line := range []string{
		"link set lo up",
		"route add 198.51.100.0/24 dev lo", // what arrives for somebody else is dropped without a word: nothing is forwarded
	} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s; install it with: apt-get install -y iproute2", line, err, out)
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0o600)
}

func build(edit func(*ping.Config)) (probe.Built, error) {
	c := ping.Kind().NewConfig(probe.DesktopWeb).(*ping.Config)
	c.Host, c.Count = "127.0.0.1", 3
	if edit != nil {
		edit(c)
	}
	return ping.Kind().Build(c, probe.Setup{Timeout: 5 * time.Second, Every: time.Minute})
}

// run probes once, within the time that there is.
func run(t *testing.T, timeout time.Duration, edit func(*ping.Config)) (probe.Result, error) {
	t.Helper()
	built, err := build(edit)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return built.Prober.Probe(ctx)
}

func TestConformance(t *testing.T) {
	host := func(host string) func(testing.TB) probetest.Target {
		return func(testing.TB) probetest.Target { return probetest.Target{URL: host} }
	}
	probetest.Run(t, probetest.Subject{
		Kind: ping.Kind(), Type: probe.DesktopWeb,
		With: func(t probetest.Target) map[string]any { return map[string]any{"host": t.URL, "count": 2} },
	}, probetest.Fixture{
		Healthy: host("127.0.0.7"),
		Silent:  host(hole), SilentWant: "ping_unanswered",
		ClosedPort: host(nowhere), ClosedWant: probe.ConnectUnreachable,
	})
}

// TestProbe_Measures takes every figure of echoes that come back, over both families, with and without privilege.
func TestProbe_Measures(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.1.2.3", "::1"} {
		t.Run(host, func(t *testing.T) {
			result, err := run(t, 5*time.Second, func(c *ping.Config) { c.Host = host })
			checkMeasured(t, &result, err)
		})
		t.Run(host+" by a raw socket", func(t *testing.T) {
			result, err := refused(t, false, host)
			checkMeasured(t, &result, err)
		})
	}
}

func checkMeasured(t *testing.T, result *probe.Result, err error) {
	t.Helper()
	if err != nil || result.Reason != "" || len(result.Findings) > 0 {
		t.Fatalf("got %v, %q: %s, %v, want nothing wrong", err, result.Reason, result.Detail, result.Findings)
	}
	got := map[string]float64{}
	for _, m := range result.Measurements {
		got[m.Metric+" "+m.Label] = m.Value
	}
	least, mean, most := got["ping_round_trip_seconds min"], got["ping_round_trip_seconds avg"], got["ping_round_trip_seconds max"]
	if loss, ok := got["ping_loss_ratio "]; !ok || loss != 0 || len(got) != 5 {
		t.Errorf("got %v, want no loss and all figures", got)
	}
	if least <= 0 || mean < least || most < mean || result.Duration.Seconds() != mean {
		t.Errorf("got %v and a duration of %v, want them in order and the average", got, result.Duration)
	}
	if n := len(result.Evidence.Events); n != 4 {
		t.Errorf("got %d events, want three echoes and a summary", n)
	}
}

// refused probes in a fresh network, in which no group may send echoes without privilege; powerless takes the privilege
// away, too. It all happens on one thread, which nobody else gets to use any more.
func refused(t *testing.T, powerless bool, host string) (result probe.Result, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if err = exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up").Run(); err != nil {
			return
		}
		if powerless {
			none := [2]unix.CapUserData{}
			if err = unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
				return
			}
		}
		result, err = probeOnce(t.Context(), host)
	}()
	<-done
	return result, err
}

func probeOnce(ctx context.Context, host string) (probe.Result, error) {
	built, err := build(func(c *ping.Config) { c.Host = host })
	if err != nil {
		return probe.Result{}, err
	}
	return built.Prober.Probe(ctx)
}

// TestProbe_Lost says how many echoes nobody answered.
func TestProbe_Lost(t *testing.T) {
	result, err := run(t, 2*time.Second, func(c *ping.Config) { c.Host = hole })
	if err != nil || result.Reason != "ping_unanswered" || !strings.Contains(result.Detail, "none of 3 echoes to "+hole) {
		t.Errorf("got %v, %q: %s, want %d lost echoes", err, result.Reason, result.Detail, 3)
	}
	if diff := cmp.Diff([]probe.Measurement{{Metric: "ping_loss_ratio", Value: 1}}, result.Measurements); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
}

// TestProbe_Forbidden says that the host forbids echoes, and what to set.
func TestProbe_Forbidden(t *testing.T) {
	result, err := refused(t, true, "127.0.0.1")
	want := "set net.ipv4.ping_group_range to a range with group 0, or give the agent CAP_NET_RAW"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v and %+v, want an error with %q", err, result, want)
	}
}

// TestProbe_Name looks a name up first.
func TestProbe_Name(t *testing.T) {
	result, err := run(t, 5*time.Second, func(c *ping.Config) { c.Host, c.Resolver = "shop.example.test", "127.0.0.1:9" })
	if _, resolved := result.Phases.Get(probe.Resolve); err != nil || result.Reason != probe.DNSFailed || !resolved {
		t.Errorf("got %v, %q: %s, want %q", err, result.Reason, result.Detail, probe.DNSFailed)
	}
	result, err = run(t, 5*time.Second, func(c *ping.Config) { c.Host = "localhost" })
	if _, resolved := result.Phases.Get(probe.Resolve); err != nil || result.Reason != "" || !resolved {
		t.Errorf("got %v, %q: %s, want an echo after the lookup", err, result.Reason, result.Detail)
	}
}

func TestSummarise(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := map[string]struct {
		trips []time.Duration
		want  [4]time.Duration
	}{
		"one":     {[]time.Duration{4 * ms}, [4]time.Duration{4 * ms, 4 * ms, 4 * ms, 0}},
		"steady":  {[]time.Duration{4 * ms, 4 * ms, 4 * ms}, [4]time.Duration{4 * ms, 4 * ms, 4 * ms, 0}},
		"jumping": {[]time.Duration{2 * ms, 8 * ms, 5 * ms}, [4]time.Duration{2 * ms, 5 * ms, 8 * ms, 4500 * time.Microsecond}},
	}
	for name, test := range tests {
		if got := ping.Summarise(test.trips); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestLossCheck(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "", 0.02: "ping_loss", 0.24: "ping_loss", 0.25: "ping_heavy_loss", 0.9: "ping_heavy_loss"} {
		if got := ping.LossCheck(share); got != want {
			t.Errorf("%v lost: got %q, want %q", share, got, want)
		}
	}
}

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit func(*ping.Config)
		want string
	}{
		"no host":  {func(c *ping.Config) { c.Host = "" }, "host: want host:port, without anything else"},
		"port":     {func(c *ping.Config) { c.Host = "example.com:80" }, "host: has a port, which echoes do not know"},
		"none":     {func(c *ping.Config) { c.Count = 0 }, "count: 0, want 1 to 50"},
		"rude":     {func(c *ping.Config) { c.Interval = time.Millisecond }, "interval: 1ms, want at least 200ms"},
		"too long": {func(c *ping.Config) { c.Count = 50 }, "count: 50 echoes 200ms apart take 10.8s with the wait for the last, want them within the timeout of 5s"},
		"resolver": {func(c *ping.Config) { c.Resolver = "dns" }, `resolver: "dns" has no port, want host:port`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := build(test.edit); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
