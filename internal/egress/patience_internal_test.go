package egress

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// hasty is a patience that tests can wait for.
func hasty() patience {
	return patience{50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond}
}

func listening(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// Whoever begins and does not go on is let go, whatever he trickles.
func TestPatience_Clients(t *testing.T) {
	t.Parallel()
	server := listening(t) // accepts in the kernel, and says nothing
	for name, begun := range map[string]string{
		"nothing":             "",
		"half a head":         "GET http://" + server + "/ HTTP/1.1\r\nX: ",
		"half a body":         "POST http://" + server + "/ HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
		"a silent server":     "GET http://" + server + "/ HTTP/1.1\r\n\r\n",
		"a silent tunnel":     "CONNECT " + server + " HTTP/1.1\r\n\r\n",
		"refused, and no end": "GET / HTTP/1.1\r\n\r\n",
	} {
		for _, delay := range []time.Duration{0, time.Millisecond} {
			t.Run(name+" "+delay.String(), func(t *testing.T) {
				t.Parallel()
				p, err := open(Options{AllowPrivate: true, Delay: delay}, hasty())
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				conn, err := net.Dial("tcp", p.Address())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close() //nolint:errcheck // nobody reads
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				_, _ = io.WriteString(conn, begun)
				_, _ = io.Copy(io.Discard, conn)
				deadline := time.Now().Add(20 * time.Second)
				for p.clients.Load() > 0 {
					if time.Now().After(deadline) {
						t.Fatal("the connection is still served")
					}
					pause(t.Context().Done(), time.Millisecond)
				}
			})
		}
	}
}

// A head that comes a byte at a time does not win time with each.
func TestPatience_Trickle(t *testing.T) {
	p, err := open(Options{}, hasty())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nobody reads
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
		pause(t.Context().Done(), 5*time.Millisecond)
	}
	t.Error("a byte at a time was taken for 20 s")
}

// A connection that is used in one direction only is in use.
func TestPatience_OneDirection(t *testing.T) {
	t.Parallel()
	slack := usual()
	slack.idle = time.Second // a busy machine is late with a byte now and then
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody connects any more
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		for range 30 {
			_, _ = io.WriteString(conn, "x")
			pause(nil, slack.idle/10)
		}
		_ = conn.Close()
	}()
	p, err := open(Options{AllowPrivate: true}, slack)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nobody reads
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "CONNECT "+listener.Addr().String()+" HTTP/1.1\r\n\r\n")
	got, err := io.ReadAll(conn)
	if want := len("HTTP/1.1 200 Connection established\r\n\r\n") + 30; err != nil || len(got) != want {
		t.Errorf("got %q, %v, want 30 bytes after the answer", got, err)
	}
}

// Names and servers that do not answer are given up with their own reason.
func TestPatience_Servers(t *testing.T) {
	var config net.ListenConfig
	silent, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() //nolint:errcheck // nobody asks any more
	p, err := open(Options{AllowPrivate: true, Resolver: httpx.Resolver{Server: silent.LocalAddr().String()}}, hasty())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, reason := p.reach(target{"silent.test", 80}); reason != probe.DNSTimeout {
		t.Errorf("got %q for a name without an answer, want %q", reason, probe.DNSTimeout)
	}
	conns := p.Report().Conns
	if len(conns) != 1 || conns[0].Error != probe.DNSTimeout || conns[0].Cut || conns[0].Resolve < 50*time.Millisecond {
		t.Errorf("got %+v, want a look-up of 50 ms that was not cut", conns)
	}
}

func TestProxy_Listens(t *testing.T) {
	p, err := open(Options{}, hasty())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if addr := netip.MustParseAddrPort(p.Address()); addr.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr != p.self {
		t.Errorf("listens on %s, want 127.0.0.1", addr)
	}
}

// A browser that holds more connections than any does gets no further one.
func TestProxy_Clients(t *testing.T) {
	p, err := open(Options{}, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.clients.Add(maxClients)
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v, want the end at once", rest, err)
	}
}
