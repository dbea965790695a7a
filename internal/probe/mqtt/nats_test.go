package mqtt_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	old "github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// startNATS starts a real nats-server, whose MQTT is 3.1.1 only, and returns its URL.
func startNATS(tb testing.TB) string {
	tb.Helper()
	if _, err := exec.LookPath("nats-server"); err != nil {
		tb.Fatal("nats-server is missing: apt-get install -y nats-server")
	}
	dir := tb.TempDir()
	port := freePort(tb)
	config := filepath.Join(dir, "nats.conf")
	address := net.JoinHostPort(loopback(), port)
	writeFile(tb, config, fmt.Sprintf("server_name: test\nlisten: %s\njetstream {store_dir: %q}\nmqtt {listen: %s}\n",
		net.JoinHostPort(loopback(), freePort(tb)), filepath.Join(dir, "store"), address))
	// Not the test's context: it ends before the cleanup that waits for the process.
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), "nats-server", "-c", config)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		tb.Fatalf("starting nats-server: %v", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // reports the signal
	})
	if !eventually(tb, 20*time.Second, func() bool { return welcomes(address) }) {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		tb.Fatalf("nats-server lets nobody in: %s", output.String())
	}
	return "mqtt://" + address
}

// welcomes reports whether a broker lets a client in. The first one waits until the store is there.
func welcomes(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	hello := old.NewControlPacket(old.Connect).(*old.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.CleanSession, hello.ClientIdentifier = "MQTT", 4, true, "first"
	if hello.Write(conn) != nil {
		return false
	}
	answer, err := old.ReadPacket(conn)
	welcome, ok := answer.(*old.ConnackPacket)
	return err == nil && ok && welcome.ReturnCode == 0
}

func TestProbe_NATS(t *testing.T) {
	t.Parallel()
	url := startNATS(t)
	speak := func(qos int) func(*mqtt.Config) {
		return func(c *mqtt.Config) { c.Version, c.QoS, c.Topic = "3.1.1", qos, fmt.Sprintf("%s/%d", topic, qos) }
	}
	for qos := range 2 {
		t.Run(fmt.Sprintf("3.1.1, QoS %d", qos), func(t *testing.T) {
			t.Parallel()
			p := newProber(t, url, speak(qos))
			for range 3 {
				r := take(t, p)
				want(t, r, "", "delivered")
				wantFindings(t, r)
			}
		})
	}
	t.Run("3.1.1, QoS 2 is more than this server takes", func(t *testing.T) {
		t.Parallel()
		r := take(t, newProber(t, url, speak(2)))
		want(t, r, "message_unsent", "unsent")
		if said := everything(t, r); !strings.Contains(r.Detail, "publisher disconnected") || !strings.Contains(said, "at QoS 1, of 2 asked for") {
			t.Errorf("got %s, want to read that the server grants less and hangs up", said)
		}
	})
	t.Run("version 5 is refused with a hint", func(t *testing.T) {
		t.Parallel()
		r := take(t, newProber(t, url, nil))
		want(t, r, "mqtt_version_refused", "")
		if !strings.Contains(r.Detail, `set version: "3.1.1"`) {
			t.Errorf("detail is %q, want to read there what to set", r.Detail)
		}
	})
}
