package httpx_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// A server that takes a large body late is late in the phase send, by what it waited, and in no other.
func TestClient_LateSendIsFound(t *testing.T) {
	const (
		filling = 100 * time.Millisecond // until there is no room left on the way
		late    = 100 * time.Millisecond
		tries   = 30
		closely = 5 * time.Millisecond
	)
	take := func(body io.Reader, after time.Duration) {
		<-time.After(filling + after)
		_, _ = io.Copy(io.Discard, body)
	}
	handler := func(after time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			take(r.Body, after)
			hello(w, r)
		}
	}
	cert, options := tlsTarget(t)
	secure := newClient(t, httpx.Options{TLS: options})
	udp, config := quicClient(t, httpx.Options{})
	servers := map[string]struct {
		client *httpx.Client
		size   int // more than there is room for on the way
		serve  func(after time.Duration) (url string)
	}{
		"HTTP/1.1": {secure, 5 << 20, func(after time.Duration) string {
			return "http://" + listen(t, func(conn net.Conn) {
				_ = conn.(*net.TCPConn).SetReadBuffer(256 << 10)
				if req, err := http.ReadRequest(bufio.NewReaderSize(conn, 1<<20)); err == nil {
					take(req.Body, after)
					_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
				}
			})
		}},
		"HTTP/2": {secure, 1<<20 + 128<<10, func(after time.Duration) string {
			return "https://" + serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}, handler(after))
		}},
		"HTTP/3": {udp, 640 << 10, func(after time.Duration) string { return "https://" + serveHTTP3(t, config, handler(after)) }},
	}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			request := &httpx.Request{Method: http.MethodPost, Body: make([]byte, server.size)}
			urls := [2]string{server.serve(0), server.serve(late)}
			var best [2][probe.NumPhases]time.Duration
			differs := func(phase probe.Phase) time.Duration { return best[1][phase] - best[0][phase] }
			for try := range tries {
				found := true
				for i := range urls {
					request.URL = urls[i]
					resp := do(t, server.client, request)
					if resp.Reason != "" || string(resp.Body) != "hello" {
						t.Fatalf("got %q (%s), body %q", resp.Reason, resp.Detail, resp.Body)
					}
					for p := range probe.NumPhases {
						took, _ := resp.Phases.Get(p)
						if try == 0 || took < best[i][p] {
							best[i][p] = took
						}
					}
				}
				for p := range probe.NumPhases {
					want := time.Duration(0)
					if p == probe.Send {
						want = late
					}
					found = found && (differs(p)-want).Abs() <= closely
				}
				if found {
					return
				}
			}
			t.Errorf("%d tries do not have the %v in send and nowhere else: got %v, in time %v", tries, late, best[1], best[0])
		})
	}
}

// What a server says while it takes a body by HTTP/2 counts at once.
func TestClient_SendingByHTTP2(t *testing.T) {
	t.Parallel()
	cert, options := tlsTarget(t)
	client := newClient(t, httpx.Options{TLS: options})
	const size = 1 << 20
	taken := func(p peer, size int) {
		for size > 0 {
			frame, err := p.ReadFrame()
			if err != nil {
				return
			}
			size -= int(frame.Header().Length)
		}
	}
	cases := []struct {
		name   string
		within time.Duration
		serve  func(peer)
		reason probe.Reason
		last   probe.Phase
	}{
		{"resets the stream", time.Minute, func(p peer) {
			_ = p.WriteRSTStream(1, http2.ErrCodeRefusedStream)
			hang(p.conn)
		}, probe.ConnectionReset, probe.Send},
		{"gives the connection up", time.Minute, func(p peer) {
			_ = p.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, nil)
			hang(p.conn)
		}, probe.ConnectionClosed, probe.Send},
		{"never opens its window", 2 * time.Second, func(p peer) { hang(p.conn) }, probe.SendFailed, probe.Send},
		{"opens its window in small steps", time.Minute, func(p peer) {
			const step = 256
			taken(p, 65535)
			for left := size - 65535; left > 0; left -= step {
				_ = p.WriteWindowUpdate(0, step)
				_ = p.WriteWindowUpdate(1, step)
				taken(p, min(step, left))
			}
			p.fields(true, ":status", "200")
		}, "", probe.Receive},
		{"opens its window by nothing", time.Minute, func(p peer) {
			var err error
			for err == nil {
				err = p.WriteWindowUpdate(1, 1) // that of the connection stays closed
			}
		}, probe.ResponseMalformed, probe.Send},
		{"answers before it has all", time.Minute, func(p peer) {
			p.fields(true, ":status", "200")
			hang(p.conn)
		}, "", probe.Receive},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request := &httpx.Request{Method: http.MethodPost, URL: "https://" + listen(t, speakHTTP2(t, cert, settled(test.serve))), Body: make([]byte, size)}
			resp, err := client.Do(within(t, test.within), request)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Reason != test.reason {
				t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, test.reason)
			}
			phases := []probe.Phase{probe.Connect, probe.TLS, probe.Send}
			if test.last != probe.Send {
				phases = append(phases, probe.Wait, probe.Receive)
			}
			wantPhases(t, &resp.Phases, phases...)
			checkClocks(t, resp)
		})
	}
}
