package cdp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
)

var errEnded = errors.New("the browser ended")

// Conn is a connection to a browser. It is safe for concurrent use.
type Conn struct {
	in     io.ReadCloser
	out    io.WriteCloser
	writes chan []byte
	done   chan struct{}  // closed when the connection is over
	work   sync.WaitGroup // reader, writer and the preparation of followed sessions

	mu        sync.Mutex
	err       error // why the connection is over; set before done is closed
	last      int64 // id
	calls     map[int64]*call
	parents   map[SessionID]SessionID // of sessions attached below another than the browser
	listeners map[SessionID][]*listener
	followers map[SessionID]*follower
}

// call is a call that waits for its answer.
type call struct {
	session SessionID
	method  string
	answer  chan answer // buffered: whoever answers never waits
}

type answer struct {
	result json.RawMessage
	err    error
}

type listener struct{ handle func(Event) }

// Open speaks with a browser that reads from w and writes to r. The connection owns both, and two goroutines until Close
// is called.
func Open(r io.ReadCloser, w io.WriteCloser) *Conn {
	c := &Conn{
		in:        r,
		out:       w,
		writes:    make(chan []byte),
		done:      make(chan struct{}),
		calls:     make(map[int64]*call),
		parents:   make(map[SessionID]SessionID),
		listeners: make(map[SessionID][]*listener),
		followers: make(map[SessionID]*follower),
	}
	c.work.Go(c.read)
	c.work.Go(c.write)
	return c
}

// Close ends the connection, which makes the browser end, and waits for the connection's goroutines. Calls that wait fail
// with ErrClosed. It must not be called by a handler. Further calls do nothing.
func (c *Conn) Close() error {
	c.end(errors.New("closed by the agent"))
	c.work.Wait()
	return nil
}

// Done returns a channel that is closed when the connection is over.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns nil while the connection stands, then an error that wraps ErrClosed and says why it is over.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Call calls a method of a session, or of the browser itself, and decodes the answer into result, unless that is nil. Nil
// params are an empty object. It returns as soon as ctx ends; an answer that comes later is dropped. The error is an
// *Error when the browser refuses, ErrDetached when the session ends meanwhile, and ErrClosed when the connection does.
func (c *Conn) Call(ctx context.Context, session SessionID, method string, params, result any) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("calling %s: %w", method, err)
	}
	pending := &call{session: session, method: method, answer: make(chan answer, 1)}
	id, err := c.register(pending)
	if err != nil {
		return fmt.Errorf("calling %s: %w", method, err)
	}
	defer c.forget(id)
	data, err := encode(request{ID: id, Session: session, Method: method, Params: params})
	if err != nil {
		return err
	}
	select {
	case c.writes <- data:
	case <-c.done:
		return fmt.Errorf("calling %s: %w", method, c.Err())
	case <-ctx.Done():
		return fmt.Errorf("calling %s: %w", method, ctx.Err())
	}
	select {
	case a := <-pending.answer:
		return finish(method, a, result)
	case <-c.done:
		return fmt.Errorf("calling %s: %w", method, c.Err())
	case <-ctx.Done():
		return fmt.Errorf("calling %s: %w", method, ctx.Err())
	}
}

func finish(method string, a answer, result any) error {
	var refused *Error
	switch {
	case errors.As(a.err, &refused):
		return refused
	case a.err != nil:
		return fmt.Errorf("calling %s: %w", method, a.err)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(a.result, result); err != nil {
		return fmt.Errorf("decoding answer to %s: %w", method, err)
	}
	return nil
}

func (c *Conn) register(pending *call) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.last++
	c.calls[c.last] = pending
	return c.last, nil
}

func (c *Conn) forget(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// end makes the connection be over for the first cause that is given.
func (c *Conn) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = fmt.Errorf("%w: %w", ErrClosed, cause)
	close(c.done)
	// Closing makes a read or write that waits return. What it says of a pipe that is given up is of no use.
	_ = c.in.Close()
	_ = c.out.Close()
}

// write is the only writer, so that a call whose context ends need not wait for a browser that has stopped reading.
func (c *Conn) write() {
	for {
		select {
		case data := <-c.writes:
			switch _, err := c.out.Write(data); {
			case errors.Is(err, syscall.EPIPE): // which the reader finds too, now or in a moment
				c.end(errEnded)
				return
			case err != nil:
				c.end(fmt.Errorf("writing to the browser: %w", err))
				return
			}
		case <-c.done:
			return
		}
	}
}
