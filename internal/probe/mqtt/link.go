package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	// keepAlive is after how long without a packet a held connection is pinged; a dead one is noticed in twice that.
	keepAlive = 30 * time.Second
	// goodbye bounds how long closing waits for DISCONNECT to leave.
	goodbye = time.Second
)

// client speaks one version of MQTT on one connection, and sends everything once. connect comes first; until it has
// succeeded nothing else may be called, and when it fails nothing is left to close. Errors are those of a context or of
// the connection.
type client interface {
	connect(ctx context.Context, l login) (verdict, error)
	subscribe(ctx context.Context, topic string, qos byte) (verdict, error)
	// publish returns when the broker has acknowledged, at QoS 0 when the message has left.
	publish(ctx context.Context, topic string, qos byte, m message) (verdict, error)
	// done is closed when the connection has ended and everything that came over it was handed on.
	done() <-chan struct{}
	// farewell is the broker's reason for ending the connection; false when it gave none.
	farewell() (verdict, bool)
	// close ends the connection and waits for what the client started.
	close()
}

// login is what a broker is told about who connects.
type login struct{ clientID, username, password string }

// verdict is a broker's answer to one packet.
type verdict struct {
	code byte
	text string // the broker's own words; may be empty
}

// refusedFrom is the first code that is a refusal, in SUBACK and PUBACK of both versions (MQTT 5, section 2.4).
const refusedFrom = 0x80

// errUnsendable is for a message of which the client knows from CONNACK that the broker would refuse it.
var errUnsendable = errors.New("the broker takes no such message")

// link is one held connection to a broker that took the login.
type link struct {
	client
	exchange probe.Exchange // how it was opened

	users   int  // probes that send or wait on it; guarded by the prober's lock
	useless bool // a message showed it; guarded by the prober's lock
}

// open connects to end. The exchange holds what was seen, also when the error is not nil: a *failure, or the error of
// a cancelled context. onMessage is called with every message that arrives.
func open(ctx context.Context, end *endpoint, s *settings, onMessage func(delivery)) (*link, probe.Exchange, error) {
	d, err := dial(ctx, end)
	d.exchange.Protocol = "MQTT/" + s.version
	if err != nil {
		return nil, d.exchange, err
	}
	l := &link{client: s.newClient(&d, onMessage), exchange: d.exchange}
	said, err := l.connect(ctx, login{end.clientID, s.username, s.password})
	if err == nil && said.code == 0 {
		return l, d.exchange, nil
	}
	if err = s.refusal(ctx, said, err); d.anonymous {
		if why, ok := errors.AsType[*failure](err); ok && why.ended() {
			// With TLS 1.3 the refusal follows the handshake, and a reset can overtake the alert that explains it.
			err = failf(probe.TLSHandshake, "broker asked for a client certificate, got none that fits, and ended the connection")
		}
	}
	return nil, d.exchange, err
}

func (s *settings) newClient(d *dialed, onMessage func(delivery)) client {
	if s.version == version3 {
		return newClient3(d.wire(s.version), onMessage)
	}
	return newClient5(d.wire(s.version), s.timeout, onMessage)
}

// refusal says why CONNECT did not end in a connection.
func (s *settings) refusal(ctx context.Context, v verdict, err error) error {
	other := version3
	if s.version == version3 {
		other = version5
	}
	switch {
	case errors.Is(err, errOtherForm):
		return failf(versionRefused, "%v; set version: %q", err, other)
	case err != nil:
		return classify(ctx, probe.Wait, err)
	}
	said := s.said(v)
	const wantAccepted = "CONNECT answered %s, want success"
	switch v.code {
	case 0x01, 0x84:
		return failf(versionRefused, wantAccepted+"; set version: %q", said, other)
	case 0x04, 0x05, 0x86, 0x87, 0x8C:
		why := newFailure(push.BadCredential, wantAccepted, said)
		why.answer = push.Answer{Word: push.CredentialRejected, Said: said}
		return why
	default:
		return failf(refused, wantAccepted, said)
	}
}

// listen subscribes to the topic and returns the QoS that the broker grants, which may be a lower one.
func (l *link) listen(ctx context.Context, s *settings) (granted byte, err error) {
	v, err := l.subscribe(ctx, s.topic, s.qos)
	switch {
	case err == nil && v.code >= refusedFrom:
		return 0, failf(subRefused, "SUBSCRIBE answered %s, want success", s.said(v))
	case err == nil:
		return v.code, nil
	}
	err = classify(ctx, probe.Wait, err)
	if why, ok := errors.AsType[*failure](err); ok && why.ended() {
		why.detail = "connection ended before SUBACK" + l.last(s)
	}
	return 0, err
}

// dead reports whether the connection has ended.
func (l *link) dead() bool {
	select {
	case <-l.done():
		return true
	default:
		return false
	}
}

// last is the broker's reason for ending the connection, for the end of a sentence; empty when it gave none.
func (l *link) last(s *settings) string {
	v, ok := l.farewell()
	if !ok {
		return ""
	}
	return ", broker said " + s.said(v)
}
