package demo

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// late is by how much push messages are late: over the deadline of the configuration, within its window.
const late = 1800 * time.Millisecond

// broker is the shop's push service.
type broker struct {
	server *mochi.Server
	url    string
}

func (s *Shop) startBroker(certs certificates) (*broker, error) {
	b := &broker{server: mochi.New(&mochi.Options{
		Logger: slog.New(slog.DiscardHandler), InlineClient: true,
	})}
	if err := b.server.AddHook(&pushFaults{shop: s, server: b.server}, nil); err != nil {
		return b, fmt.Errorf("push broker: %w", err)
	}
	listener := listeners.NewTCP(listeners.Config{
		ID: "push", Address: "127.0.0.1:0",
		TLSConfig: &tls.Config{GetCertificate: certs, MinVersion: tls.VersionTLS12},
	})
	if err := b.server.AddListener(listener); err != nil {
		return b, fmt.Errorf("push broker: %w", err)
	}
	b.url = "mqtts://" + listener.Address()
	if err := b.server.Serve(); err != nil {
		return b, fmt.Errorf("push broker: %w", err)
	}
	return b, nil
}

// pushFaults is where messages go wrong.
type pushFaults struct {
	mochi.HookBase
	shop   *Shop
	server *mochi.Server
}

// ID names the hook.
func (*pushFaults) ID() string { return "push-faults" }

// Provides reports which events the hook handles.
func (*pushFaults) Provides(event byte) bool {
	return event == mochi.OnConnectAuthenticate || event == mochi.OnACLCheck || event == mochi.OnPublish
}

// OnConnectAuthenticate lets everybody in: the broker listens on loopback only.
func (*pushFaults) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

// OnACLCheck lets everybody publish and subscribe.
func (*pushFaults) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// OnPublish is called with every message before it is acknowledged and delivered.
func (h *pushFaults) OnPublish(client *mochi.Client, message packets.Packet) (packets.Packet, error) {
	switch {
	case client.Net.Inline: // the repeat below
	case h.shop.on(pushRejected):
		return message, packets.ErrQuotaExceeded
	case h.shop.on(pushLost):
		return message, packets.CodeSuccessIgnore // acknowledged, not delivered
	case h.shop.on(pushLate):
		h.shop.wait(nil, late)
	case h.shop.on(pushTwice):
		return message, h.server.Publish(message.TopicName, message.Payload, false, 0)
	}
	return message, nil
}
