package httpx

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// buffers are what an exchange needs for its connection; they are used again by the next one.
type buffers struct {
	wire wire
	r    *bufio.Reader
	w    *bufio.Writer
}

func newBuffers() *buffers {
	b := new(buffers)
	b.r = bufio.NewReaderSize(&b.wire, 4<<10)
	b.w = bufio.NewWriterSize(&b.wire, 4<<10)
	return b
}

func (b *buffers) reset(conn net.Conn, headerLimit int64) {
	b.wire = wire{conn: conn, left: headerLimit}
	b.r.Reset(&b.wire)
	b.w.Reset(&b.wire)
}

// release lets go of the connection.
func (b *buffers) release() { b.reset(nil, 0) }

// wire reads a connection within a budget.
type wire struct {
	conn net.Conn
	left int64 // bytes that may still be read
	over bool  // more was sent
	err  error // of the last read: parsers of a header hide it behind what they think of the part that came
}

var errBudget = errors.New("more than the limit")

// unlimited lifts the budget: from here on whoever reads counts.
func (w *wire) unlimited() { w.left = math.MaxInt64 }

// Read reads within the budget.
func (w *wire) Read(p []byte) (int, error) {
	if w.left <= 0 {
		w.over = true
		return 0, errBudget
	}
	n, err := w.conn.Read(p[:min(int64(len(p)), w.left)])
	w.left, w.err = w.left-int64(n), err
	return n, err
}

// Write writes to the connection.
func (w *wire) Write(p []byte) (int, error) { return w.conn.Write(p) }

// setBody gives a request a body of known length. Without one, net/http tells servers that it is empty where the method
// usually has one (RFC 9110 section 8.6).
func setBody(req *http.Request, body []byte) {
	req.Body, req.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
}

// readBody reads to the end within the limit. A declared length is only a hint: nothing is allocated for more than has
// been seen to come, except for the first 64 KiB.
func readBody(r io.Reader, declared, limit int64) ([]byte, error) {
	size := int64(512)
	if declared >= 0 {
		size = min(declared, 64<<10, limit) + 1 // one more, so that the end is seen without growing
	}
	body := make([]byte, 0, size)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		room := min(int64(cap(body)), limit+1)
		n, err := r.Read(body[len(body):room])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return body[:limit], errBudget
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
}

// bodyFault says why a body did not come to its end.
func bodyFault(err error, got, declared, limit int64) error {
	switch {
	case errors.Is(err, errBudget):
		return faultf(probe.BodyTooLarge, "body has more than %d bytes", limit)
	case timedOut(err):
		return faultf(probe.BodyTimeout, "body not complete in time: got %d bytes", got)
	case errors.Is(err, io.ErrUnexpectedEOF), wasReset(err), isAlert(err):
		if declared >= 0 {
			return faultf(probe.BodyTruncated, "body ended after %d bytes, want %d", got, declared)
		}
		return faultf(probe.BodyTruncated, "body ended after %d bytes, before its last chunk", got)
	}
	return faultf(probe.ResponseMalformed, "reading body after %d bytes: %s", got, bare(err))
}
