package stream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// outgoing is one message on its way, and what sending it showed. Whoever sends it waits until it is sent, then looks.
type outgoing struct {
	body     string
	response *httpx.Response // of the POST, or of the WebSocket handshake; nil when there was none
	conn     *websocket.Conn // that the message was written to; nil for HTTP
	reading  sync.WaitGroup
	refused  *push.Answer // the service closed conn and said why; valid after close
}

// publish sends the message. quit is called when the service refuses it later than that.
func (p *prober) publish(ctx context.Context, m *outgoing, quit func()) (push.Reply, error) {
	if p.send.socket {
		return p.write(ctx, m, quit)
	}
	resp, err := p.send.client.Do(ctx, &httpx.Request{
		Method: http.MethodPost, URL: p.send.url, Header: p.send.header, Body: []byte(m.body),
	})
	if err != nil {
		return push.Reply{}, err
	}
	m.response = resp
	return push.HTTPReply(resp, p.answer), nil
}

// write sends the message over a WebSocket of its own, which is left open until the message has arrived: services may
// drop what somebody said who has left.
func (p *prober) write(ctx context.Context, m *outgoing, quit func()) (push.Reply, error) {
	start := time.Now()
	conn, resp, err := p.dialSocket(ctx, &p.send)
	m.response = resp
	reply := push.Reply{Lead: time.Since(start), Never: true, Answer: push.Answer{Word: push.Unanswered}}
	why, failed := errors.AsType[*failure](err)
	switch {
	case errors.Is(err, errStatus):
		if reply.Answer = p.answer(resp); reply.Answer.Word == push.Accepted {
			reply.Answer.Word = push.Other // of the request, but not of the protocol
		}
		return reply, nil
	case failed:
		reply.Reason, reply.Detail = why.reason, why.detail
		return reply, nil
	case err != nil:
		return push.Reply{}, err
	}
	m.conn = conn
	err = conn.Write(ctx, websocket.MessageText, []byte(m.body))
	reply.Never, reply.After, reply.Unasked = false, time.Since(start), err == nil
	if !reply.Unasked {
		reply.Reason, reply.Detail = probe.SendFailed, "the message was not taken"
	}
	m.reading.Go(func() { p.read(context.WithoutCancel(ctx), m, quit) })
	return reply, nil
}

// read passes over what the service says to whoever publishes, until the connection ends.
func (p *prober) read(ctx context.Context, m *outgoing, quit func()) {
	err := push.Contained(func() error {
		for {
			_, said, err := m.conn.Reader(ctx)
			if err == nil {
				_, err = io.Copy(io.Discard, said)
			}
			if err != nil {
				return err
			}
		}
	})
	if bye, ok := errors.AsType[websocket.CloseError](err); ok {
		if answer, refuses := p.refusal(bye); refuses {
			m.refused = &answer
			quit()
		}
	}
}

// close ends the connection on which the message was sent.
func (m *outgoing) close() {
	if m.conn != nil {
		_ = m.conn.CloseNow()
	}
	m.reading.Wait()
}
