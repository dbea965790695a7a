package mqtt_test

import (
	"net"
	"testing"

	old "github.com/eclipse/paho.mqtt.golang/packets"
)

// behaviour3 is what a broker of version 3.1.1 does; nil means the right thing.
type behaviour3 struct {
	connect   func(net.Conn) // instead of CONNACK
	subscribe func(net.Conn, *old.SubscribePacket)
	publish   func(b *fakeBroker3, c net.Conn, p *old.PublishPacket)
}

// fakeBroker3 speaks just enough MQTT 3.1.1 to commit every sin that a real broker would not commit on demand.
type fakeBroker3 struct {
	behaviour3
	subscribers
	url string
}

func newFakeBroker3(tb testing.TB, does behaviour3) *fakeBroker3 {
	tb.Helper()
	b := &fakeBroker3{behaviour3: does}
	b.url = "mqtt://" + serve(tb, b.serve)
	return b
}

func (b *fakeBroker3) serve(conn net.Conn) {
	for {
		packet, err := old.ReadPacket(conn)
		if err != nil {
			return
		}
		switch p := packet.(type) {
		case *old.ConnectPacket:
			if b.connect != nil {
				b.connect(conn)
				continue
			}
			_, _ = conn.Write([]byte{0x20, 2, 0, 0})
		case *old.SubscribePacket:
			if b.subscribe != nil {
				b.subscribe(conn, p)
				continue
			}
			b.add(conn)
			grant(conn, p, p.Qoss...)
		case *old.PublishPacket:
			if b.publish != nil {
				b.publish(b, conn, p)
				continue
			}
			b.forward(p.Payload, 0)
			acknowledge3(conn, p)
		}
	}
}

// forward delivers a payload to all subscribers.
func (b *fakeBroker3) forward(payload []byte, qos byte) {
	p := old.NewControlPacket(old.Publish).(*old.PublishPacket)
	p.TopicName, p.Payload, p.Qos, p.MessageID = topic, payload, qos, 7
	b.each(func(conn net.Conn) { _ = p.Write(conn) })
}

func grant(conn net.Conn, p *old.SubscribePacket, codes ...byte) {
	ack := old.NewControlPacket(old.Suback).(*old.SubackPacket)
	ack.MessageID, ack.ReturnCodes = p.MessageID, codes
	_ = ack.Write(conn) // a connection that is gone is the test's own doing
}

func acknowledge3(conn net.Conn, p *old.PublishPacket) {
	ack := old.NewControlPacket(old.Puback).(*old.PubackPacket)
	ack.MessageID = p.MessageID
	_ = ack.Write(conn)
}
