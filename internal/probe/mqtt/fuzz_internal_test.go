package mqtt

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// tape takes whatever is written; what is read from it comes from elsewhere.
type tape struct{}

func (tape) Read([]byte) (int, error)         { return 0, io.EOF }
func (tape) Write(p []byte) (int, error)      { return len(p), nil }
func (tape) Close() error                     { return nil }
func (tape) LocalAddr() net.Addr              { return nil }
func (tape) RemoteAddr() net.Addr             { return nil }
func (tape) SetDeadline(time.Time) error      { return nil }
func (tape) SetReadDeadline(time.Time) error  { return nil }
func (tape) SetWriteDeadline(time.Time) error { return nil }

// FuzzClient3 checks that a connection survives whatever a broker sends: it ends with a reason, and no panic takes the
// agent along.
func FuzzClient3(f *testing.F) {
	f.Add([]byte{0x30, 5, 0, 1, 'a', 'x', 'y', 0x32, 6, 0, 1, 'a', 0, 1, 'x'})
	f.Add([]byte{0x34, 6, 0, 1, 'a', 0, 1, 'x', 0x62, 2, 0, 1, 0x50, 2, 0, 1, 0x70, 2, 0, 1})
	f.Add([]byte{0x90, 3, 0, 1, 0x80, 0x40, 2, 0, 1, 0xd0, 0})
	f.Add([]byte{0x82, 5, 0, 1, 0, 9, 'a', 0xa2, 4, 0, 1, 0, 0, 0x10, 1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		connack := []byte{0x20, 2, 0, 0}
		from := bytes.NewReader(append(connack, data...))
		c := newClient3(&pipe{Conn: tape{}, in: newInbound(from, version3)}, func(d delivery) {
			if len(d.payload) > len(data) {
				t.Errorf("a message of %d bytes came out of %d", len(d.payload), len(data))
			}
		})
		if v, err := c.handshake(t.Context(), login{}); err != nil || v.code != 0 {
			t.Fatalf("connecting: %v, %v", v, err)
		}
		_, answers := c.ask()
		c.run(t.Context())
		if c.why() == nil {
			t.Error("the connection ended without a reason")
		}
		if len(answers) > 1 {
			t.Errorf("%d answers to one packet, want at most one", len(answers))
		}
	})
}

// FuzzPackets5 checks that no packet of version 5 makes the client's decoder panic.
func FuzzPackets5(f *testing.F) {
	f.Add([]byte{0x20, 3, 0, 0, 0, 0x30, 6, 0, 1, 'a', 0, 'x', 'y'})
	f.Add([]byte{0x20, 8, 0, 0, 5, 0x27, 0, 0, 1, 0, 0x90, 4, 0, 1, 0, 0, 0x40, 4, 0, 1, 0x10, 0})
	f.Add([]byte{0x20, 3, 0, 0, 0, 0xe0, 5, 0x95, 3, 0x1f, 0, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		in := newInbound(bytes.NewReader(data), version5)
		for {
			if _, err := packets.ReadPacket(&in); err != nil {
				return
			}
		}
	})
}
