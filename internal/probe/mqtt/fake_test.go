package mqtt_test

import (
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// fakeBroker speaks just enough MQTT 5 to commit every sin that a real broker would not commit on demand.
type fakeBroker struct {
	behaviour
	subscribers
	url  string
	hook func() // guarded by mu
}

// subscribers are the connections that messages are delivered to.
type subscribers struct {
	mu   sync.Mutex
	subs []net.Conn
}

func (s *subscribers) add(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, conn)
}

func (s *subscribers) each(do func(net.Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.subs {
		do(conn)
	}
}

// behaviour is what a fakeBroker does; nil means the right thing.
type behaviour struct {
	connect   func(net.Conn) // instead of CONNACK
	subscribe func(net.Conn, *packets.Subscribe)
	publish   func(b *fakeBroker, c net.Conn, p *packets.Publish)
}

func ignore(*fakeBroker, net.Conn, *packets.Publish) {}

func newFakeBroker(tb testing.TB, does behaviour) *fakeBroker {
	tb.Helper()
	b := &fakeBroker{behaviour: does}
	b.url = "mqtt://" + serve(tb, b.serve)
	return b
}

// serve hands connections to a loopback port to do, each on a goroutine of its own, and returns the address.
func serve(tb testing.TB, do func(net.Conn)) (address string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	var open sync.Map
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Store(conn, true)
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				do(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		open.Range(func(conn, _ any) bool { _ = conn.(net.Conn).Close(); return true })
		serving.Wait()
	})
	return listener.Addr().String()
}

// onPublish calls f when the next message comes.
func (b *fakeBroker) onPublish(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hook = f
}

func (b *fakeBroker) serve(conn net.Conn) {
	for {
		packet, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		switch content := packet.Content.(type) {
		case *packets.Connect:
			if b.connect != nil {
				b.connect(conn)
				continue
			}
			reply(conn, &packets.Connack{Properties: &packets.Properties{}})
		case *packets.Subscribe:
			if b.subscribe != nil {
				b.subscribe(conn, content)
				continue
			}
			b.add(conn)
			reply(conn, &packets.Suback{PacketID: content.PacketID, Reasons: []byte{0}, Properties: &packets.Properties{}})
		case *packets.Publish:
			b.mu.Lock()
			hook := b.hook
			b.mu.Unlock()
			if hook != nil {
				hook()
			}
			if b.publish != nil {
				b.publish(b, conn, content)
				continue
			}
			b.forward(content)
			acknowledge(conn, content, 0, "")
		}
	}
}

// forward delivers p to all subscribers at QoS 0.
func (b *fakeBroker) forward(p *packets.Publish) {
	copied := *p
	copied.QoS, copied.PacketID = 0, 0
	b.each(func(conn net.Conn) { reply(conn, &copied) })
}

func acknowledge(conn net.Conn, p *packets.Publish, code byte, reason string) {
	reply(conn, &packets.Puback{PacketID: p.PacketID, ReasonCode: code, Properties: &packets.Properties{ReasonString: reason}})
}

// reply writes a packet; a connection that is gone is the test's own doing.
func reply(conn net.Conn, p packets.Packet) { _, _ = p.WriteTo(conn) }
