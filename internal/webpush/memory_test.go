package webpush_test

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 wants it
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

// thrifty is a push service that welcomes receivers and keeps nothing but their connections, so that a test can weigh the
// receivers.
func thrifty(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var conns []net.Conn
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			if err := welcome(conn); err != nil {
				t.Errorf("welcoming a receiver: %v", err)
			}
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
	return "ws://" + listener.Addr().String() + "/"
}

// welcome accepts a WebSocket (RFC 6455, section 4.2) and says hello.
func welcome(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	if _, err := fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:])); err != nil {
		return err
	}
	const hello = `{"messageType": "hello", "status": 200, "uaid": "planted-uaid-of-a-browser"}`
	if _, err := io.ReadFull(reader, make([]byte, 6+len(oldHello))); err != nil { // a masked frame of less than 126 bytes
		return err
	}
	_, err = conn.Write(append([]byte{0x81, byte(len(hello))}, hello...))
	return err
}

// TestReceiver_Memory weighs receivers that wait, with everything that the agent needs for them.
func TestReceiver_Memory(t *testing.T) { //nolint:paralleltest // others would be weighed, too
	const receivers, most = 200, 30 << 10
	url := thrifty(t)
	client, err := httpx.New(httpx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	state := stateFor(t, url)
	var listening sync.WaitGroup
	wait := func() *webpush.Receiver {
		upgrade := &httpx.Upgrade{Client: client}
		receiver, err := webpush.Dial(t.Context(), webpush.Options{URL: url, Client: upgrade.HTTPClient(), State: state})
		if err != nil {
			t.Fatal(err)
		}
		listening.Go(func() { _ = receiver.Listen(t.Context(), func(webpush.Message) {}) })
		return receiver
	}
	all := []*webpush.Receiver{wait()} // the first one brings what all share
	before, goroutines := inUse(), runtime.NumGoroutine()
	for len(all) <= receivers {
		all = append(all, wait())
	}
	each := (inUse() - before) / receivers
	t.Logf("%d bytes and %d goroutines for each", each, (runtime.NumGoroutine()-goroutines)/receivers)
	if each > most {
		t.Errorf("a waiting subscription takes %d bytes, want at most %d", each, most)
	}
	if n := runtime.NumGoroutine() - goroutines; n > receivers+10 {
		t.Errorf("%d goroutines for %d receivers, want one each", n, receivers)
	}
	for _, receiver := range all {
		receiver.Close()
	}
	listening.Wait()
}

// inUse returns the bytes of heap and stacks that are needed.
func inUse() int {
	runtime.GC()
	runtime.GC() // pools are emptied by the second one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapInuse + stats.StackInuse)
}
