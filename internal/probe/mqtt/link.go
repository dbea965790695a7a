package mqtt

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	// keepAlive is after how many silent seconds a held connection is pinged; a dead one is noticed in twice that.
	keepAlive = 30
	// receiveMaximum is how many messages the broker may have in flight to a subscriber. The client allocates for it.
	receiveMaximum = 16
	// goodbye bounds how long closing waits for DISCONNECT to leave.
	goodbye = time.Second
)

// link is one held connection to a broker.
type link struct {
	wire     net.Conn
	client   *paho.Client
	session  *session
	exchange probe.Exchange // how it was opened
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

// open connects to end. The exchange holds what was seen, also when the error is not nil: a *failure, or the error of
// a cancelled context. onMessage, when not nil, is called with every message that arrives.
func open(ctx context.Context, end *endpoint, s *settings, onMessage func(*paho.Publish)) (*link, probe.Exchange, error) {
	d, err := dial(ctx, end)
	if err != nil {
		return nil, d.exchange, err
	}
	l := &link{wire: d.wire(), session: newSession(), exchange: d.exchange}
	config := paho.ClientConfig{Conn: l.wire, Session: l.session, PacketTimeout: s.timeout}
	config.OnPublishReceived = append(config.OnPublishReceived, func(p paho.PublishReceived) (bool, error) {
		if onMessage != nil {
			onMessage(p.Packet)
		}
		return true, nil
	})
	l.client = paho.NewClient(config)
	if deadline, ok := ctx.Deadline(); ok {
		_ = l.wire.SetDeadline(deadline)
	}
	answer, err := l.client.Connect(ctx, connectPacket(end, s))
	if err != nil {
		err = s.refusal(ctx, answer, err)
		if why, ok := errors.AsType[*failure](err); ok && d.anonymous && why.ended() {
			// With TLS 1.3 the refusal follows the handshake, and a reset can overtake the alert that explains it.
			err = failf(probe.TLSHandshake, "broker asked for a client certificate, got none that fits, and ended the connection")
		}
		return nil, d.exchange, err
	}
	_ = l.wire.SetDeadline(time.Time{})
	return l, d.exchange, nil
}

func connectPacket(end *endpoint, s *settings) *paho.Connect {
	maximum, packet := uint16(receiveMaximum), uint32(maxPacket)
	return &paho.Connect{
		ClientID: end.clientID, CleanStart: true, KeepAlive: keepAlive,
		Username: s.username, UsernameFlag: s.username != "",
		Password: []byte(s.password), PasswordFlag: s.password != "",
		Properties: &paho.ConnectProperties{
			ReceiveMaximum: &maximum, MaximumPacketSize: &packet, RequestProblemInfo: true,
		},
	}
}

// refusal says why CONNECT did not end in a connection. answer is nil when there was none.
func (s *settings) refusal(ctx context.Context, answer *paho.Connack, err error) error {
	if errors.Is(err, errOldConnack) {
		return failf(versionRefused, "%v", err)
	}
	if answer == nil {
		return classify(ctx, probe.Wait, err)
	}
	text := ""
	if answer.Properties != nil {
		text = answer.Properties.ReasonString
	}
	const wantAccepted = "CONNECT answered %s, want success"
	switch said := s.said(answer.ReasonCode, text); answer.ReasonCode {
	case packets.ConnackUnsupportedProtocolVersion:
		return failf(versionRefused, wantAccepted, said)
	case packets.ConnackBadUsernameOrPassword, packets.ConnackNotAuthorized, packets.ConnackBadAuthenticationMethod:
		return failf(notAuthorized, wantAccepted, said)
	default:
		return failf(refused, wantAccepted, said)
	}
}

// subscribe asks for the topic's messages. Retained ones are neither wanted (retain handling 2) nor counted.
func (l *link) subscribe(ctx context.Context, s *settings) error {
	waiting, stop := l.session.whileOpen(ctx)
	defer stop()
	answer, err := l.client.Subscribe(waiting, &paho.Subscribe{
		Subscriptions: []paho.SubscribeOptions{{Topic: s.topic, QoS: s.qos, RetainHandling: 2}},
	})
	switch {
	case err == nil:
		return nil
	case answer != nil && len(answer.Reasons) == 1:
		text := ""
		if answer.Properties != nil {
			text = answer.Properties.ReasonString
		}
		return failf(subRefused, "SUBSCRIBE answered %s, want success", s.said(answer.Reasons[0], text))
	case l.session.lost.Err() != nil && ctx.Err() == nil:
		return failf(probe.ConnectionClosed, "connection ended before SUBACK%s", l.farewell(s))
	}
	return classify(ctx, probe.Wait, err)
}

// dead reports whether the connection has ended.
func (l *link) dead() bool {
	select {
	case <-l.client.Done():
		return true
	default:
		return false
	}
}

// farewell is the broker's reason for ending the connection, for the end of a sentence; empty when it gave none.
func (l *link) farewell(s *settings) string {
	d := l.session.bye.Load()
	if d == nil {
		return ""
	}
	text := ""
	if d.Properties != nil {
		text = d.Properties.ReasonString
	}
	return ", broker said " + s.said(d.ReasonCode, text)
}

// close ends the connection and waits for the client's goroutines.
func (l *link) close() {
	_ = l.wire.SetWriteDeadline(time.Now().Add(goodbye))
	_ = l.client.Disconnect(&paho.Disconnect{})
}
