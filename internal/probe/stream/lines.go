package stream

import (
	"bufio"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	// maxEvent bounds one event, in bytes; those of others may be longer and are skipped.
	maxEvent = 64 << 10
	// keptBuffer is up to which size a buffer is used again, in bytes: thousands of receivers wait at once.
	keptBuffer = 4 << 10
)

// intake is what a receiver reads. It is safe for concurrent use.
type intake struct {
	flood   push.Flood
	skipped atomic.Int64 // events over maxEvent since they were last taken
}

// takeSkipped returns how many events were skipped since it was last called.
func (in *intake) takeSkipped() int64 { return in.skipped.Swap(0) }

// metered is a reader that ends where too much comes at once.
type metered struct {
	io.Reader
	in *intake
}

// Read reads while the intake is within its bounds.
func (m metered) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if flood := m.in.flood.Take(n, time.Now()); flood != nil {
		return 0, flood
	}
	return n, err
}

// lines cuts a stream into lines that end with LF or CR LF and, where bareCR says so, with CR alone. It never waits for
// what follows a CR.
type lines struct {
	r       *bufio.Reader
	bareCR  bool
	afterCR bool // the last line ended with CR: an LF that follows is part of that end
	buf     []byte
}

func newLines(r io.Reader, bareCR bool) lines {
	return lines{r: bufio.NewReaderSize(r, 512), bareCR: bareCR}
}

// next returns the next line without its end, valid until the next call. Of a line over maxEvent it returns the
// beginning, and true. What the stream ends with counts as a line.
func (l *lines) next() (line []byte, cut bool, err error) {
	l.buf = l.spare(l.buf)
	for {
		b, err := l.r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(l.buf) > 0 {
				return l.trimmed(), cut, nil
			}
			return nil, false, err
		}
		joined := l.afterCR && b == '\n'
		l.afterCR = false
		switch {
		case joined:
		case b == '\n':
			return l.trimmed(), cut, nil
		case b == '\r' && l.bareCR:
			l.afterCR = true
			return l.buf, cut, nil
		case len(l.buf) == maxEvent:
			cut = true
		default:
			l.buf = append(l.buf, b)
		}
	}
}

// spare returns a buffer to be used again, empty: not a large one when it has to wait.
func (l *lines) spare(buf []byte) []byte {
	if cap(buf) > keptBuffer && l.r.Buffered() == 0 {
		return nil
	}
	return buf[:0]
}

// trimmed returns the line without the CR of a CR LF.
func (l *lines) trimmed() []byte {
	if n := len(l.buf); n > 0 && l.buf[n-1] == '\r' && !l.bareCR {
		return l.buf[:n-1]
	}
	return l.buf
}
