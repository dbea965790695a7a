// Package broker is an MQTT broker within the process that interferes with messages: somebody else's server, for the demo
// and for tests.
package broker

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Interference decides what becomes of a client's message between the broker's taking it and its delivery. It returns the
// message to deliver, packets.CodeSuccessIgnore to acknowledge it and deliver nothing, or another of the errors of packets
// to refuse it. It is not asked about what it publishes itself. It is called concurrently.
type Interference func(server *mochi.Server, message packets.Packet) (packets.Packet, error)

// Broker speaks MQTT 3.1.1 and 5 on loopback to whoever comes.
type Broker struct {
	server  *mochi.Server
	address string
}

// Start starts a broker on a free port, with TLS unless secure is nil.
func Start(secure *tls.Config, does Interference) (*Broker, error) {
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler), InlineClient: true})
	if err := server.AddHook(&hook{server: server, does: does}, nil); err != nil {
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	listener := listeners.NewTCP(listeners.Config{ID: "loopback", Address: "127.0.0.1:0", TLSConfig: secure})
	if err := server.AddListener(&parting{TCP: listener, server: server, conns: make(map[net.Conn]bool)}); err != nil {
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	if err := server.Serve(); err != nil {
		return nil, fmt.Errorf("MQTT broker: %w", err)
	}
	return &Broker{server: server, address: listener.Address()}, nil
}

// Address returns the host and port that the broker listens on.
func (b *Broker) Address() string { return b.address }

// Close disconnects all clients and ends the broker.
func (b *Broker) Close() error { return b.server.Close() } //nolint:wrapcheck // it never fails

// parting disconnects the clients itself: the server's own way to list them hangs for good when one leaves meanwhile, as
// it takes the same lock for reading twice (mochi-mqtt 2.7.9, Clients.GetByListener). It knows those too who have not yet
// said who they are, and whom the server would wait for.
type parting struct {
	*listeners.TCP

	server *mochi.Server

	mu      sync.Mutex
	ended   bool
	conns   map[net.Conn]bool // open
	serving sync.WaitGroup    // for each of conns; added to under mu
}

// Serve hands connections to the server until Close.
func (p *parting) Serve(establish listeners.EstablishFn) {
	p.TCP.Serve(func(id string, conn net.Conn) error {
		if !p.enter(conn) {
			return conn.Close()
		}
		defer p.leave(conn)
		return establish(id, conn)
	})
}

func (p *parting) enter(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.conns[conn] = true
	p.serving.Add(1)
	return true
}

func (p *parting) leave(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	p.serving.Done()
}

// Close ends the listener, and the connections of its clients.
func (p *parting) Close(listeners.CloseFn) {
	p.TCP.Close(func(listener string) {
		for _, client := range p.server.Clients.GetAll() {
			if client.Net.Listener == listener && !client.Closed() {
				_ = p.server.DisconnectClient(client, packets.ErrServerShuttingDown) // it may be gone
			}
		}
	})
	p.hangUp()
	p.serving.Wait()
}

func (p *parting) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// hook is where messages go wrong.
type hook struct {
	mochi.HookBase

	server *mochi.Server
	does   Interference
}

// ID names the hook.
func (*hook) ID() string { return "interference" }

// Provides reports which events the hook handles.
func (*hook) Provides(event byte) bool {
	return event == mochi.OnConnectAuthenticate || event == mochi.OnACLCheck || event == mochi.OnPublish
}

// OnConnectAuthenticate lets everybody in: the broker listens on loopback only.
func (*hook) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

// OnACLCheck lets everybody publish and subscribe.
func (*hook) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// OnPublish is called with every message before it is acknowledged and delivered.
func (h *hook) OnPublish(client *mochi.Client, message packets.Packet) (packets.Packet, error) {
	if client.Net.Inline {
		return message, nil
	}
	return h.does(h.server, message)
}
