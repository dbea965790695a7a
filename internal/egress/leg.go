package egress

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// leg is the way from a browser's connection to the server of its plain requests. The session sends requests on it; a
// goroutine of its own brings the answers.
type leg struct {
	session *session
	target  target
	server  stream
	from    *bufio.Reader
	to      *bufio.Writer
	head    []byte

	turned chan bool     // whether the server agreed to an upgrade
	done   chan struct{} // closed when no more answers come

	mu     sync.Mutex
	asked  []asked
	ending bool // the session wants another server
}

// asked is a request whose answer is due.
type asked struct {
	method  string
	upgrade bool
	stays   bool
}

// forward sends a request to its server. It returns whether another one may come.
func (s *session) forward(r *request) bool {
	if s.leg != nil && s.leg.target != r.target {
		s.settle()
	}
	if s.leg == nil {
		server, reason := s.proxy.reach(r.target)
		if reason != "" {
			return s.deny(r, reason)
		}
		s.leg = s.newLeg(r.target, server)
	}
	l := s.leg
	l.expect(asked{r.method, r.upgrade, r.stays(r.version)})
	s.direct = r.appendDirect(s.direct[:0])
	if err := l.send(s.direct, r.framing, s.in); err != nil {
		if l.to.Flush() != nil {
			<-l.done // the server wants no more: its answer may be on the way
		}
		return false
	}
	if !r.upgrade {
		return true
	}
	select {
	case agreed := <-l.turned:
		if agreed {
			s.carryUp(l.server)
			<-l.done
		}
		return !agreed
	case <-l.done:
		return false
	}
}

func (s *session) newLeg(t target, server stream) *leg {
	l := &leg{
		session: s, target: t, server: server,
		from: bufio.NewReader(server), to: bufio.NewWriter(server),
		turned: make(chan bool, 1), done: make(chan struct{}),
	}
	s.proxy.running.Go(func() {
		defer close(l.done)
		defer s.proxy.release(server)
		l.ended(l.bring())
	})
	return l
}

// expect remembers a request before it is sent.
func (l *leg) expect(a asked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, a)
}

// next returns the request that is answered next.
func (l *leg) next() (asked, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.asked) == 0 {
		return asked{}, false
	}
	return l.asked[0], true
}

// answered forgets the request that was answered, and reports whether it was the last one.
func (l *leg) answered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = l.asked[1:]
	return l.ending && len(l.asked) == 0
}

// finish waits for the answers that are due.
func (l *leg) finish() {
	l.mu.Lock()
	l.ending = true
	if len(l.asked) == 0 {
		_ = l.server.Close()
	}
	l.mu.Unlock()
	<-l.done
}

// cut ends the leg where it is.
func (l *leg) cut() {
	_ = l.server.Close()
	<-l.done
}

// send sends a request, its body as it comes.
func (l *leg) send(head []byte, body framing, from *bufio.Reader) error {
	if _, err := l.to.Write(head); err != nil {
		return err
	}
	buffer := l.session.proxy.buffers.Get().(*[]byte)
	defer l.session.proxy.buffers.Put(buffer)
	return body.relay(l.to, from, *buffer)
}

// bring brings answers until the server ends, or the session.
func (l *leg) bring() error {
	buffer := l.session.proxy.buffers.Get().(*[]byte)
	defer l.session.proxy.buffers.Put(buffer)
	for {
		if _, err := l.from.Peek(1); err != nil {
			return err
		}
		to, due := l.next()
		if !due {
			return io.EOF // nobody asked: nothing that a browser could make sense of
		}
		raw, err := readHead(l.from, l.head[:0])
		l.head = raw
		_, _ = l.session.out.Write(raw) // it keeps the error for the body
		if err != nil && !errors.Is(err, errTooLarge) {
			return errors.Join(err, l.session.out.Flush())
		}
		h := parseHead(raw)
		h.odd = h.odd || err != nil
		if more, err := l.answer(&h, to, *buffer); err != nil || !more {
			return err
		}
	}
}

// answer brings what follows a head. It returns whether another answer can come.
func (l *leg) answer(h *head, to asked, buffer []byte) (more bool, err error) {
	out := l.session.out
	version, status, ok := h.status()
	h.odd = h.odd || !ok
	switch {
	case !h.odd && status == http.StatusSwitchingProtocols && to.upgrade:
		l.turned <- true
		return false, framing{open: true}.relay(out, l.from, buffer)
	case !h.odd && status < 200:
		return true, out.Flush() // the answer proper is still due
	}
	body := h.responseFraming(to.method, version, status)
	if body.open {
		l.session.shut.Store(true) // another answer would read like more of this one
		return false, body.relay(out, l.from, buffer)
	}
	if err := body.relay(out, l.from, buffer); err != nil {
		return false, err
	}
	last := l.answered()
	if to.upgrade {
		l.turned <- false
	}
	return !last && to.stays && h.stays(version), nil
}

// ended ends the browser's side the way the server ended its own, unless the session goes on with another one.
func (l *leg) ended(err error) {
	l.mu.Lock()
	ending := l.ending
	l.mu.Unlock()
	s := l.session
	switch {
	case ending, s.proxy.ctx.Err() != nil:
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, errMalformed), errors.Is(err, errTooLarge):
		s.shut.Store(true)
		_ = s.client.CloseWrite() // the browser is gone
		s.client.hurry(time.Now().Add(s.proxy.patience.parting))
	default:
		s.shut.Store(true)
		abort(s.client.TCPConn)
	}
}
