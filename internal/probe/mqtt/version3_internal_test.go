package mqtt

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// pipe is a wire in memory, on which simulated time passes.
type pipe struct {
	net.Conn
	in inbound
}

func (p *pipe) Read(b []byte) (int, error) { return p.in.Read(b) }
func (p *pipe) await() error               { return p.in.await() }

// A broker ends a connection that sends nothing for 45 s, and a broker that is gone must be noticed: pings go by the
// clock, whatever arrives.
func TestClient3_Pings(t *testing.T) {
	cases := []struct {
		name     string
		answered int // pings that are answered; then the broker is silent
		chatty   bool
		pings    []time.Duration
		ends     time.Duration
	}{
		{"answered twice", 2, false, []time.Duration{30 * time.Second, 60 * time.Second, 90 * time.Second}, 120 * time.Second},
		{"never answered", 0, false, []time.Duration{30 * time.Second}, time.Minute},
		{
			"messages come, answers do not", 0, true,
			[]time.Duration{30 * time.Second, 60 * time.Second, 90 * time.Second, 120 * time.Second},
			150 * time.Second,
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				c := newClient3(&pipe{Conn: here, in: newInbound(here, version3)}, func(delivery) {})
				start := time.Now()
				var pings []time.Duration
				var broker sync.WaitGroup
				var writing sync.Mutex
				write := func(data ...byte) {
					writing.Lock()
					defer writing.Unlock()
					_, _ = there.Write(data)
				}
				broker.Go(func() {
					for {
						packet, err := packets.ReadPacket(there)
						if err != nil {
							return
						}
						switch packet.(type) {
						case *packets.ConnectPacket:
							write(0x20, 2, 0, 0)
						case *packets.PingreqPacket:
							if pings = append(pings, time.Since(start)); len(pings) <= tc.answered {
								write(0xd0, 0)
							}
						}
					}
				})
				if v, err := c.connect(t.Context(), login{clientID: "test"}); err != nil || v.code != 0 {
					t.Fatalf("connecting: %v, %v", v, err)
				}
				if tc.chatty {
					broker.Go(func() {
						for range 11 { // until 110 s
							<-time.After(10 * time.Second)
							write(0x30, 3, 0, 1, 't')
						}
					})
				}
				<-c.done()
				ended := time.Since(start)
				c.close()
				_ = there.Close()
				broker.Wait()
				if !slices.Equal(pings, tc.pings) || ended != tc.ends {
					t.Errorf("pinged after %v, gave up after %v, want %v and %v", pings, ended, tc.pings, tc.ends)
				}
			})
		})
	}
}

// Whoever waits for an answer is told when the connection ends, and when nobody wants it any more.
func TestClient3_NoAnswer(t *testing.T) {
	cases := []struct {
		name string
		cut  bool
		want string
	}{
		{"given up", false, "context deadline exceeded"},
		{"cut", true, "EOF"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				here, there := net.Pipe()
				c := newClient3(&pipe{Conn: here, in: newInbound(here, version3)}, func(delivery) {})
				var broker sync.WaitGroup
				broker.Go(func() {
					for n := 0; ; n++ {
						if _, err := packets.ReadPacket(there); err != nil {
							return
						}
						switch {
						case n == 0:
							_, _ = there.Write([]byte{0x20, 2, 0, 0})
						case tc.cut:
							_ = there.Close()
							return
						}
					}
				})
				if _, err := c.connect(t.Context(), login{clientID: "test"}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := c.publish(ctx, "t", 1, newMessage()); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %q", err, tc.want)
				}
				if len(c.asked) != 0 {
					t.Errorf("%d packets are still waited for, want none", len(c.asked))
				}
				c.close()
				_ = there.Close()
				broker.Wait()
			})
		})
	}
}

// No id is used twice at once, and 0 is none (section 2.3.1).
func TestClient3_PacketIDs(t *testing.T) {
	c := newClient3(nil, nil)
	c.lastID = 1<<16 - 2
	held, _ := c.ask()
	c.lastID = 1<<16 - 3
	var got []uint16
	for range 4 {
		id, _ := c.ask()
		got = append(got, id)
	}
	if want := []uint16{1<<16 - 2, 1, 2, 3}; held != 1<<16-1 || !slices.Equal(got, want) {
		t.Errorf("got %d, then %v, want %d, then %v", held, got, 1<<16-1, want)
	}
}

// What panics on a broker's bytes ends the connection, not the agent.
func TestClient3_Panic(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	c := newClient3(&pipe{Conn: here, in: newInbound(here, version3)}, func(delivery) { panic("a message nobody has thought of") })
	var broker sync.WaitGroup
	broker.Go(func() {
		if _, err := packets.ReadPacket(there); err == nil {
			_, _ = there.Write([]byte{0x20, 2, 0, 0, 0x30, 3, 0, 1, 't'})
		}
	})
	if _, err := c.connect(t.Context(), login{clientID: "test"}); err != nil {
		t.Fatal(err)
	}
	<-c.done()
	if err := c.why(); err == nil || !strings.Contains(err.Error(), "a message nobody has thought of") {
		t.Errorf("got %v, want the panic", err)
	}
	_ = there.Close()
	c.close()
	broker.Wait()
}
