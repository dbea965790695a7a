package egress

import (
	"io"
	"net"
	"sync"
	"time"
)

// inFlight is how many chunks one connection has on its way in one direction; together they are a window of 1 MiB.
const inFlight = 64

// stream is a connection to a server as the browser meets it.
type stream interface {
	io.ReadWriter
	CloseWrite() error
	// Close cuts both directions at once and waits for nothing. More than one call does no harm.
	Close() error
}

// wire makes a connection as long and as narrow as the customer's line. One goroutine may read and another one write.
type wire struct {
	proxy  *Proxy
	socket stream
	oneWay time.Duration

	arriving chan packet // from the server, on the way to the browser
	current  packet      // that is being read
	leaving  chan packet // to the server
	sent     time.Time   // when the last one of those is due
	arrival  *time.Timer // of the reader
	backlog  *time.Timer // of the writer

	closed chan struct{} // when the end has been handed over to the server
	cut    chan struct{} // when nothing is to go on
	once   sync.Once
}

// packet is what arrives at a moment: bytes, and then perhaps the end.
type packet struct {
	buffer *[]byte // to give back
	data   []byte  // what is left of it
	due    time.Time
	err    error // of the end; io.EOF is the orderly one
}

func newWire(p *Proxy, socket stream) *wire {
	w := &wire{
		proxy: p, socket: socket, oneWay: p.opts.Delay / 2,
		arriving: make(chan packet, inFlight), leaving: make(chan packet, inFlight),
		arrival: time.NewTimer(0), backlog: time.NewTimer(0), closed: make(chan struct{}), cut: make(chan struct{}),
	}
	p.running.Go(w.pumpIn)
	p.running.Go(w.pumpOut)
	return w
}

// Read returns bytes that have arrived, and waits for them.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.current.data) == 0 {
		if w.current.err != nil {
			return 0, w.current.err
		}
		select {
		case w.current = <-w.arriving:
		case <-w.cut:
			return 0, net.ErrClosed
		}
		if !w.await(w.arrival, w.current.due) {
			return 0, net.ErrClosed
		}
		if w.current.err != nil {
			return 0, w.current.err
		}
	}
	n := copy(p, w.current.data)
	if w.current.data = w.current.data[n:]; len(w.current.data) == 0 {
		w.proxy.buffers.Put(w.current.buffer)
		w.current = packet{}
	}
	return n, nil
}

// Write sends bytes on their way. Whether they arrive is seen by what comes back.
func (w *wire) Write(p []byte) (int, error) {
	size := w.proxy.up.quantum()
	for rest := p; len(rest) > 0; {
		buffer := w.proxy.buffers.Get().(*[]byte)
		n := copy((*buffer)[:size], rest)
		rest = rest[n:]
		crossed := w.proxy.up.take(n, time.Now())
		w.sent = crossed.Add(w.oneWay)
		select {
		case w.leaving <- packet{buffer: buffer, data: (*buffer)[:n], due: w.sent}:
		case <-w.cut:
			return len(p) - len(rest), net.ErrClosed
		}
		if !w.await(w.backlog, crossed.Add(-ahead)) {
			return len(p) - len(rest), net.ErrClosed
		}
	}
	return len(p), nil
}

// CloseWrite sends the end after everything else, and waits until it is there.
func (w *wire) CloseWrite() error {
	due := time.Now().Add(w.oneWay)
	if due.Before(w.sent) {
		due = w.sent
	}
	select {
	case w.leaving <- packet{due: due, err: io.EOF}:
	case <-w.cut:
		return net.ErrClosed
	}
	select {
	case <-w.closed:
		return nil
	case <-w.cut:
		return net.ErrClosed
	}
}

// Close cuts the connection where it is.
func (w *wire) Close() error {
	w.once.Do(func() {
		close(w.cut)
		_ = w.socket.Close()
	})
	return nil
}

// await waits until something is due, and returns false when the wire was cut before.
func (w *wire) await(timer *time.Timer, due time.Time) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	timer.Reset(d)
	select {
	case <-timer.C:
		return true
	case <-w.cut:
		return false
	}
}

// pumpIn takes from the server as fast as the line does.
func (w *wire) pumpIn() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	size := w.proxy.down.quantum()
	var due time.Time
	for {
		buffer := w.proxy.buffers.Get().(*[]byte)
		n, err := w.socket.Read((*buffer)[:size])
		now := time.Now()
		if n > 0 {
			crossed := w.proxy.down.take(n, now)
			due = crossed.Add(w.oneWay)
			if !w.arrive(packet{buffer: buffer, data: (*buffer)[:n], due: due}) || !w.await(timer, crossed.Add(-ahead)) {
				return
			}
		}
		if err != nil {
			if late := now.Add(w.oneWay); due.Before(late) {
				due = late
			}
			w.arrive(packet{due: due, err: err})
			return
		}
	}
}

func (w *wire) arrive(p packet) bool {
	select {
	case w.arriving <- p:
		return true
	case <-w.cut:
		return false
	}
}

// pumpOut hands over to the server what has arrived there, until the end. After an error it lets the rest go: the server's
// side of the connection says what became of it.
func (w *wire) pumpOut() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var failed error
	for {
		var p packet
		select {
		case p = <-w.leaving:
		case <-w.cut:
			return
		}
		if !w.await(timer, p.due) {
			return
		}
		if p.err != nil {
			_ = w.socket.CloseWrite() // as above
			close(w.closed)
			return
		}
		if failed == nil {
			_, failed = w.socket.Write(p.data)
		}
		w.proxy.buffers.Put(p.buffer)
	}
}
