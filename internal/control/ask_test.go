package control_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/channelwatch/channelwatch/internal/control"
)

// listen returns a TCP address on loopback that accepts connections.
func listen(t *testing.T) (listener net.Listener, address netip.AddrPort) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener, netip.MustParseAddrPort(listener.Addr().String())
}

// closed returns a TCP address on loopback that refuses connections.
func closed(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, address := listen(t)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// resolver answers DNS questions on loopback with what answer returns; nil is no answer.
func resolver(t *testing.T, answer func(question []byte) [][]byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			for _, message := range answer(buffer[:n]) {
				_, _ = conn.WriteTo(message, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

// reply answers a question for the name servers of the root, with the id moved by shift.
func reply(t *testing.T, question []byte, code dnsmessage.RCode, shift uint16) []byte {
	t.Helper()
	var message dnsmessage.Message
	if err := message.Unpack(question); err != nil {
		t.Errorf("question: %v", err)
		return nil
	}
	if len(message.Questions) != 1 || message.Questions[0].Name.String() != "." ||
		message.Questions[0].Type != dnsmessage.TypeNS || message.Response {
		t.Errorf("question = %+v, want one for the name servers of the root", message)
	}
	message.Response, message.RCode, message.ID = true, code, message.ID+shift
	packed, err := message.Pack()
	if err != nil {
		t.Errorf("answer: %v", err)
	}
	return packed
}

func TestAskTCP(t *testing.T) {
	t.Parallel()
	_, open := listen(t)
	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		if err := control.AskTCP(t.Context(), open.String()); err != nil {
			t.Errorf("AskTCP = %v, want an answer", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		if err := control.AskTCP(t.Context(), closed(t).String()); err != nil {
			t.Errorf("AskTCP = %v, want an answer: refusing is one", err)
		}
	})
	t.Run("one of several ports", func(t *testing.T) {
		t.Parallel()
		if err := control.AskPorts(t.Context(), open.Addr(), closed(t).Port(), open.Port()); err != nil {
			t.Errorf("AskPorts = %v, want an answer", err)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := control.AskTCP(ctx, open.String()); err == nil {
			t.Error("AskTCP = nil with an ended context, want an error")
		}
		if err := control.AskPorts(ctx, open.Addr(), open.Port()); err == nil {
			t.Error("AskPorts = nil with an ended context, want an error")
		}
	})
}

func TestAskDNS(t *testing.T) {
	t.Parallel()
	var lost atomic.Int64
	tests := []struct {
		name   string
		answer func(t *testing.T, question []byte) [][]byte
		want   bool
	}{
		{"success", func(t *testing.T, q []byte) [][]byte {
			t.Helper()
			return [][]byte{reply(t, q, dnsmessage.RCodeSuccess, 0)}
		}, true},
		{"a failure is an answer", func(t *testing.T, q []byte) [][]byte {
			t.Helper()
			return [][]byte{reply(t, q, dnsmessage.RCodeServerFailure, 0)}
		}, true},
		{"the first packet is lost", func(t *testing.T, q []byte) [][]byte {
			t.Helper()
			if lost.Add(1) == 1 {
				return nil
			}
			return [][]byte{reply(t, q, dnsmessage.RCodeRefused, 0)}
		}, true},
		{"rubbish comes first", func(t *testing.T, q []byte) [][]byte {
			t.Helper()
			return [][]byte{{1, 2}, q, reply(t, q, dnsmessage.RCodeSuccess, 1), reply(t, q, dnsmessage.RCodeSuccess, 0)}
		}, true},
		{"only answers to other questions", func(t *testing.T, q []byte) [][]byte {
			t.Helper()
			return [][]byte{q, reply(t, q, dnsmessage.RCodeSuccess, 1)}
		}, false},
		{"silence", func(*testing.T, []byte) [][]byte { return nil }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := 20 * time.Second
			if !tt.want {
				limit = 400 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			err := control.AskDNS(ctx, resolver(t, func(q []byte) [][]byte { return tt.answer(t, q) }))
			if (err == nil) != tt.want {
				t.Errorf("AskDNS = %v, want an answer: %t", err, tt.want)
			}
		})
	}
}

func TestAskDNS_ClosedPortIsAnAnswer(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddrPort(conn.LocalAddr().String())
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := control.AskDNS(t.Context(), address); err != nil {
		t.Errorf("AskDNS = %v, want an answer: the port is unreachable, the machine is there", err)
	}
}

// The whole way, with a real neighbour.
func TestControl_NamedTarget(t *testing.T) {
	t.Parallel()
	_, address := listen(t)
	c, err := control.New(control.Options{Targets: []string{address.String()}, Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Confirm(t.Context()); got.Blind || !got.Known || got.Why != "reached "+address.String() {
		t.Errorf("Confirm = %+v, want the target reached", got)
	}
}

// No TCP connection leads to the broadcast address: the kernel refuses to try.
func TestControl_NamedTargetWithoutAWay(t *testing.T) {
	t.Parallel()
	c, err := control.New(control.Options{Targets: []string{"255.255.255.255:53"}, Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Confirm(t.Context()); !got.Blind {
		t.Errorf("Confirm = %+v, want blind", got)
	}
}
