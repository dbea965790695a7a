package egress

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// idle is how long a connection may carry nothing in both directions. No visit takes longer.
const idle = 2 * time.Minute

// pulse is when something last went over a connection in either direction, in nanoseconds since the epoch.
type pulse struct{ last atomic.Int64 }

func (p *pulse) beat(now time.Time) { p.last.Store(now.UnixNano()) }

// still returns whether nothing has moved for so long that the connection is given up.
func (p *pulse) still(now time.Time) bool { return now.UnixNano()-p.last.Load() >= int64(idle) }

// patient is a connection whose reads and writes wait as long as anything moves over it.
type patient struct {
	*net.TCPConn
	pulse pulse
	by    atomic.Int64 // when reads end at the latest, in nanoseconds since the epoch; 0 is no limit
}

func newPatient(conn *net.TCPConn) *patient {
	c := &patient{TCPConn: conn}
	c.pulse.beat(time.Now())
	return c
}

// hurry gives all reads, the current one included, until a moment; the zero time takes that back.
func (c *patient) hurry(by time.Time) {
	if by.IsZero() {
		c.by.Store(0)
		return
	}
	c.by.Store(by.UnixNano())
	_ = c.SetReadDeadline(by) // fails on a closed connection only, and then the read says so
}

func (c *patient) Read(p []byte) (int, error) {
	for {
		now := time.Now()
		_ = c.SetReadDeadline(now.Add(idle))
		if by := c.by.Load(); by != 0 {
			_ = c.SetReadDeadline(time.Unix(0, by))
		}
		n, err := c.TCPConn.Read(p)
		if n > 0 {
			c.pulse.beat(now)
		}
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || c.by.Load() != 0 || c.pulse.still(time.Now()) {
			return n, err
		}
	}
}

func (c *patient) Write(p []byte) (int, error) {
	now := time.Now()
	c.pulse.beat(now)
	_ = c.SetWriteDeadline(now.Add(idle))
	return c.TCPConn.Write(p)
}

// socket is a connection to a server that counts what it carries.
type socket struct {
	*patient
	proxy *Proxy
	entry *entry
}

func (s *socket) Read(p []byte) (int, error) {
	n, err := s.patient.Read(p)
	s.entry.in.Add(int64(n))
	s.proxy.count(n)
	return n, err
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.patient.Write(p)
	s.entry.out.Add(int64(n))
	s.proxy.count(n)
	return n, err
}

// abort makes the close of a connection a reset, so that the other side takes it for what it is.
func abort(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // a closed connection needs no reset
	_ = conn.Close()
}
