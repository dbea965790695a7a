package webpush

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// receiver is the agent as a browser: it holds a connection to the push service between probes. It is safe for concurrent
// use.
type receiver struct {
	inbox  push.Inbox
	states *claims
	lock   chan struct{}  // holds one token; whoever took it may open, drop and close the link
	link   *link          // nil: there is none; guarded by lock
	state  protocol.State // of the subscription; guarded by lock
	opened bool           // there was a connection before; guarded by lock
	ended  bool           // guarded by lock
	leave  func()         // gives the state file back; nil while there is none; guarded by lock
}

// link is one held connection of the receiver.
type link struct {
	conn         *protocol.Receiver
	subscription *protocol.Subscription
	exchange     probe.Exchange // how it was opened
	certificate  validity
	fresh        atomic.Bool // the subscription was just made, and no message to it was accepted yet
	gone         atomic.Bool // the push service does not know the subscription any more
	stop         context.CancelFunc
	ended        chan struct{} // closed when nothing can arrive any more
	why          error         // of the end; to be read after it
}

// watch connects the receiver and returns a message that it sees arrive.
func (p *prober) watch(ctx context.Context, by time.Time, j *journal) (*message, error) {
	l, err := p.connect(ctx, by, j)
	if err != nil {
		return nil, err
	}
	id := rand.Text()
	expected := p.inbox.Expect(id)
	return &message{
		to: l.subscription, plaintext: plaintext(probeMember, id), arrivals: expected.Arrivals(), deaf: l.ended, via: l,
		forget:  func(arrived bool) { p.inbox.Forget(expected, arrived) },
		secrets: l.conn.State().Secrets(),
	}, nil
}

// connect returns the held connection, and opens one when there is none or it has ended. It tries once.
func (p *prober) connect(ctx context.Context, by time.Time, j *journal) (*link, error) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	select {
	case <-p.lock:
		defer func() { p.lock <- struct{}{} }()
	case <-ctx.Done():
		return nil, failed(ctx, ctx.Err())
	}
	if p.ended {
		return nil, errors.New("the prober is closed")
	}
	if p.link != nil {
		if err := p.link.check(ctx); err != nil {
			j.found(push.Disconnected, "receiver was disconnected since the last probe: %v", err)
			p.drop()
		}
	}
	if p.link != nil {
		exchange := p.link.exchange
		exchange.Phases = probe.Phases{} // its times are not of this probe
		j.exchanges = append(j.exchanges, exchange)
		j.saw(p.link.certificate)
		return p.link, nil
	}
	if err := p.open(ctx, j); err != nil {
		return nil, err
	}
	return p.link, nil
}

// open connects to the push service and keeps the subscription. It is called with the lock.
func (p *prober) open(ctx context.Context, j *journal) error {
	if err := p.remember(ctx, j); err != nil {
		return err
	}
	if p.opened {
		j.measure(push.ReceiverReconnects, 1)
	}
	p.opened = true
	l, err := p.dial(ctx, j)
	if err != nil {
		return err
	}
	p.link = l
	j.add("receiver connected")
	if !l.conn.New() {
		return nil
	}
	p.state = l.conn.State()
	j.add("receiver subscribed")
	if p.stateFile == "" {
		return nil
	}
	// The connection stays, and the next probe goes on with it.
	return p.state.Write(p.stateFile)
}

// remember reads the subscription of the agent before this one, from a file that no other receiver uses.
func (p *prober) remember(ctx context.Context, j *journal) error {
	if p.leave != nil || p.stateFile == "" {
		return nil
	}
	release, err := p.states.take(ctx, p.stateFile)
	if err != nil {
		return err
	}
	p.state, err = protocol.ReadState("state_file", p.stateFile)
	switch {
	case errors.Is(err, protocol.ErrDamaged):
		j.add("the state file is damaged, so a new subscription is made")
	case err != nil:
		release()
		return err
	}
	p.leave = release
	return nil
}

