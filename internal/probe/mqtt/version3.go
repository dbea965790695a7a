package mqtt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/channelwatch/channelwatch/internal/push"
)

// client3 speaks MQTT 3.1.1 (OASIS Standard, 2014). It is as much of a client as a probe needs: it has no session and
// no store, so that nothing can ever be sent again, and one goroutine, which reads.
//
// The version has no correlation data, no reason in PUBACK, and a broker does not say why it ends a connection.
type client3 struct {
	wire    wire
	deliver func(delivery)
	ended   chan struct{} // closed by the reader
	writing chan struct{} // holds one token; whoever took it may write

	mu     sync.Mutex
	asked  map[uint16]chan verdict // who waits for the answer to the packet with an id
	lastID uint16
	broken error // what ended the connection

	open map[uint16]bool // ids of QoS 2 messages that came and are not released; of the reader
}

func newClient3(w wire, onMessage func(delivery)) *client3 {
	c := &client3{
		wire: w, deliver: onMessage, ended: make(chan struct{}), writing: make(chan struct{}, 1), asked: make(map[uint16]chan verdict),
	}
	c.writing <- struct{}{}
	return c
}

func (c *client3) connect(ctx context.Context, l login) (verdict, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.wire.SetReadDeadline(deadline)
	}
	interrupt := context.AfterFunc(ctx, func() { _ = c.wire.SetReadDeadline(time.Unix(1, 0)) })
	v, err := c.handshake(ctx, l)
	if !interrupt() && err == nil {
		err = ctx.Err()
	}
	if err != nil || v.code != 0 {
		_ = c.wire.Close()
		return v, err
	}
	go c.run(context.WithoutCancel(ctx))
	return v, nil
}

func (c *client3) handshake(ctx context.Context, l login) (verdict, error) {
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion = "MQTT", 4
	connect.CleanSession, connect.Keepalive = true, uint16(keepAlive/time.Second)
	connect.ClientIdentifier = l.clientID
	connect.Username, connect.UsernameFlag = l.username, l.username != ""
	connect.Password, connect.PasswordFlag = []byte(l.password), l.password != ""
	if err := c.send(ctx, connect); err != nil {
		return verdict{}, err
	}
	answer, err := packets.ReadPacket(c.wire)
	if err != nil {
		return verdict{}, err
	}
	connack, ok := answer.(*packets.ConnackPacket)
	if !ok {
		return verdict{}, fmt.Errorf("CONNECT answered by %T, want a CONNACK", answer)
	}
	return verdict{code: connack.ReturnCode}, nil
}

func (c *client3) subscribe(ctx context.Context, topic string, qos byte) (verdict, error) {
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.Topics, p.Qoss = []string{topic}, []byte{qos}
	id, answers := c.ask()
	defer c.forget(id)
	p.MessageID = id
	return c.await(ctx, p, answers)
}

func (c *client3) publish(ctx context.Context, topic string, qos byte, m message) (verdict, error) {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Qos, p.Payload = topic, qos, m.payload
	if qos == 0 {
		return verdict{}, c.send(ctx, p)
	}
	id, answers := c.ask()
	defer c.forget(id)
	p.MessageID = id
	return c.await(ctx, p, answers)
}

// ask returns an id for a packet that nobody uses, and where its answer will come.
func (c *client3) ask() (uint16, chan verdict) {
	answers := make(chan verdict, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID++
	for c.lastID == 0 || c.asked[c.lastID] != nil {
		c.lastID++
	}
	c.asked[c.lastID] = answers
	return c.lastID, answers
}

func (c *client3) forget(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asked, id)
}

// answer hands a verdict to whoever waits for it.
func (c *client3) answer(id uint16, v verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answers := c.asked[id]; answers != nil {
		select {
		case answers <- v:
		default: // a second answer says nothing new
		}
	}
}

// await sends a packet and waits for its answer.
func (c *client3) await(ctx context.Context, p packets.ControlPacket, answers <-chan verdict) (verdict, error) {
	if err := c.send(ctx, p); err != nil {
		return verdict{}, err
	}
	select {
	case v := <-answers:
		return v, nil
	case <-ctx.Done():
		return verdict{}, ctx.Err()
	case <-c.ended:
	}
	select {
	case v := <-answers: // it came just before the end
		return v, nil
	default:
		return verdict{}, c.why()
	}
}

