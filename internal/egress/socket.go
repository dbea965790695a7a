package egress

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// patient is a connection whose reads and writes wait as long as anything moves over it in either direction.
type patient struct {
	*net.TCPConn
	idle time.Duration
	last atomic.Int64 // when something moved, in nanoseconds since the epoch
	by   atomic.Int64 // when reads end at the latest, likewise; 0 is no limit
}

func newPatient(conn *net.TCPConn, idle time.Duration) *patient {
	c := &patient{TCPConn: conn, idle: idle}
	c.last.Store(time.Now().UnixNano())
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
		_ = c.SetReadDeadline(time.Now().Add(c.idle))
		if by := c.by.Load(); by != 0 {
			_ = c.SetReadDeadline(time.Unix(0, by))
		}
		n, err := c.TCPConn.Read(p)
		now := time.Now().UnixNano()
		if n > 0 {
			c.last.Store(now)
		}
		still := now-c.last.Load() >= int64(c.idle)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || c.by.Load() != 0 || still {
			return n, err
		}
	}
}

func (c *patient) Write(p []byte) (int, error) {
	now := time.Now()
	c.last.Store(now.UnixNano())
	_ = c.SetWriteDeadline(now.Add(c.idle))
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
