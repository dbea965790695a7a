package broker_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/channelwatch/channelwatch/internal/broker"
)

// A broker that ends disconnects those who stay, whoever leaves meanwhile.
func TestBroker_Close(t *testing.T) {
	t.Parallel()
	const rounds, clients = 100, 8
	for range rounds {
		b, err := broker.Start(nil, func(_ *mochi.Server, m packets.Packet) (packets.Packet, error) { return m, nil })
		if err != nil {
			t.Fatal(err)
		}
		silent, err := net.Dial("tcp", b.Address()) // who has not said hello; it is accepted before those behind it
		if err != nil {
			t.Fatal(err)
		}
		leaving, staying := []net.Conn(nil), []net.Conn{silent}
		for i := range clients {
			leaving = append(leaving, connect(t, b.Address(), byte('a'+i)))
			staying = append(staying, connect(t, b.Address(), byte('A'+i)))
		}
		var left sync.WaitGroup
		for _, conn := range leaving {
			left.Go(func() { _ = conn.Close() })
		}
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		left.Wait()
		for _, conn := range staying {
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection of a client that stayed is open")
			}
			_ = conn.Close()
		}
	}
}

// connect opens a session of MQTT 3.1.1 that ends with its connection.
func connect(t *testing.T, address string, id byte) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	hello := []byte{0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, id}
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	var welcome [4]byte
	if _, err := io.ReadFull(conn, welcome[:]); err != nil {
		t.Fatal(err)
	}
	if welcome != [4]byte{0x20, 2, 0, 0} {
		t.Fatalf("the broker answered % x to a session's beginning", welcome)
	}
	return conn
}
