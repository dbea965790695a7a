package chromium

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// TabOptions say how a tab reaches the network.
type TabOptions struct {
	// Proxy is the host:port that everything goes through, names of loopback included; "direct://" is no proxy, with which
	// nothing but 127.0.0.1 can be reached. Empty: nothing can.
	Proxy string
}

// closeTime bounds the closing of a tab; a browser that takes longer is ended.
const closeTime = 5 * time.Second

// target is a page in a browser context of its own.
type target struct {
	context string
	page    string
	session cdp.SessionID
}

// Tab is a page in a fresh browser context: it shares nothing with what was visited before or is visited beside it. It is
// safe for concurrent use.
type Tab struct {
	process *process
	target  target
	crashed chan struct{}
	stop    func()
	release func(hung bool)
	once    sync.Once
}

// Session is the tab's session.
func (t *Tab) Session() cdp.SessionID { return t.target.session }

// Conn is the connection to the browser of the tab. Whoever opened the tab must not close it.
func (t *Tab) Conn() *cdp.Conn { return t.process.conn }

// Context is the id of the tab's browser context.
func (t *Tab) Context() string { return t.target.context }

// Crashed returns a channel that is closed when the page's renderer has ended. The browser may well be alive.
func (t *Tab) Crashed() <-chan struct{} { return t.crashed }

// Browser is the name and the version of the browser, such as "chromium-headless-shell 156.0.8078.79": figures of different
// ones are not to be compared.
func (t *Tab) Browser() string { return t.process.name + " " + t.process.version }

// CPU is the user and system time of all processes of the browser so far: the difference of two is what happened between
// them, in this tab and its neighbours.
func (t *Tab) CPU() time.Duration { return t.process.CPU() }

// Lost says why the browser itself is gone; nil while it is there.
func (t *Tab) Lost() *Unavailable { return t.process.lost() }

// Close closes the page with its context, whatever the page is doing. A browser that does not do so in time is ended.
func (t *Tab) Close() {
	t.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		t.stop()
		err := t.target.dispose(ctx, t.process.conn)
		t.release(err != nil && !errors.Is(err, cdp.ErrClosed))
	})
}

func (t *Tab) watch() {
	var once sync.Once
	t.stop = t.process.conn.Listen(t.target.session, func(e cdp.Event) {
		if e.Session == t.target.session && e.Method == "Inspector.targetCrashed" {
			once.Do(func() { close(t.crashed) })
		}
	})
}

// openTarget opens a blank page. Whatever a page could ask a visitor for is denied.
func openTarget(ctx context.Context, conn *cdp.Conn, options TabOptions) (target, error) {
	var t target
	params := map[string]any{"disposeOnDetach": true, "proxyBypassList": "<-loopback>"}
	if options.Proxy != "" {
		params["proxyServer"] = options.Proxy
	}
	var made struct {
		Context string `json:"browserContextId"`
	}
	if err := conn.Call(ctx, "", "Target.createBrowserContext", params, &made); err != nil {
		return t, err
	}
	t.context = made.Context
	err := furnish(ctx, conn, &t)
	if err == nil {
		return t, nil
	}
	// A visit that was given up must not leave its context behind. When the browser hangs, it goes with it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return t, errors.Join(err, t.dispose(ctx, conn))
}

func furnish(ctx context.Context, conn *cdp.Conn, t *target) error {
	for _, denial := range []struct {
		method string
		params map[string]any
	}{
		{"Browser.setDownloadBehavior", map[string]any{"behavior": "deny", "browserContextId": t.context, "eventsEnabled": true}},
		{"Browser.grantPermissions", map[string]any{"permissions": []string{}, "browserContextId": t.context}},
	} {
		if err := conn.Call(ctx, "", denial.method, denial.params, nil); err != nil {
			return err
		}
	}
	var page struct {
		ID string `json:"targetId"`
	}
	params := map[string]any{"url": "about:blank", "browserContextId": t.context}
	if err := conn.Call(ctx, "", "Target.createTarget", params, &page); err != nil {
		return err
	}
	t.page = page.ID
	var attached struct {
		Session cdp.SessionID `json:"sessionId"`
	}
	params = map[string]any{"targetId": t.page, "flatten": true}
	if err := conn.Call(ctx, "", "Target.attachToTarget", params, &attached); err != nil {
		return err
	}
	t.session = attached.Session
	return nil
}

// dispose closes the page with its context.
func (t target) dispose(ctx context.Context, conn *cdp.Conn) error {
	return conn.Call(ctx, "", "Target.disposeBrowserContext", map[string]string{"browserContextId": t.context}, nil)
}
