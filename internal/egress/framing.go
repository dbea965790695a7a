package egress

import (
	"bufio"
	"errors"
	"strconv"
	"strings"
)

// framing is how the end of a body is found (RFC 9112 section 6.3).
type framing struct {
	length  int64 // bytes, unless one of the others
	chunked bool
	open    bool // until the connection ends
}

// requestFraming is strict: whoever sends both lengths or an unknown coding wants two readers to disagree.
func (h *head) requestFraming() (framing, error) {
	coding, coded := h.get("Transfer-Encoding")
	length, measured := h.get("Content-Length")
	switch {
	case coded && measured, coded && !strings.EqualFold(coding, "chunked"):
		return framing{}, errMalformed
	case coded:
		return framing{chunked: true}, nil
	case measured:
		n, ok := parseLength(length)
		if !ok {
			return framing{}, errMalformed
		}
		return framing{length: n}, nil
	}
	return framing{}, nil
}

// responseFraming goes on until the connection ends when in doubt: the browser decides what that is.
func (h *head) responseFraming(method, version string, status int) framing {
	if h.odd {
		return framing{open: true}
	}
	coding, coded := h.get("Transfer-Encoding")
	length, measured := h.get("Content-Length")
	switch {
	case method == "HEAD", status < 200, status == 204, status == 304:
		return framing{}
	case coded && strings.EqualFold(coding, "chunked") && version == "HTTP/1.1":
		return framing{chunked: true}
	case !coded && measured:
		if n, ok := parseLength(length); ok {
			return framing{length: n}
		}
	}
	return framing{open: true}
}

// parseLength reads a Content-Length, which may be said more than once if it is the same.
func parseLength(value string) (int64, bool) {
	first, others, _ := strings.Cut(value, ",")
	first = strings.Trim(first, " \t")
	for others != "" {
		var next string
		if next, others, _ = strings.Cut(others, ","); strings.Trim(next, " \t") != first {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(first, 10, 63)
	return int64(n), err == nil
}

// relay carries a body as it is. What is at hand is flushed before it waits for more.
func (f framing) relay(to *bufio.Writer, from *bufio.Reader, buffer []byte) error {
	var err error
	switch {
	case f.chunked:
		err = relayChunks(to, from, buffer)
	case f.open:
		err = relayBytes(to, from, buffer, -1)
	default:
		err = relayBytes(to, from, buffer, f.length)
	}
	return errors.Join(err, to.Flush())
}

// relayBytes carries n bytes; below 0, it carries all and returns io.EOF.
func relayBytes(to *bufio.Writer, from *bufio.Reader, buffer []byte, n int64) error {
	for n != 0 {
		if err := flushBeforeWait(to, from); err != nil {
			return err
		}
		part := buffer
		if n > 0 {
			part = buffer[:min(n, int64(len(buffer)))]
		}
		got, err := from.Read(part)
		if _, writeErr := to.Write(part[:got]); writeErr != nil {
			return writeErr
		}
		if n > 0 {
			n -= int64(got)
		}
		if err != nil && n != 0 {
			return err
		}
	}
	return nil
}

// relayChunks carries a chunked body with its trailers (RFC 9112 section 7.1).
func relayChunks(to *bufio.Writer, from *bufio.Reader, buffer []byte) error {
	for {
		line, err := relayLine(to, from)
		if err != nil {
			return err
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.Trim(digits, " \t"), 16, 62)
		if err != nil {
			return errMalformed
		}
		if size == 0 {
			break
		}
		if err := relayBytes(to, from, buffer, int64(size)); err != nil {
			return err
		}
		if line, err := relayLine(to, from); err != nil || line != "" {
			return errors.Join(err, errMalformed)
		}
	}
	for total := 0; ; {
		line, err := relayLine(to, from)
		if err != nil {
			return err
		}
		if line == "" {
			return nil
		}
		if total += len(line); total > maxHead {
			return errTooLarge
		}
	}
}

// relayLine carries one line, and returns it without its end.
func relayLine(to *bufio.Writer, from *bufio.Reader) (string, error) {
	if err := flushBeforeWait(to, from); err != nil {
		return "", err
	}
	line, err := from.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return "", errTooLarge
		}
		return "", err
	}
	if _, err := to.Write(line); err != nil {
		return "", err
	}
	return strings.TrimRight(string(line), "\r\n"), nil
}

func flushBeforeWait(to *bufio.Writer, from *bufio.Reader) error {
	if from.Buffered() == 0 {
		return to.Flush()
	}
	return nil
}
