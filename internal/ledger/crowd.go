package ledger

import (
	"net"
	"net/netip"
	"sync"

	"github.com/channelwatch/channelwatch/internal/forwarded"
)

// maxConnsEach is how many connections one sender may have at once, so that one who opens them and says nothing leaves
// room for others. Behind one address of a mobile network are many devices, but each of them is gone after a moment.
const maxConnsEach = 64

// crowd is a listener that hangs up on senders with too many connections, which those of trusted proxies may have.
type crowd struct {
	net.Listener
	trusted func(netip.Addr) bool
	// limited is told of each connection that is not taken, and of each that leaves no room for others: what devices sent
	// may be missing then.
	limited func()

	mu   sync.Mutex
	all  int // connections
	open map[netip.Prefix]int
}

// Accept returns the next connection of a sender that has room for it.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := forwarded.Parse(conn.RemoteAddr().String())
		network := networkOf(from)
		if c.enter(network, c.trusted(from)) {
			return &member{Conn: conn, leave: sync.OnceFunc(func() { c.leave(network) })}, nil
		}
		c.limited()
		_ = conn.Close() // nothing was said on it
	}
}

// enter counts a connection. It returns false when its network has too many.
func (c *crowd) enter(from netip.Prefix, trusted bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !trusted && c.open[from] >= maxConnsEach {
		return false
	}
	c.open[from]++
	if c.all++; c.all == maxConns {
		c.limited()
	}
	return true
}

func (c *crowd) leave(from netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.open[from]--; c.open[from] == 0 {
		delete(c.open, from)
	}
}

// member is a connection that is counted.
type member struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room for another.
func (m *member) Close() error {
	defer m.leave()
	return m.Conn.Close()
}
