package egress_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
)

func TestOpen_RefusesOptions(t *testing.T) {
	t.Parallel()
	for _, opts := range []egress.Options{{Delay: -1}, {Down: -1}, {Up: -1}, {MaxBytes: -1}, {MaxRequests: -1}} {
		if p, err := egress.Open(opts); err == nil {
			p.Close()
			t.Errorf("%+v was taken", opts)
		}
	}
}

// More bytes than allowed end the visit: all that is under way, and all that would come.
func TestCaps_Bytes(t *testing.T) {
	t.Parallel()
	server := plain(t, func(w http.ResponseWriter, _ *http.Request) {
		for b := make([]byte, 64<<10); ; {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
	})
	host, _ := hostPort(t, server.URL)
	for name, opts := range lines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 1 << 20
			opts.MaxBytes = limit
			p := open(t, opts)
			waiting, _ := tunnel(t, p, host)
			c := browser(t, p)
			resp, err := c.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if _ = resp.Body.Close(); err == nil || n > limit {
				t.Errorf("got %d bytes, %v, want at most %d and an error", n, err, limit)
			}
			if _, err := io.ReadAll(waiting); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the tunnel that waited: got %v, want its end", err)
			}
			if _, err := c.Get(server.URL); err == nil {
				t.Error("what came after was answered")
			}
			if report := p.Report(); !report.OverBytes || report.In+report.Out <= limit || report.In+report.Out > limit+limit/4 {
				t.Errorf("got %d bytes in and %d out, over %v, want a little over %d", report.In, report.Out, report.OverBytes, limit)
			}
		})
	}
}

func TestCaps_Requests(t *testing.T) {
	t.Parallel()
	host, _ := hostPort(t, plain(t, func(http.ResponseWriter, *http.Request) {}).URL)
	p := open(t, egress.Options{AllowPrivate: true, MaxRequests: 4})
	for i := range 6 {
		status := http.StatusOK
		if i >= 4 {
			status = http.StatusServiceUnavailable
		}
		if i%2 == 1 {
			if answered := ask(t, p, host); answered != (i < 4) {
				t.Errorf("request %d: answered %v", i, answered)
			}
		} else if got, _ := connect(t, p, host); got != status {
			t.Errorf("tunnel %d: got status %d, want %d", i, got, status)
		}
		if got := p.Report().OverRequests; got != (i >= 4) {
			t.Errorf("after request %d: over %v", i, got)
		}
	}
	if got := len(p.Report().Conns); got != 4 {
		t.Errorf("got %d connections, want 4", got)
	}
}

// Close ends everything, wherever it is, and waits for it; goleak looks for what is left.
func TestProxy_Close(t *testing.T) {
	t.Parallel()
	silent := raw(t, func(conn *net.TCPConn, in *bufio.Reader) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
		_, _ = io.Copy(io.Discard, in)
	})
	for name, opts := range lines() {
		for _, begun := range []string{"", "GET ht", "CONNECT %s HTTP/1.1\r\n\r\n", "GET http://%s/ HTTP/1.1\r\n\r\n", "POST http://%s/ HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"} {
			t.Run(name+" "+begun, func(t *testing.T) {
				t.Parallel()
				p, err := egress.Open(opts)
				if err != nil {
					t.Fatal(err)
				}
				text := begun
				if strings.Contains(begun, "%s") {
					text = fmt.Sprintf(begun, silent)
				}
				_, in := dial(t, p, text)
				if text != begun {
					eventually(t, "connection", func() bool { r := p.Report(); return len(r.Conns) == 1 && r.Conns[0].In > 0 })
				}
				start := time.Now()
				p.Close()
				p.Close()
				if took := time.Since(start); took > patience/2 {
					t.Errorf("close took %v", took)
				}
				if _, err := io.ReadAll(in); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Errorf("got %v, want the end", err)
				}
				if _, err := net.DialTimeout("tcp", p.Address(), time.Second); err == nil {
					t.Error("the proxy still listens")
				}
			})
		}
	}
}
