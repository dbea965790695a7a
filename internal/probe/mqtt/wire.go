package mqtt

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

// maxPacket bounds what a broker may send at once; it is announced to it, and enforced because a hostile length would
// otherwise be allocated before the first byte of it came.
const maxPacket = 64 << 10

// errOtherForm is a CONNACK in the form of another version: two bytes in MQTT 3, more in MQTT 5, which has properties.
var errOtherForm = errors.New("the broker answered in another version of MQTT")

// wire is a connection to a broker whose inbound packets are watched.
type wire interface {
	net.Conn
	// await returns when there is something to read, or the error of the connection. It takes nothing away.
	await() error
}

// tcpWire is a TCP connection whose inbound packets are watched. It embeds the connection by its own type so that a
// packet still leaves in one writev.
type tcpWire struct {
	*net.TCPConn
	in inbound
}

func (w *tcpWire) Read(p []byte) (int, error) { return w.in.Read(p) }
func (w *tcpWire) await() error               { return w.in.await() }

// tlsWire is the same over TLS. The client locks it around each packet.
type tlsWire struct {
	*tls.Conn
	sync.Mutex
	in inbound
}

func (w *tlsWire) Read(p []byte) (int, error) { return w.in.Read(p) }
func (w *tlsWire) await() error               { return w.in.await() }

func (d *dialed) wire(version string) wire {
	if d.tls != nil {
		return &tlsWire{Conn: d.tls, in: newInbound(d.tls, version)}
	}
	return &tcpWire{TCPConn: d.tcp, in: newInbound(d.tcp, version)}
}

// inbound follows the framing of MQTT (section 2.1): a type, a length in 7-bit groups, that many bytes. It is used by
// one reader.
type inbound struct {
	r      *bufio.Reader
	old    bool // what is awaited is MQTT 3
	kind   byte
	length int
	shift  int
	left   int // bytes of the body still to come
	state  frameState
	flood  push.Flood
}

const (
	// connack is the type of the packet that answers CONNECT. No other can come first, as no AUTH is ever asked for.
	connack = 2
	// oldConnack is its length in MQTT 3: flags and a return code.
	oldConnack = 2
)

type frameState uint8

const (
	atType frameState = iota
	atLength
	inBody
)

func newInbound(r io.Reader, version string) inbound {
	return inbound{r: bufio.NewReaderSize(r, 256), old: version == version3}
}

func (in *inbound) await() error {
	_, err := in.r.Peek(1)
	return err
}

func (in *inbound) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if flood := in.flood.Take(n, time.Now()); flood != nil {
		return 0, fmt.Errorf("the broker sent %w", flood)
	}
	for rest := p[:n]; len(rest) > 0; {
		used, frameErr := in.follow(rest)
		if frameErr != nil {
			return 0, frameErr
		}
		rest = rest[used:]
	}
	return n, err
}

// follow looks at the first bytes of p, which is not empty, and returns how many it took in.
func (in *inbound) follow(p []byte) (int, error) {
	switch in.state {
	case atType:
		first := in.kind == 0
		in.kind, in.length, in.shift, in.state = p[0]>>4, 0, 0, atLength
		if first && in.kind != connack {
			return 0, fmt.Errorf("the first byte is 0x%02X, want a CONNACK", p[0])
		}
		return 1, nil
	case atLength:
		in.length |= int(p[0]&0x7f) << in.shift
		in.shift += 7
		switch {
		case p[0]&0x80 != 0 && in.shift >= 28:
			return 0, errors.New("packet length has more than four bytes")
		case p[0]&0x80 != 0:
			return 1, nil
		}
		return 1, in.begin()
	default:
		n := min(in.left, len(p))
		in.left -= n
		if in.left == 0 {
			in.state = atType
		}
		return n, nil
	}
}

func (in *inbound) begin() error {
	switch {
	case in.length > maxPacket:
		return fmt.Errorf("packet of %d bytes, want at most %d", in.length, maxPacket)
	case in.kind == connack && in.old != (in.length == oldConnack):
		return errOtherForm
	case in.length == 0:
		in.state = atType
	default:
		in.left, in.state = in.length, inBody
	}
	return nil
}
