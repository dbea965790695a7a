package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// receiveMaximum is how many messages the broker may have in flight to a subscriber. The client allocates for it.
const receiveMaximum = 16

// client5 speaks MQTT 5 (OASIS Standard, 2019).
type client5 struct {
	wire    net.Conn
	paho    *paho.Client
	session *session
}

// session is the client's own session state. It dies with its connection, so that nothing is ever sent again, and
// keeps the broker's reason for ending the connection.
type session struct {
	*state.State
	bye  atomic.Pointer[packets.Disconnect]
	lost context.Context // ends with the connection
	lose context.CancelFunc
}

func newSession() *session {
	s := &session{State: state.NewInMemory()}
	s.lost, s.lose = context.WithCancel(context.Background())
	return s
}

// ConnectionLost keeps the broker's DISCONNECT, then ends every wait for an answer.
func (s *session) ConnectionLost(d *packets.Disconnect) error {
	if d != nil {
		s.bye.CompareAndSwap(nil, d)
	}
	s.lose()
	return s.State.ConnectionLost(d)
}

// whileOpen returns a context that ends with the connection too: the client itself forgets those who wait for an
// answer when the connection is lost.
func (s *session) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(s.lost, cancel)
	return ctx, func() { unlink(); cancel() }
}

func newClient5(conn net.Conn, timeout time.Duration, onMessage func(delivery)) *client5 {
	c := &client5{wire: conn, session: newSession()}
	config := paho.ClientConfig{Conn: conn, Session: c.session, PacketTimeout: timeout}
	config.OnPublishReceived = append(config.OnPublishReceived, func(p paho.PublishReceived) (bool, error) {
		d := delivery{payload: p.Packet.Payload, retained: p.Packet.Retain}
		if p.Packet.Properties != nil {
			d.correlation = p.Packet.Properties.CorrelationData
		}
		onMessage(d)
		return true, nil
	})
	c.paho = paho.NewClient(config)
	return c
}

func (c *client5) connect(ctx context.Context, l login) (verdict, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.wire.SetDeadline(deadline)
	}
	maximum, packet := uint16(receiveMaximum), uint32(maxPacket)
	answer, err := c.paho.Connect(ctx, &paho.Connect{
		ClientID: l.clientID, CleanStart: true, KeepAlive: uint16(keepAlive / time.Second),
		Username: l.username, UsernameFlag: l.username != "",
		Password: []byte(l.password), PasswordFlag: l.password != "",
		Properties: &paho.ConnectProperties{
			ReceiveMaximum: &maximum, MaximumPacketSize: &packet, RequestProblemInfo: true,
		},
	})
	if answer == nil {
		return verdict{}, err
	}
	if answer.ReasonCode == 0 {
		_ = c.wire.SetDeadline(time.Time{})
		return verdict{}, err
	}
	v := verdict{code: answer.ReasonCode}
	if answer.Properties != nil {
		v.text = answer.Properties.ReasonString
	}
	return v, nil
}

// subscribe asks for the topic's messages. Retained ones are neither wanted (retain handling 2) nor counted.
func (c *client5) subscribe(ctx context.Context, topic string, qos byte) (verdict, error) {
	waiting, stop := c.session.whileOpen(ctx)
	defer stop()
	answer, err := c.paho.Subscribe(waiting, &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: qos, RetainHandling: 2}},
	})
	switch {
	case answer == nil:
		return verdict{}, c.because(ctx, err)
	case len(answer.Reasons) != 1:
		return verdict{}, fmt.Errorf("SUBACK has %d codes, want 1", len(answer.Reasons))
	}
	v := verdict{code: answer.Reasons[0]}
	if answer.Properties != nil {
		v.text = answer.Properties.ReasonString
	}
	return v, nil
}

func (c *client5) publish(ctx context.Context, topic string, qos byte, m message) (verdict, error) {
	waiting, stop := c.session.whileOpen(ctx)
	defer stop()
	// A write to a hung broker would block for as long as it hangs, whatever the context says.
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.wire.SetWriteDeadline(deadline)
		defer func() { _ = c.wire.SetWriteDeadline(time.Time{}) }()
	}
	answer, err := c.paho.Publish(waiting, &paho.Publish{
		Topic: topic, QoS: qos, Payload: m.payload, Properties: &paho.PublishProperties{CorrelationData: []byte(m.id)},
	})
	switch {
	case errors.Is(err, paho.ErrInvalidArguments):
		return verdict{}, fmt.Errorf("%w: %w", errUnsendable, err)
	case answer != nil:
		v := verdict{code: answer.ReasonCode}
		if answer.Properties != nil {
			v.text = answer.Properties.ReasonString
		}
		return v, nil
	}
	return verdict{}, c.because(ctx, err)
}

// because returns the error of an answer that did not come: when the connection was lost first, the client's own error
// is about a context that nobody knows.
func (c *client5) because(ctx context.Context, err error) error {
	if c.session.lost.Err() != nil && ctx.Err() == nil {
		<-c.paho.Done()
		return net.ErrClosed
	}
	return err
}

func (c *client5) done() <-chan struct{} { return c.paho.Done() }

func (c *client5) farewell() (verdict, bool) {
	d := c.session.bye.Load()
	if d == nil {
		return verdict{}, false
	}
	v := verdict{code: d.ReasonCode}
	if d.Properties != nil {
		v.text = d.Properties.ReasonString
	}
	return v, true
}

func (c *client5) close() {
	_ = c.wire.SetWriteDeadline(time.Now().Add(goodbye))
	_ = c.paho.Disconnect(&paho.Disconnect{})
}