// dial opens a connection and starts to listen on it.
func (p *prober) dial(ctx context.Context, j *journal) (*link, error) {
	key := ""
	if p.vapid != nil {
		key = p.vapid.PublicKey()
	}
	handshake := &httpx.Upgrade{Client: p.client}
	conn, err := protocol.Dial(ctx, protocol.Options{URL: p.service.String(), Client: handshake.HTTPClient(), Key: key, State: p.state})
	l := &link{conn: conn, ended: make(chan struct{})}
	if resp := handshake.Response; resp != nil {
		j.exchanges = append(j.exchanges, resp.Exchanges...)
		l.certificate = validity{resp.NotBefore, resp.NotAfter}
		j.saw(l.certificate)
		l.exchange = resp.Exchanges[len(resp.Exchanges)-1]
		l.exchange.Header = nil // results of probes at the same time must have nothing in common that is changed
	}
	if err != nil {
		return nil, p.classify(ctx, handshake, err)
	}
	if l.subscription, err = conn.Subscription(); err == nil {
		err = p.checkEndpoint(l.subscription.Endpoint())
	}
	if err != nil {
		conn.Close()
		return nil, &failure{refused, err.Error()}
	}
	l.fresh.Store(conn.New())
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go func() {
		defer close(l.ended)
		l.why = push.Contained(func() error { return conn.Listen(listening, p.take) })
	}()
	return l, nil
}

// checkEndpoint refuses where a message must not be posted whatever the push service says.
func (p *prober) checkEndpoint(endpoint *url.URL) error {
	switch {
	case p.secure && endpoint.Scheme != "https":
		return errors.New("subscribing at the push service: endpoint without TLS, want https")
	case !near(p.service, endpoint):
		return errors.New("subscribing at the push service: the endpoint is at another domain than the service")
	}
	return nil
}

// take hands a message to the probe that sent it. What can be decrypted is what was encrypted; what is not of this agent
// is ignored.
func (r *receiver) take(m protocol.Message) {
	if m.Err != nil {
		r.inbox.DeliverUnread(m.At)
		return
	}
	var content map[string]string
	if json.Unmarshal(m.Plaintext, &content) != nil {
		return
	}
	id := content[probeMember]
	r.inbox.Deliver(id, m.At, bytes.Equal(m.Plaintext, plaintext(probeMember, id)))
}

// drop closes the link. It is called with the lock.
func (r *receiver) drop() {
	if r.link != nil {
		r.link.close()
		r.link = nil
	}
}

// dropAfter gives up the connection that a message did not arrive on, and a subscription that the push service does not
// know any more, so that the next probe makes new ones.
func (p *prober) dropAfter(l *link, fate *push.Fate) {
	gone := l.gone.Load()
	if fate.Arrived() || fate.Reply.Never || fate.Refused() && !gone {
		return
	}
	<-p.lock
	defer func() { p.lock <- struct{}{} }()
	if p.link != l {
		return
	}
	if gone {
		p.state = protocol.State{}
	}
	p.drop()
}

// close ends the connection and waits for what it started.
func (r *receiver) close() {
	<-r.lock
	defer func() { r.lock <- struct{}{} }()
	r.ended = true
	r.drop()
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
}

// check returns nil when the connection is alive, else how it ended. It takes at most half of the time that there is, so
// that a dead connection leaves time for a new one.
func (l *link) check(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	err := l.conn.Ping(ctx)
	if err == nil {
		return nil
	}
	select {
	case <-l.ended: // it knows better why
		return l.why
	case <-ctx.Done():
		return err
	}
}

// judge looks at an answer to a message for the subscription of the link. A push service that does not know what it has
// just given out, and holds the connection of, fails its customers too: that is no matter of a test device that is gone.
func (l *link) judge(a *push.Answer) {
	switch a.Word {
	case push.Accepted:
		l.fresh.Store(false)
	case push.TargetGone, push.TargetInvalid:
		l.gone.Store(true)
		if l.fresh.Load() {
			a.Word, a.Hint = push.Other, "for a subscription that it has just given out"
		}
	}
}

// close ends the connection and waits until nothing listens any more.
func (l *link) close() {
	l.stop()
	l.conn.Close()
	<-l.ended
}

// classify turns what kept the receiver from connecting into a failure. A cancelled context and a lack of the agent's own
// say nothing about the push service: such an error comes back as it is.
func (p *prober) classify(ctx context.Context, handshake *httpx.Upgrade, err error) error {
	resp := handshake.Response
	switch {
	case handshake.Err != nil:
		return handshake.Err
	case resp == nil:
		return failed(ctx, err)
	case resp.Reason != "":
		return &failure{resp.Reason, resp.Detail}
	}
	return failed(ctx, fmt.Errorf("receiver: %w", err))
}
