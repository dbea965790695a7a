package demo

import (
	"crypto/tls"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/channelwatch/channelwatch/internal/broker"
)

// late is by how much push messages are late: over the deadline of the configuration, within its window.
const late = 1800 * time.Millisecond

// startBroker starts the shop's push service.
func (s *Shop) startBroker(certs certificates) (*broker.Broker, error) {
	return broker.Start(&tls.Config{GetCertificate: certs, MinVersion: tls.VersionTLS12}, s.push)
}

// push is where messages go wrong.
func (s *Shop) push(server *mochi.Server, message packets.Packet) (packets.Packet, error) {
	switch {
	case s.on(pushRejected):
		return message, packets.ErrQuotaExceeded
	case s.on(pushLost):
		return message, packets.CodeSuccessIgnore // acknowledged, not delivered
	case s.on(pushLate):
		s.wait(nil, late)
	case s.on(pushTwice):
		return message, server.Publish(message.TopicName, message.Payload, false, 0)
	}
	return message, nil
}
