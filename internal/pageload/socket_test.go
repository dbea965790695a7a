package pageload_test

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestWebSocket keeps one socket open and has another one refused. Nobody waits for either.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	shop := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<p>x<script>const s = new WebSocket('ws://chat.example/live?key=1'); s.onopen = () => new WebSocket('ws://chat.example/gone')</script>`)
		case "/live":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, 4.2.2
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
			<-done
		default:
			hangUp(w)
		}
	}))
	defer close(done)
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop, "chat.example": shop}, quick())
	l := load(t, page, "http://shop.example/")
	if l.Counts.Requests != 3 || l.Counts.Failed != 1 || l.Weight.Requests["other"] != 2 || l.Weight.Third.Requests != 2 || l.Weight.Insecure != 3 {
		t.Fatalf("got %+v, %+v; want two sockets, one of them failed", l.Counts, l.Weight)
	}
	live, gone := l.Requests[1], l.Requests[2]
	if live.URL != "ws://chat.example/live?key=xxx" || live.Status != 101 || live.Error != "" || live.Start <= 0 || live.Wait <= 0 {
		t.Errorf("got %+v, want an answered socket", live)
	}
	if gone.Status != 0 || gone.Error == "" || gone.Start < live.Start {
		t.Errorf("got %+v, want a failed socket", gone)
	}
}
