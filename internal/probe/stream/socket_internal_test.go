package stream

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 wants it
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// pipe opens WebSockets to a peer in the same process.
type pipe struct{ end net.Conn }

// RoundTrip answers the handshake (RFC 6455, section 4.2.2).
func (p pipe) RoundTrip(req *http.Request) (*http.Response, error) {
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455 wants it
	return &http.Response{
		StatusCode: http.StatusSwitchingProtocols, Body: p.end, Request: req, Header: http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(sum[:])},
		},
	}, nil
}

// peer reads frames and answers pings, when it does. It returns when each ping came.
func peer(conn net.Conn, answers bool) []time.Time {
	const ping, pong = 0x89, 0x8A
	var pings []time.Time
	r := bufio.NewReader(conn)
	for {
		var head [6]byte // type, length under 126, mask
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return pings
		}
		payload := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(r, payload); err != nil {
			return pings
		}
		for i := range payload {
			payload[i] ^= head[2+i%4]
		}
		if head[0] != ping {
			continue
		}
		pings = append(pings, time.Now())
		if answers {
			if _, err := conn.Write(append([]byte{pong, byte(len(payload))}, payload...)); err != nil {
				return pings
			}
		}
	}
}

// TestSocket_Pings asks once a minute whether the other side is there, and ends when it is not.
func TestSocket_Pings(t *testing.T) {
	for name, answers := range map[string]bool{"answered": true, "not answered": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				came := make(chan []time.Time, 1)
				go func() { came <- peer(server, answers) }()
				conn, _, err := websocket.Dial(t.Context(), "ws://peer/", &websocket.DialOptions{HTTPClient: &http.Client{Transport: pipe{client}}})
				if err != nil {
					t.Fatal(err)
				}
				in := new(intake)
				r := &receiver{source: &socket{conn: conn, in: in}, in: in, ready: make(chan struct{})}
				newProber(settings{}).start(t.Context(), r)
				start := time.Now()
				select {
				case <-r.alive.Done():
				case <-time.After(10*time.Minute + time.Second):
				}
				took, why := time.Since(start), r.dead()
				r.close()
				pings := <-came
				for i, at := range pings {
					if got, want := at.Sub(start), time.Duration(i+1)*time.Minute; got != want {
						t.Errorf("ping %d came after %v, want %v", i, got, want)
					}
				}
				switch {
				case answers && (why != nil || len(pings) != 10):
					t.Errorf("got %d pings and the end %v, want 10 and none", len(pings), why)
				case !answers && (why == nil || why.reason != probe.ConnectionClosed || took != pingEvery+pingTimeout || len(pings) != 1):
					t.Errorf("got %d pings and the end %v after %v, want 1 and an end after %v", len(pings), why, took, pingEvery+pingTimeout)
				}
			})
		})
	}
}
