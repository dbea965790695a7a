package cdp_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// request is a call as a browser sees it.
type request struct {
	ID      int64           `json:"id"`
	Session cdp.SessionID   `json:"sessionId"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// scripted is the other end of a connection: it hands over what is called and sends what a test wants.
type scripted struct {
	t        *testing.T
	requests chan request
	out      *os.File
}

// dial returns a connection to a scripted browser, over pipes of the operating system as with a real one.
func dial(t *testing.T) (*cdp.Conn, *scripted) {
	t.Helper()
	fromAgent, toBrowser := pipe(t)
	fromBrowser, toAgent := pipe(t)
	b := &scripted{t: t, requests: make(chan request, 100), out: toAgent}
	var work sync.WaitGroup
	work.Go(func() {
		in := bufio.NewReader(fromAgent)
		for {
			data, err := in.ReadBytes(0)
			if err != nil {
				close(b.requests)
				return
			}
			var r request
			if err := json.Unmarshal(data[:len(data)-1], &r); err != nil {
				t.Errorf("request %q: %v", data, err)
			}
			b.requests <- r
		}
	})
	conn := cdp.Open(fromBrowser, toBrowser)
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		_ = toAgent.Close()
		work.Wait()
	})
	return conn, b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// send sends a message as it is.
func (b *scripted) send(format string, args ...any) {
	b.t.Helper()
	if _, err := fmt.Fprintf(b.out, format+"\x00", args...); err != nil {
		b.t.Fatal(err)
	}
}

// event sends an event without params worth reading.
func (b *scripted) event(session cdp.SessionID, method string) {
	b.t.Helper()
	b.send(`{"method":%q,"params":{"x":1},"sessionId":%q}`, method, session)
}

// attach tells that child was attached below parent.
func (b *scripted) attach(parent, child cdp.SessionID, kind string) {
	b.t.Helper()
	b.send(`{"method":"Target.attachedToTarget","sessionId":%q,"params":{"sessionId":%q,"waitingForDebugger":true,`+
		`"targetInfo":{"targetId":"T-%s","type":%q,"url":"https://ads.example/","browserContextId":"C"}}}`, parent, child, child, kind)
}

// next returns the next call, which must be of the session and method.
func (b *scripted) next(session cdp.SessionID, method string) request {
	b.t.Helper()
	select {
	case r := <-b.requests:
		if r.Session != session || r.Method != method {
			b.t.Fatalf("call of %s in session %q, want %s in %q", r.Method, r.Session, method, session)
		}
		return r
	case <-time.After(patience):
		b.t.Fatalf("no call, want %s in session %q", method, session)
	}
	return request{}
}

// grant answers the next call, which must be of the session and method.
func (b *scripted) grant(session cdp.SessionID, method string) request {
	b.t.Helper()
	r := b.next(session, method)
	b.send(`{"id":%d,"result":{},"sessionId":%q}`, r.ID, session)
	return r
}

// hangUp ends the browser.
func (b *scripted) hangUp() { _ = b.out.Close() }
