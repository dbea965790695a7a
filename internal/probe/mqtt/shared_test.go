package mqtt_test

import (
	"sync/atomic"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
)

// A probe whose message is lost gives up its connections, but not while another probe waits for its message there.
func TestProbe_LeavesConnectionsToOthers(t *testing.T) {
	t.Parallel()
	// The second message has half the window, which a busy machine needs.
	const timeout, window = 4 * timeout, 4 * window
	for version, speak := range versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			var came atomic.Int32
			published, over := make(chan struct{}), make(chan struct{})
			url := startMochi(t, func(server *mochi.Server, m packets.Packet) (packets.Packet, error) {
				switch came.Add(1) {
				case 1:
					close(published)
					return m, packets.CodeSuccessIgnore
				case 2:
					go func() {
						<-over
						_ = server.Publish(m.TopicName, m.Payload, false, 1)
					}()
					return m, packets.CodeSuccessIgnore
				}
				return m, nil
			})
			p := newProberWithin(t, timeout, url, both(speak, func(c *mqtt.Config) { c.Window = window }))
			first := make(chan probe.Result, 1)
			go func() { first <- takeWithin(t, timeout, p); close(over) }()
			<-published
			<-time.After(window / 2)
			second := takeWithin(t, timeout, p)
			want(t, second, "", "delivered")
			want(t, <-first, "message_lost", "lost")
			third := takeWithin(t, timeout, p)
			want(t, third, "", "delivered")
			if got := value(third, "push_receiver_reconnects_total", ""); got != 1 {
				t.Errorf("the subscriber connected again %v times when nobody waited any more, want once", got)
			}
		})
	}
}
