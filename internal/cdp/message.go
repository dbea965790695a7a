package cdp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// maxMessage bounds one message, in bytes. A screenshot of a long page is a few MiB in base64. Only what a page says can
	// be longer, such as to its console.
	maxMessage = 64 << 20

	// maxSkipped bounds a message that is passed over because it is too long. A string of a page has 512 MiB at most (V8).
	maxSkipped = 1 << 30

	// headBytes is how much of such a message is looked at.
	headBytes = 64

	// keepBuffer is the largest read buffer that is kept for the next message, in bytes.
	keepBuffer = 1 << 20
)

// request is a message to the browser.
type request struct {
	ID      int64     `json:"id"`
	Session SessionID `json:"sessionId,omitempty"`
	Method  string    `json:"method"`
	Params  any       `json:"params"`
}

// message is a message from the browser: an answer when it has an id, else an event.
type message struct {
	ID      *int64          `json:"id"`
	Session SessionID       `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func encode(r request) ([]byte, error) {
	if r.Params == nil {
		r.Params = struct{}{}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", r.Method, err)
	}
	return append(data, 0), nil
}

func decode(data []byte) (message, error) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return message{}, fmt.Errorf("decoding message of %d bytes: %w", len(data), err)
	}
	if m.ID == nil && m.Method == "" {
		return message{}, fmt.Errorf("decoding message of %d bytes: neither id nor method", len(data))
	}
	return m, nil
}

// reader cuts the stream of a browser into messages.
type reader struct {
	src *bufio.Reader
	max int
	buf []byte
}

func newReader(src io.Reader, limit int) *reader {
	return &reader{src: bufio.NewReaderSize(src, 64<<10), max: limit}
}

// errTooLong says that a message was passed over.
var errTooLong = fmt.Errorf("longer than %d bytes", maxMessage)

// next returns the bytes of the next message without its NUL, valid until the next call. It returns io.EOF at the end of
// the stream, errTooLong with the head of a message that is too long, and an error when one is cut off.
func (r *reader) next() ([]byte, error) {
	if cap(r.buf) > keepBuffer {
		r.buf = nil
	}
	r.buf = r.buf[:0]
	for size := 0; ; {
		chunk, err := r.src.ReadSlice(0)
		if size += len(chunk); size > r.max+1 { // the NUL does not count
			r.buf = slices.Clone(r.buf[:headBytes])
		} else {
			r.buf = append(r.buf, chunk...)
		}
		switch {
		case size > maxSkipped:
			return nil, fmt.Errorf("reading message: longer than %d bytes", maxSkipped)
		case err == nil && size > r.max+1:
			return r.buf, errTooLong
		case err == nil:
			return r.buf[:len(r.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && size > 0:
			return nil, fmt.Errorf("reading message: %w after %d bytes", io.ErrUnexpectedEOF, size)
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("reading message: %w", err)
		}
	}
}

// answers returns the id of the call that a message with this head answers; false when it is none. The id comes first.
func answers(head []byte) (id int64, ok bool) {
	_, err := fmt.Sscanf(string(head), `{"id":%d`, &id)
	return id, err == nil
}
