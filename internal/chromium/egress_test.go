package chromium_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/channelwatch/channelwatch/internal/chromium"
)

// What a page sends over UDP would go past the proxy, and past what it allows: candidates of WebRTC ask a server for the
// address of the host.
func TestTab_WebRTC(t *testing.T) {
	stun, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var packets atomic.Int64
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		for buf := make([]byte, 2048); ; {
			if _, _, err := stun.ReadFrom(buf); err != nil {
				return
			}
			packets.Add(1)
		}
	}()
	server := site(t, "")
	tab := open(t, start(t, settings(t)))
	visit(t, tab, server.URL)
	got := evaluate(t, tab, `new Promise(done => {
		const p = new RTCPeerConnection({iceServers: [{urls: "stun:`+stun.LocalAddr().String()+`"}]}), found = [];
		p.createDataChannel("x");
		p.onicecandidate = e => e.candidate ? found.push(e.candidate.candidate) : done("gathered " + found.join());
		p.createOffer().then(o => p.setLocalDescription(o));
	})`)
	if !strings.HasPrefix(got, "gathered ") || strings.Contains(got, "udp") {
		t.Errorf("candidates %q, want none over UDP", got)
	}
	if err := stun.Close(); err != nil {
		t.Fatal(err)
	}
	<-listening
	if n := packets.Load(); n > 0 {
		t.Errorf("%d packets went past the proxy", n)
	}
}

// A name is asked for by the proxy only: with none, no name leads anywhere, not even that of loopback.
func TestTab_Names(t *testing.T) {
	server := site(t, "")
	tab := open(t, start(t, settings(t)))
	for _, host := range []string{"localhost", "shop.example"} {
		address := strings.Replace(server.URL, "127.0.0.1", host, 1)
		if failed := visit(t, tab, address); failed != "net::ERR_NAME_NOT_RESOLVED" {
			t.Errorf("%s: %q, want that it has no address", address, failed)
		}
	}
}

// Pages hold what nobody may read in a log, and browsers write to their standard error what pages say, with lines that look
// like their own.
func TestTab_Lost_Secrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<script>console.error("one\ntoken=s3cret\n[1:1:FATAL:x.cc(1)] s3cret"); throw new Error("s3cret")</script>`))
	}))
	defer server.Close()
	for _, path := range []string{shell, full} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			needed(t, path)
			s := settings(t)
			s.Path = path
			tab := open(t, start(t, s))
			visit(t, tab, server.URL+"/?key=s3cret")
			evaluate(t, tab, "1")
			kill(t, tab.Leader())
			<-tab.Conn().Done()
			lost := tab.Lost()
			wantUnavailable(t, lost, chromium.Crashed, "ended while it was in use")
			if strings.Contains(lost.Detail, "s3cret") {
				t.Errorf("%q holds a secret", lost.Detail)
			}
		})
	}
}
