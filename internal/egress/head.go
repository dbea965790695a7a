package egress

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// maxHead bounds the head of a message and the trailers of a chunked body, in bytes. It is the limit of Chromium.
const maxHead = 256 << 10

var (
	errMalformed = errors.New("malformed message")
	errTooLarge  = errors.New("head of a message is too large")
)

// head is the first lines of a message, as they came.
type head struct {
	raw    []byte // with the empty line
	start  string // first line, without its end
	fields []field
	odd    bool // a line is not as it should be: how the message is framed is anybody's guess
}

// field is one line of a header.
type field struct {
	name, value string
	line        []byte // with its end
}

// readHead reads up to the empty line and appends to raw, which is returned whatever happens.
func readHead(r *bufio.Reader, raw []byte) ([]byte, error) {
	for begin := len(raw); ; {
		part, err := r.ReadSlice('\n')
		raw = append(raw, part...)
		switch {
		case len(raw) > maxHead:
			return raw, errTooLarge
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return raw, err
		}
		if len(bytes.TrimRight(raw[begin:], "\r\n")) == 0 {
			return raw, nil
		}
		begin = len(raw)
	}
}

// parseHead reads the lines of a head.
func parseHead(raw []byte) head {
	h := head{raw: raw}
	for rest := raw; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		line := rest[:end]
		rest = rest[end:]
		text, proper := strings.CutSuffix(string(line), "\r\n")
		h.odd = h.odd || !proper || strings.ContainsAny(text, "\x00\r\n")
		switch name, value, found := strings.Cut(text, ":"); {
		case h.start == "" && len(h.fields) == 0 && text != "":
			h.start = text
		case text == "" && len(rest) == 0:
		case !found || !isToken(name):
			h.odd = true
		default:
			h.fields = append(h.fields, field{name, strings.Trim(value, " \t"), line})
		}
	}
	return h
}

// get returns the values of a field, joined by commas.
func (h *head) get(name string) (value string, found bool) {
	for i := range h.fields {
		if !strings.EqualFold(h.fields[i].name, name) {
			continue
		}
		if found {
			value += ","
		}
		value, found = value+h.fields[i].value, true
	}
	return value, found
}

// has reports whether a field lists a word.
func (h *head) has(name, word string) bool {
	value, _ := h.get(name)
	for item := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.Trim(item, " \t"), word) {
			return true
		}
	}
	return false
}

// isToken reports whether a text is a token (RFC 9110 section 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return text != ""
}

// status reads the first line of a response.
func (h *head) status() (version string, code int, ok bool) {
	version, rest, _ := strings.Cut(h.start, " ")
	digits, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(digits)
	ok = err == nil && len(digits) == 3 && code >= 100 && (version == "HTTP/1.1" || version == "HTTP/1.0")
	return version, code, ok
}

// stays reports whether the connection can carry another exchange after this message.
func (h *head) stays(version string) bool {
	return !h.has("Connection", "close") && (version == "HTTP/1.1" || h.has("Connection", "keep-alive"))
}
