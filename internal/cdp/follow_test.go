package cdp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

const autoAttach = `{"autoAttach":true,"flatten":true,"waitForDebuggerOnStart":true}`

// follow has page followed and returns what is prepared.
func follow(ctx context.Context, t *testing.T, conn *cdp.Conn, browser *scripted, prepare func(context.Context, cdp.SessionID) error) <-chan string {
	t.Helper()
	prepared := make(chan string, 100)
	done := background(func() error {
		return conn.Follow(ctx, "page", func(ctx context.Context, child cdp.SessionID, target cdp.TargetInfo) error {
			prepared <- fmt.Sprintf("%s %s %s %s %s", child, target.ID, target.Type, target.URL, target.Context)
			return prepare(ctx, child)
		})
	})
	if r := browser.grant("page", "Target.setAutoAttach"); string(r.Params) != autoAttach {
		t.Errorf("params %s, want %s", r.Params, autoAttach)
	}
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	return prepared
}

func wantPrepared(t *testing.T, prepared <-chan string, want string) {
	t.Helper()
	select {
	case got := <-prepared:
		if got != want {
			t.Errorf("prepared %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("prepared nothing, want %q", want)
	}
}

func TestConn_Follow(t *testing.T) {
	conn, browser := dial(t)
	prepared := follow(t.Context(), t, conn, browser, func(ctx context.Context, child cdp.SessionID) error {
		return conn.Call(ctx, child, "Network.enable", nil, nil)
	})
	page := make(heard, 100)
	conn.Listen("page", page.note)
	// A frame, and a worker in it: auto-attachment is asked for anew below each.
	for _, step := range []struct {
		parent, child cdp.SessionID
		kind          string
	}{{"page", "frame", "iframe"}, {"frame", "worker", "worker"}} {
		browser.attach(step.parent, step.child, step.kind)
		wantPrepared(t, prepared, fmt.Sprintf("%s T-%s %s https://ads.example/ C", step.child, step.child, step.kind))
		browser.grant(step.child, "Network.enable")
		browser.grant(step.child, "Target.setAutoAttach")
		browser.grant(step.child, "Runtime.runIfWaitingForDebugger")
		browser.event(step.child, "Network.requestWillBeSent")
	}
	page.want(t, "page Target.attachedToTarget", "frame Network.requestWillBeSent", "frame Target.attachedToTarget",
		"worker Network.requestWillBeSent")
	browser.attach("", "other", "page")
	browser.attach("other", "frame2", "iframe")
	browser.attach("page", "last", "iframe")
	wantPrepared(t, prepared, "last T-last iframe https://ads.example/ C")
}

// A child whose preparation fails runs on: a page must not hang because a frame went away in the middle.
func TestConn_Follow_PrepareFails(t *testing.T) {
	conn, browser := dial(t)
	prepared := follow(t.Context(), t, conn, browser, func(context.Context, cdp.SessionID) error { return errors.New("gone") })
	browser.attach("page", "frame", "iframe")
	wantPrepared(t, prepared, "frame T-frame iframe https://ads.example/ C")
	r := browser.next("frame", "Target.setAutoAttach")
	browser.send(`{"id":%d,"error":{"code":-32601,"message":"not here"},"sessionId":"frame"}`, r.ID)
	browser.grant("frame", "Runtime.runIfWaitingForDebugger")
}

func TestConn_Follow_Refused(t *testing.T) {
	conn, browser := dial(t)
	done := background(func() error {
		return conn.Follow(t.Context(), "page", func(context.Context, cdp.SessionID, cdp.TargetInfo) error {
			t.Error("a child of a page that is not followed was prepared")
			return nil
		})
	})
	r := browser.next("page", "Target.setAutoAttach")
	browser.send(`{"id":%d,"error":{"code":-32001,"message":"no such session"}}`, r.ID)
	var refused *cdp.Error
	if err := wait(t, done); !errors.As(err, &refused) {
		t.Fatalf("error %v, want the browser's", err)
	}
	browser.attach("page", "frame", "iframe")
	done = background(func() error { return conn.Call(t.Context(), "", "A.b", nil, nil) })
	browser.grant("", "A.b") // so the attachment has been dealt with
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

// After its context no child is called any more, and Close does not wait for a preparation.
func TestConn_Follow_ContextEnds(t *testing.T) {
	conn, browser := dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	prepared := follow(ctx, t, conn, browser, func(ctx context.Context, _ cdp.SessionID) error {
		<-ctx.Done()
		return ctx.Err()
	})
	browser.attach("page", "frame", "iframe")
	wantPrepared(t, prepared, "frame T-frame iframe https://ads.example/ C")
	cancel()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for r := range browser.requests {
		t.Errorf("call of %s in %q after the context", r.Method, r.Session)
	}
}
