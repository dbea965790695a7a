package stream

import (
	"bytes"
	"io"
)

// event is one thing that a service says. Its bytes are valid until the next one is read.
type event struct {
	name string // of Server-Sent Events; empty for "message" and for other streams
	data []byte
}

// source is a stream of events. One goroutine reads; Close may be called by anybody and ends the reading.
type source interface {
	next() (event, error)
	io.Closer
}

// ndjson reads events that are one line each.
type ndjson struct {
	io.Closer
	lines lines
	in    *intake
}

func newNDJSON(stream io.ReadCloser, in *intake) *ndjson {
	return &ndjson{stream, newLines(metered{stream, in}, false), in}
}

// next skips empty lines, which keep a connection alive, and those that are too long.
func (s *ndjson) next() (event, error) {
	for {
		line, cut, err := s.lines.next()
		switch line = bytes.TrimSpace(line); {
		case err != nil:
			return event{}, err
		case cut:
			s.in.skipped.Add(1)
		case len(line) > 0:
			return event{data: line}, nil
		}
	}
}

// sse reads Server-Sent Events (HTML, section 9.2.6). Ids and reconnection times are of no use to whoever resumes
// nothing.
type sse struct {
	io.Closer
	lines lines
	in    *intake
	begun bool
	data  []byte // lines of the event's data, each with LF behind it
	name  string
	over  bool // the event is over maxEvent
}

func newSSE(stream io.ReadCloser, in *intake) *sse {
	return &sse{Closer: stream, lines: newLines(metered{stream, in}, true), in: in}
}

// next skips comments, which keep a connection alive, events without data, and those that are too long.
func (s *sse) next() (event, error) {
	s.clear()
	for {
		line, cut, err := s.lines.next()
		if err != nil {
			return event{}, err
		}
		if !s.begun {
			line, s.begun = bytes.TrimPrefix(line, []byte("\uFEFF")), true
		}
		switch {
		case len(line) > 0:
			s.field(line, cut)
		case s.over:
			s.in.skipped.Add(1)
			s.clear()
		case len(s.data) > 0:
			return event{name: s.name, data: s.data[:len(s.data)-1]}, nil
		default:
			s.clear()
		}
	}
}

func (s *sse) clear() {
	s.data, s.name, s.over = s.lines.spare(s.data), "", false
}

// field takes one line that is not empty.
func (s *sse) field(line []byte, cut bool) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if s.over = s.over || cut || len(s.data)+len(value) > maxEvent; !s.over {
			s.data = append(append(s.data, value...), '\n')
		}
	case "event":
		if s.name = string(value); s.name == "message" {
			s.name = ""
		}
	}
}
