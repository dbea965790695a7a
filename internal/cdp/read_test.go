package cdp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// replay reads a stream to its end and returns the events in it with the error of the connection.
func replay(r io.Reader) (methods []string, err error) {
	begin := make(chan struct{})
	conn := cdp.Open(io.NopCloser(after{begin, r}), discard{io.Discard})
	stop := conn.Listen("", func(e cdp.Event) { methods = append(methods, e.Method) })
	close(begin)
	<-conn.Done()
	err = conn.Err()
	_ = conn.Close()
	stop()
	return methods, err
}

// after reads nothing before begin, so that a listener misses nothing.
type after struct {
	begin <-chan struct{}
	io.Reader
}

func (a after) Read(p []byte) (int, error) {
	<-a.begin
	return a.Reader.Read(p)
}

func TestOpen_BrokenStreams(t *testing.T) {
	const event = `{"method":"A.b"}` + "\x00"
	for _, test := range []struct {
		name   string
		stream io.Reader
		want   string // end of the error
	}{
		{"nothing", strings.NewReader(""), "the browser ended"},
		{"an end after a message", strings.NewReader(event), "the browser ended"},
		{"a message without its end", strings.NewReader(event + `{"meth`), "reading message: unexpected EOF after 6 bytes"},
		{"no JSON", strings.NewReader(event + "Segmentation fault\x00"), "decoding message of 18 bytes: invalid character 'S' looking for beginning of value"},
		{"an empty message", strings.NewReader(event + "\x00"), "decoding message of 0 bytes: unexpected end of JSON input"},
		{"neither id nor method", strings.NewReader(event + "{}\x00"), "decoding message of 2 bytes: neither id nor method"},
		{
			"a message that does not end", io.MultiReader(strings.NewReader(event), endless('x')),
			"reading message: longer than 1073741824 bytes",
		},
		{
			"an attachment of another shape", strings.NewReader(event + `{"method":"Target.attachedToTarget","params":[]}` + "\x00"),
			"decoding Target.attachedToTarget: json: cannot unmarshal array into Go value of type struct",
		},
		{
			"a detachment of another shape", strings.NewReader(event + `{"method":"Target.detachedFromTarget","params":[]}` + "\x00"),
			"decoding Target.detachedFromTarget: json: cannot unmarshal array into Go value of type struct",
		},
		{
			"an attachment to nothing", strings.NewReader(event + `{"method":"Target.attachedToTarget","params":{}}` + "\x00"),
			"decoding Target.attachedToTarget: no session",
		},
		{
			"an attachment below itself",
			strings.NewReader(event + `{"method":"Target.attachedToTarget","sessionId":"B","params":{"sessionId":"A"}}` + "\x00" +
				`{"method":"Target.attachedToTarget","sessionId":"A","params":{"sessionId":"B"}}` + "\x00"),
			`decoding Target.attachedToTarget: session "B" is attached below itself`,
		},
		{"a broken pipe", io.MultiReader(strings.NewReader(event), failing{}), "reading message: out of order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			methods, err := replay(test.stream)
			if !errors.Is(err, cdp.ErrClosed) || !strings.Contains(err.Error(), "browser connection closed: "+test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if test.name != "nothing" && (len(methods) == 0 || methods[0] != "A.b") {
				t.Errorf("events %q before the end, want A.b", methods)
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("out of order") }

func TestListen_Messages(t *testing.T) {
	large := strings.Repeat("x", 3<<20) // more than the read buffer and more than is kept
	var stream bytes.Buffer
	for _, m := range []string{"A.small", "A.large", "A.after"} {
		filler := ""
		if m == "A.large" {
			filler = large
		}
		fmt.Fprintf(&stream, `{"method":%q,"params":{"filler":%q}}`+"\x00", m, filler)
	}
	methods, _ := replay(&stream)
	if want := []string{"A.small", "A.large", "A.after"}; !slices.Equal(methods, want) {
		t.Errorf("events %q, want %q", methods, want)
	}
}

// TestListen_TooLong has an event that no reader should hold: those around it are heard.
func TestListen_TooLong(t *testing.T) {
	long := io.MultiReader(strings.NewReader(`{"method":"A.long","params":"`), io.LimitReader(endless('x'), 64<<20), strings.NewReader("\"}\x00"))
	methods, err := replay(io.MultiReader(strings.NewReader(`{"method":"A.b"}`+"\x00"), long, strings.NewReader(`{"method":"A.c"}`+"\x00")))
	if !slices.Equal(methods, []string{"A.b", "A.c"}) || !strings.Contains(err.Error(), "the browser ended") {
		t.Errorf("events %q and error %v, want A.b and A.c and the end of the browser", methods, err)
	}
}

// heard collects what a listener hears as "session method".
type heard chan string

func (h heard) note(e cdp.Event) { h <- fmt.Sprintf("%s %s", e.Session, e.Method) }

func (h heard) want(t *testing.T, events ...string) {
	t.Helper()
	for _, want := range events {
		select {
		case got := <-h:
			if got != want {
				t.Fatalf("heard %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("heard nothing, want %q", want)
		}
	}
}

func TestConn_Listen(t *testing.T) {
	conn, browser := dial(t)
	all, page, frame := make(heard, 100), make(heard, 100), make(heard, 100)
	conn.Listen("", all.note)
	conn.Listen("page", page.note)
	stop := conn.Listen("frame", frame.note)
	conn.Listen("other", func(e cdp.Event) { t.Errorf("another tab hears %v", e) })

	browser.event("", "Target.targetCreated")
	browser.attach("", "page", "page")
	browser.event("page", "Page.loadEventFired")
	browser.attach("page", "frame", "iframe")
	browser.event("frame", "Network.requestWillBeSent")
	browser.attach("frame", "worker", "worker")
	browser.event("worker", "Runtime.exceptionThrown")
	all.want(t, " Target.targetCreated", " Target.attachedToTarget", "page Page.loadEventFired", "page Target.attachedToTarget",
		"frame Network.requestWillBeSent", "frame Target.attachedToTarget", "worker Runtime.exceptionThrown")
	page.want(t, "page Page.loadEventFired", "page Target.attachedToTarget", "frame Network.requestWillBeSent",
		"frame Target.attachedToTarget", "worker Runtime.exceptionThrown")
	frame.want(t, "frame Network.requestWillBeSent", "frame Target.attachedToTarget", "worker Runtime.exceptionThrown")

	stop()
	browser.event("frame", "Network.loadingFinished")
	page.want(t, "frame Network.loadingFinished")
	all.want(t, "frame Network.loadingFinished")
	select {
	case event := <-frame:
		t.Errorf("heard %q after the end of listening", event)
	default:
	}
}

func TestConn_Listen_Detached(t *testing.T) {
	conn, browser := dial(t)
	page := make(heard, 100)
	conn.Listen("page", page.note)
	browser.attach("page", "frame", "iframe")
	browser.attach("frame", "worker", "worker")
	browser.attach("page", "sibling", "iframe")
	done := background(func() error { return conn.Call(t.Context(), "worker", "A.b", nil, nil) })
	browser.next("worker", "A.b")
	browser.send(`{"method":"Target.detachedFromTarget","sessionId":"page","params":{"sessionId":"frame"}}`)
	if err := wait(t, done); !errors.Is(err, cdp.ErrDetached) {
		t.Errorf("error %v of a call below a detached session, want that it is detached", err)
	}
	browser.event("worker", "A.stray")
	browser.event("frame", "A.stray")
	browser.event("sibling", "A.last")
	page.want(t, "page Target.attachedToTarget", "frame Target.attachedToTarget", "page Target.attachedToTarget",
		"page Target.detachedFromTarget", "sibling A.last")
}

// Nothing is lost when a listener is slow: the browser waits.
func TestConn_Listen_Slow(t *testing.T) {
	conn, browser := dial(t)
	const events = 5000
	begin := make(chan struct{})
	last := make(chan int, 1)
	n := 0
	conn.Listen("", func(e cdp.Event) {
		<-begin
		if want := fmt.Sprintf("A.e%d", n); e.Method != want {
			t.Errorf("event %s, want %s", e.Method, want)
		}
		if n++; n == events {
			last <- n
		}
	})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range events {
			browser.event("", fmt.Sprintf("A.e%d", i))
		}
	}()
	close(begin)
	select {
	case <-last:
	case <-time.After(patience):
		t.Fatal("not all events were heard")
	}
	<-sent
}

// FuzzOpen: whatever a browser sends, the connection ends in order, and every well-formed event before the first broken
// message is heard, in order.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", `{"method":"A.b"}` + "\x00", `{"id":1,"result":{}}` + "\x00" + `{"method":"A.b","params":{},"sessionId":"S"}` + "\x00",
		`{"method":"Target.attachedToTarget","params":{"sessionId":"S","targetInfo":{"targetId":"T"}},"sessionId":"S"}` + "\x00",
		`{"method":"Target.attachedToTarget","params":{"sessionId":"A"},"sessionId":"B"}` + "\x00" +
			`{"method":"Target.attachedToTarget","params":{"sessionId":"B"},"sessionId":"A"}` + "\x00" + `{"method":"A.b","sessionId":"A"}` + "\x00",
		`{"method":"Target.detachedFromTarget","params":{"sessionId":"S"}}` + "\x00", `{"id":null}`, "[1]\x00", "{\"id\":1e999}\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		methods, err := replay(bytes.NewReader(stream))
		if !errors.Is(err, cdp.ErrClosed) {
			t.Fatalf("error %v, want that the connection is closed", err)
		}
		if got, most := len(methods), bytes.Count(stream, []byte{0}); got > most {
			t.Fatalf("%d events in %d messages", got, most)
		}
	})
}
