package cdp_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// background runs a call and returns where its error will be.
func background(call func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	return done
}

func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("the call does not return")
	}
	return nil
}

func TestConn_Call(t *testing.T) {
	for _, test := range []struct {
		name    string
		session cdp.SessionID
		params  any
		want    string // params as sent
	}{
		{"of the browser without params", "", nil, `{}`},
		{"of a session", "S", map[string]string{"url": "https://example.com/?q=<&>"}, `{"url":"https://example.com/?q=\u003c\u0026\u003e"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, browser := dial(t)
			var result struct{ Answer int }
			done := background(func() error { return conn.Call(t.Context(), test.session, "Page.navigate", test.params, &result) })
			r := browser.next(test.session, "Page.navigate")
			if string(r.Params) != test.want {
				t.Errorf("params %s, want %s", r.Params, test.want)
			}
			browser.send(`{"id":%d,"result":{"answer":42}}`, r.ID)
			if err := wait(t, done); err != nil || result.Answer != 42 {
				t.Errorf("result %d and error %v, want 42 and none", result.Answer, err)
			}
		})
	}
}

func TestConn_Call_Refused(t *testing.T) {
	conn, browser := dial(t)
	done := background(func() error { return conn.Call(t.Context(), "", "Page.fly", nil, nil) })
	r := browser.next("", "Page.fly")
	browser.send(`{"id":%d,"error":{"code":-32601,"message":"'Page.fly' wasn't found"}}`, r.ID)
	err := wait(t, done)
	var refused *cdp.Error
	if !errors.As(err, &refused) || refused.Code != -32601 || refused.Method != "Page.fly" {
		t.Fatalf("error %v, want the browser's", err)
	}
	if want := "calling Page.fly: 'Page.fly' wasn't found (-32601)"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestConn_Call_ResultOfAnotherShape(t *testing.T) {
	conn, browser := dial(t)
	var result struct{ Answer int }
	done := background(func() error { return conn.Call(t.Context(), "", "A.b", nil, &result) })
	r := browser.next("", "A.b")
	browser.send(`{"id":%d,"result":{"answer":"many"}}`, r.ID)
	if err := wait(t, done); err == nil || !strings.HasPrefix(err.Error(), "decoding answer to A.b: ") {
		t.Errorf("error %v, want that of decoding", err)
	}
}

func TestConn_Call_ParamsThatAreNotJSON(t *testing.T) {
	conn, _ := dial(t)
	if err := conn.Call(t.Context(), "", "A.b", func() {}, nil); err == nil || !strings.HasPrefix(err.Error(), "encoding A.b: ") {
		t.Errorf("error %v, want that of encoding", err)
	}
}

// TestConn_Call_AnswerTooLong has an answer fail its call, and nothing else.
func TestConn_Call_AnswerTooLong(t *testing.T) {
	conn, b := dial(t)
	done := background(func() error { return conn.Call(t.Context(), "S", "A.b", nil, nil) })
	r := <-b.requests
	b.send(`{"id":%d,"result":{"data":"%s"}}`, r.ID, strings.Repeat("x", 64<<20))
	if err := wait(t, done); err == nil || err.Error() != "calling A.b: answer is longer than 67108864 bytes" {
		t.Errorf("error %v, want an answer that is too long", err)
	}
	done = background(func() error { return conn.Call(t.Context(), "S", "A.c", nil, nil) })
	b.send(`{"id":%d,"result":{}}`, (<-b.requests).ID)
	if err := wait(t, done); err != nil {
		t.Errorf("error %v of the next call, want none", err)
	}
}

func TestConn_Call_AnswersInAnyOrder(t *testing.T) {
	conn, browser := dial(t)
	var first, second struct{ Is string }
	one := background(func() error { return conn.Call(t.Context(), "", "A.first", nil, &first) })
	r1 := browser.next("", "A.first")
	two := background(func() error { return conn.Call(t.Context(), "", "A.second", nil, &second) })
	r2 := browser.next("", "A.second")
	browser.send(`{"id":%d,"result":{"is":"second"}}`, r2.ID)
	browser.send(`{"id":%d,"result":{"is":"first"}}`, r1.ID)
	if err := errors.Join(wait(t, one), wait(t, two)); err != nil || first.Is != "first" || second.Is != "second" {
		t.Errorf("answers %q and %q, error %v", first.Is, second.Is, err)
	}
}

// The answer to a call that was given up must neither be taken for another's nor disturb the connection.
func TestConn_Call_Cancelled(t *testing.T) {
	conn, browser := dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := background(func() error { return conn.Call(ctx, "", "A.slow", nil, nil) })
	r := browser.next("", "A.slow")
	cancel()
	if err := wait(t, done); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	browser.send(`{"id":%d,"result":{"is":"late"}}`, r.ID)
	browser.send(`{"id":12345,"result":{"is":"nobody's"}}`)
	done = background(func() error { return conn.Call(t.Context(), "", "A.next", nil, nil) })
	browser.grant("", "A.next")
	if err := wait(t, done); err != nil {
		t.Errorf("next call: %v", err)
	}
}

// A browser that has stopped reading lets the pipe run full.
func TestConn_Call_NobodyReads(t *testing.T) {
	_, toBrowser := pipe(t)
	fromBrowser, _ := pipe(t)
	conn := cdp.Open(fromBrowser, toBrowser)
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	var all []<-chan error
	for range 3 {
		all = append(all, background(func() error { return conn.Call(ctx, "", "A.b", strings.Repeat("x", 1<<20), nil) }))
	}
	cancel()
	for _, done := range all {
		if err := wait(t, done); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
	}
}

func TestConn_Close(t *testing.T) {
	conn, browser := dial(t)
	if err := conn.Err(); err != nil {
		t.Fatalf("error of an open connection: %v", err)
	}
	done := background(func() error { return conn.Call(t.Context(), "", "A.b", nil, nil) })
	browser.next("", "A.b")
	for range 2 {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	<-conn.Done()
	const want = "browser connection closed: closed by the agent"
	for name, err := range map[string]error{
		"a call that waits": wait(t, done),
		"a new call":        conn.Call(t.Context(), "", "A.b", nil, nil),
	} {
		if !errors.Is(err, cdp.ErrClosed) || err.Error() != "calling A.b: "+want {
			t.Errorf("%s: error %v, want %q", name, err, "calling A.b: "+want)
		}
	}
	if err := conn.Err(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if _, open := <-browser.requests; open {
		t.Error("the browser's pipe is still open")
	}
}

func TestConn_BrowserEnds(t *testing.T) {
	conn, browser := dial(t)
	done := background(func() error { return conn.Call(t.Context(), "", "A.b", nil, nil) })
	browser.next("", "A.b")
	browser.hangUp()
	if err := wait(t, done); !errors.Is(err, cdp.ErrClosed) || !strings.HasSuffix(err.Error(), ": the browser ended") {
		t.Errorf("error %v, want that the browser ended", err)
	}
}

func TestConn_WritingFails(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(fromAgent, toBrowser *os.File) *os.File // which end is closed
		want string
	}{
		{"the browser ended", func(r, _ *os.File) *os.File { return r }, "the browser ended"},
		{"another cause", func(_, w *os.File) *os.File { return w }, "writing to the browser: write |1: file already closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fromAgent, toBrowser := pipe(t)
			if err := test.fail(fromAgent, toBrowser).Close(); err != nil {
				t.Fatal(err)
			}
			fromBrowser, _ := pipe(t)
			conn := cdp.Open(fromBrowser, toBrowser)
			t.Cleanup(func() { _ = conn.Close() })
			err := conn.Call(t.Context(), "", "A.b", nil, nil)
			if !errors.Is(err, cdp.ErrClosed) || !strings.HasSuffix(err.Error(), "closed: "+test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
