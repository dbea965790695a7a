package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// receiver is a stream that is held open. Its goroutines end with it; close waits for them.
type receiver struct {
	source
	response *httpx.Response // how it was opened
	in       *intake
	ready    chan struct{}   // closed when the service says that it listens; services that never do are ready at once
	alive    context.Context // ends with the stream
	die      context.CancelFunc
	why      atomic.Pointer[failure] // how it ended
	running  sync.WaitGroup

	users   int  // probes that wait for what arrives; guarded by the prober's lock
	useless bool // a message showed it; guarded by the prober's lock
}

// open opens the stream and waits until the service is ready to deliver. The error is a *failure, that of a cancelled
// context, or a lack of the agent's own.
func (p *prober) open(ctx context.Context, j *journal) (*receiver, error) {
	r := &receiver{in: new(intake), ready: make(chan struct{})}
	var err error
	if p.receive.socket {
		err = p.openSocket(ctx, r)
	} else {
		err = p.openStream(ctx, r)
	}
	j.exchanged(r.response)
	if err != nil {
		return nil, err
	}
	p.start(ctx, r)
	if err := r.await(ctx); err != nil {
		r.close()
		return nil, err
	}
	j.add("the receiver is open")
	return r, nil
}

// start begins to listen. The stream outlives the probe that opened it, whose context ctx is.
func (p *prober) start(ctx context.Context, r *receiver) {
	r.alive, r.die = context.WithCancel(context.WithoutCancel(ctx))
	r.running.Go(func() { p.listen(r) })
	if socket, ok := r.source.(*socket); ok {
		r.running.Go(func() { socket.ping(r.alive, r) })
	}
}

// openStream asks for a stream over HTTP.
func (p *prober) openStream(ctx context.Context, r *receiver) error {
	held, resp, err := p.receive.client.Hold(ctx, &httpx.Request{URL: p.receive.url, Header: p.receive.header})
	if err != nil {
		return err
	}
	r.response = resp
	if err := p.judge(resp); err != nil {
		if held != nil {
			_ = held.Close()
		}
		return err
	}
	if r.source = newNDJSON(held, r.in); p.form == formSSE {
		r.source = newSSE(held, r.in)
	}
	return nil
}

// judge returns why an answer is no stream of events, or nil.
func (p *prober) judge(resp *httpx.Response) error {
	if resp.Reason != "" {
		return &failure{resp.Reason, resp.Detail}
	}
	if resp.Status != http.StatusOK {
		return p.turnedAway(resp, "200")
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case p.form == formSSE && media != "text/event-stream":
		return &failure{malformed, fmt.Sprintf("content type is %q, want text/event-stream", probe.Clip(media, maxQuoted))}
	case media == "text/html":
		return &failure{malformed, "content type is text/html, want lines of JSON"}
	}
	return nil
}

// maxQuoted bounds what is quoted of a service, in bytes.
const maxQuoted = 100

// turnedAway draws the consequence of an answer that is no stream.
func (p *prober) turnedAway(resp *httpx.Response, want string) error {
	a := p.answer(resp)
	p.standing.Note(time.Now(), a, p.every)
	return refusedBy(a, want)
}

// await waits until the stream is ready.
func (r *receiver) await(ctx context.Context) error {
	select {
	case <-r.ready:
		return nil
	case <-r.alive.Done():
		return r.why.Load()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return &failure{probe.ResponseTimeout, "no open event on the stream in time"}
	}
}

// listen takes events in until the stream ends.
func (p *prober) listen(r *receiver) {
	defer r.die()
	if !p.ntfy {
		close(r.ready)
	}
	r.end(ended(push.Contained(func() error {
		for {
			e, err := r.next()
			if err == nil {
				err = p.take(r, e, time.Now())
			}
			if err != nil {
				return err
			}
		}
	})))
	_ = r.Close()
}

// take takes in one event that came at a time.
func (p *prober) take(r *receiver, e event, at time.Time) error {
	if !p.ntfy {
		p.inbox.DeliverText(e.data, at, func(id string) bool { return p.intact(e.data, id) })
		return nil
	}
	said, ok := parseNtfy(e.data)
	select {
	case <-r.ready:
	default:
		if !ok || said.Event != ntfyOpen {
			return &failure{malformed, "the stream does not begin with an open event of ntfy"}
		}
		close(r.ready)
	}
	switch {
	case !ok:
		// A message whose wrapping is broken is garbled, whatever is left of it.
		p.inbox.DeliverText(e.data, at, func(string) bool { return false })
	case said.Event == ntfyMessage && said.Message != nil:
		p.inbox.DeliverText([]byte(*said.Message), at, func(id string) bool { return p.intact([]byte(*said.Message), id) })
	}
	return nil
}

// end notes how the stream ended; the first to know is right.
func (r *receiver) end(why *failure) { r.why.CompareAndSwap(nil, why) }

// dead returns how the stream ended, or nil.
func (r *receiver) dead() *failure {
	if r.alive.Err() == nil {
		return nil
	}
	return r.why.Load()
}

// close ends the stream and waits for what it started.
func (r *receiver) close() {
	_ = r.Close()
	r.running.Wait()
}

// ended says how a stream ended.
func ended(err error) *failure {
	bye, closed := errors.AsType[websocket.CloseError](err)
	known, isKnown := errors.AsType[*failure](err)
	switch {
	case isKnown:
		return known
	case push.Panicked(err):
		return &failure{malformed, err.Error()}
	case closed:
		return &failure{probe.ConnectionClosed, fmt.Sprintf("the service closed the WebSocket with code %d", bye.Code)}
	case errors.Is(err, push.ErrFlood):
		return &failure{malformed, "the service sent " + push.ErrFlood.Error()}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &failure{probe.ConnectionReset, "the connection was reset"}
	case errors.Is(err, syscall.ETIMEDOUT):
		return &failure{probe.ConnectionReset, "the service was gone without a word"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &failure{probe.ConnectionClosed, "the service closed the connection"}
	}
	return &failure{probe.ConnectionClosed, "the connection ended"}
}
