package cdp

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Listen has handle called with every event of root and of the sessions attached below it, in the order in which the
// browser sent them; below the browser itself are all. Handlers run one at a time on the goroutine that reads: the browser
// waits for a slow one, so nothing is lost, and one that calls the browser would wait for itself for ever. Only events of
// more than 64 MiB, with which pages fill a console, are passed over. After stop has returned no new event is handled, but
// the handler may still be busy with one.
func (c *Conn) Listen(root SessionID, handle func(Event)) (stop func()) {
	l := &listener{handle: handle}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A new slice each time, because the reader goes through one without the lock.
	c.listeners[root] = append(slices.Clip(c.listeners[root]), l)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		rest := slices.DeleteFunc(slices.Clone(c.listeners[root]), func(o *listener) bool { return o == l })
		if len(rest) == 0 {
			delete(c.listeners, root)
			return
		}
		c.listeners[root] = rest
	}
}

func (c *Conn) read() {
	r := newReader(c.in, maxMessage)
	for {
		data, err := r.next()
		if errors.Is(err, io.EOF) {
			c.end(errEnded)
			return
		}
		if errors.Is(err, errTooLong) {
			c.skip(data)
			continue
		}
		if err != nil {
			c.end(err)
			return
		}
		m, err := decode(data)
		if err != nil {
			c.end(err)
			return
		}
		if m.ID != nil {
			c.answer(m)
			continue
		}
		c.dispatch(Event{Session: m.Session, Method: m.Method, Params: m.Params})
	}
}

// answer hands an answer to its call. An answer that nobody waits for any more is dropped.
func (c *Conn) answer(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending, ok := c.calls[*m.ID]
	if !ok {
		return
	}
	delete(c.calls, *m.ID)
	if m.Error != nil {
		pending.answer <- answer{err: &Error{Code: m.Error.Code, Message: m.Error.Message, Method: pending.method}}
		return
	}
	pending.answer <- answer{result: m.Result}
}

// skip passes over a message that is too long: the call that it answers fails, and an event is lost. What a page makes of
// its size must not cost the browser that it shares with others.
func (c *Conn) skip(head []byte) {
	id, ok := answers(head)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if pending, ok := c.calls[id]; ok {
		delete(c.calls, id)
		pending.answer <- answer{err: fmt.Errorf("answer is %w", errTooLong)}
	}
}

func (c *Conn) dispatch(e Event) {
	switch e.Method {
	case "Target.attachedToTarget":
		c.attached(e)
	case "Target.detachedFromTarget":
		defer c.detached(e)
	}
	for _, l := range c.audience(e.Session) {
		l.handle(e)
	}
}

// audience returns the listeners of a session and of those that it is attached below, nearest first.
func (c *Conn) audience(session SessionID) []*listener {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.listeners[session]
	for session != "" {
		session = c.parents[session]
		if above := c.listeners[session]; len(above) > 0 {
			all = append(slices.Clip(all), above...)
		}
	}
	return all
}