// send writes a packet by the deadline of ctx, or soon. A packet that was cut makes the connection useless.
func (c *client3) send(ctx context.Context, p packets.ControlPacket) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(keepAlive)
	}
	select {
	case <-c.writing:
		defer func() { c.writing <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_ = c.wire.SetWriteDeadline(deadline)
	err := p.Write(c.wire)
	if err != nil {
		_ = c.wire.Close()
	}
	return err
}

// run reads until the connection ends.
func (c *client3) run(ctx context.Context) {
	defer close(c.ended)
	c.fail(push.Contained(func() error { return c.read(ctx) }))
	_ = c.wire.Close()
}

// read takes in packets until the connection ends, and pings. The pings go by the clock alone: a subscriber that only
// receives at QoS 0 sends nothing else, and a broker ends a connection that is silent for one and a half times as long.
func (c *client3) read(ctx context.Context) error {
	ping, heard := time.Now().Add(keepAlive), true
	for {
		if now := time.Now(); !now.Before(ping) {
			if !heard {
				return errors.New("no packet since the last ping")
			}
			if err := c.send(ctx, packets.NewControlPacket(packets.Pingreq)); err != nil {
				return err
			}
			ping, heard = now.Add(keepAlive), false
		}
		_ = c.wire.SetReadDeadline(ping)
		if err := c.wire.await(); timedOut(err) {
			continue
		}
		heard = true
		// A packet that has begun is not cut by the next ping.
		_ = c.wire.SetReadDeadline(time.Now().Add(keepAlive))
		packet, err := packets.ReadPacket(c.wire)
		if err == nil {
			err = c.take(ctx, packet)
		}
		if err != nil {
			return err
		}
	}
}

// take follows up one packet of the broker (MQTT 3.1.1, sections 3 and 4.3).
func (c *client3) take(ctx context.Context, packet packets.ControlPacket) error {
	switch p := packet.(type) {
	case *packets.PublishPacket:
		return c.takeMessage(ctx, p)
	case *packets.PubrelPacket:
		delete(c.open, p.MessageID)
		done := packets.NewControlPacket(packets.Pubcomp).(*packets.PubcompPacket)
		done.MessageID = p.MessageID
		return c.send(ctx, done)
	case *packets.PubrecPacket:
		release := packets.NewControlPacket(packets.Pubrel).(*packets.PubrelPacket)
		release.MessageID = p.MessageID
		return c.send(ctx, release)
	case *packets.PubackPacket:
		c.answer(p.MessageID, verdict{})
	case *packets.PubcompPacket:
		c.answer(p.MessageID, verdict{})
	case *packets.SubackPacket:
		if len(p.ReturnCodes) != 1 {
			return fmt.Errorf("SUBACK has %d codes, want 1", len(p.ReturnCodes))
		}
		c.answer(p.MessageID, verdict{code: p.ReturnCodes[0]})
	case *packets.PingrespPacket:
	default:
		return fmt.Errorf("%T came, which brokers do not send", packet)
	}
	return nil
}

// takeMessage hands on a message and acknowledges it. At QoS 2 the broker may send it again until it is released.
func (c *client3) takeMessage(ctx context.Context, p *packets.PublishPacket) error {
	if p.Qos != 2 || !c.open[p.MessageID] {
		c.deliver(delivery{payload: p.Payload, retained: p.Retain})
	}
	switch p.Qos {
	case 0:
		return nil
	case 1:
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = p.MessageID
		return c.send(ctx, ack)
	case 2:
		if c.open == nil {
			c.open = make(map[uint16]bool)
		}
		c.open[p.MessageID] = true
		received := packets.NewControlPacket(packets.Pubrec).(*packets.PubrecPacket)
		received.MessageID = p.MessageID
		return c.send(ctx, received)
	}
	return fmt.Errorf("PUBLISH has QoS %d, want 0, 1 or 2", p.Qos)
}

func (c *client3) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

func (c *client3) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

func (c *client3) done() <-chan struct{} { return c.ended }

func (*client3) farewell() (verdict, bool) { return verdict{}, false }

func (c *client3) close() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_ = c.send(ctx, packets.NewControlPacket(packets.Disconnect))
	_ = c.wire.Close()
	<-c.ended
}
