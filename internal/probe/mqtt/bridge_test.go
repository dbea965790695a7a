package mqtt_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// A message published at one broker and received at another has crossed everything between them. The bridge between
// these two speaks 3.1.1, so that what only version 5 has does not cross it.
func TestProbe_AcrossABridge(t *testing.T) {
	t.Parallel()
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			far := startMosquitto(t)
			near := startMosquitto(t,
				"connection far", "address "+far.address(), "topic # out 2", "bridge_protocol_version mqttv311", "restart_timeout 1", "try_private false")
			p := newProber(t, "mqtt://"+near.address(), both(speak, func(c *mqtt.Config) { c.ReceiveURL, c.Window = "mqtt://"+far.address(), time.Second }))
			// The bridge needs a moment to stand.
			eventually(t, 10*time.Second, func() bool { return take(t, p).Reason == "" })
			r := take(t, p)
			want(t, r, "", "delivered")
			wantFindings(t, r)

			far.kill(t)
			gone := take(t, p)
			if gone.Reason != "connect_refused" && gone.Reason != "message_lost" {
				t.Errorf("got reason %q (%s), want the receiving broker missed", gone.Reason, gone.Detail)
			}
			if !far.start(t) {
				t.Fatal("the broker does not come back")
			}
			near.kill(t)
			down := take(t, p)
			if down.Reason != "connect_refused" && down.Reason != "message_unsent" {
				t.Errorf("got reason %q (%s), want the sending broker missed", down.Reason, down.Detail)
			}
		})
	}
}
