package ledger_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

const mark = "MARK"

// webhook sends a webhook to the hook with a token.
func (d *desk) webhook(token, body string) {
	d.t.Helper()
	d.post("192.0.2.1:1", "/v1/hooks/"+token, body, "")
}

func TestHook_TakesWebhooksWithItsMark(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hook, twin, other := d.OpenHook(token, mark), d.OpenHook(token, mark), d.OpenHook(token+"-other", mark)
	before := time.Now()
	d.webhook(token, "a MARK")
	d.webhook(token, "nothing of ours")
	d.webhook(token[1:], "a MARK of nobody")
	for name, h := range map[string]*ledger.Hook{"the hook": hook, "its twin": twin} {
		if n := len(h.Deliveries()); n != 1 {
			t.Fatalf("%s has %d webhooks, want 1", name, n)
		}
		got := <-h.Deliveries()
		if string(got.Body) != "a MARK" || got.Header == nil || got.At.Before(before) || time.Now().Before(got.At) {
			t.Errorf("%s: got %+v, want the webhook as it came, and when", name, got)
		}
	}
	if n := len(other.Deliveries()); n != 0 {
		t.Errorf("another hook has %d webhooks, want none", n)
	}
	if got, want := countsOf(d.Ledger), (counts{webhook: 2, unauthorized: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	hook.Close()
	hook.Close() // does nothing
	twin.Close()
	d.webhook(token, "a MARK")
	if len(hook.Deliveries()) != 0 || countsOf(d.Ledger).unauthorized != 2 {
		t.Error("a webhook to a closed hook was taken")
	}
}

func TestHook_HoldsFewWebhooks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hook := d.OpenHook(token, mark)
	defer hook.Close()
	for range 70 {
		d.webhook(token, mark)
	}
	if got := countsOf(d.Ledger); got.webhook != 64 || got.limited != 6 || len(hook.Deliveries()) != 64 {
		t.Errorf("got %+v and %d held, want 64 taken and 6 refused", got, len(hook.Deliveries()))
	}
}

func TestHook_BoundsBodies(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	d := newDesk(t)
	hook := d.OpenHook(token, mark)
	defer hook.Close()
	d.webhook(token, mark+strings.Repeat("x", most-len(mark)))
	d.webhook(token, mark+strings.Repeat("x", most-len(mark)+1))
	if n := len(hook.Deliveries()); n != 1 {
		t.Fatalf("%d webhooks were taken, want that of 64 KiB alone", n)
	}
	if got := <-hook.Deliveries(); len(got.Body) != most {
		t.Errorf("got %d bytes, want %d", len(got.Body), most)
	}
	if got, want := countsOf(d.Ledger), (counts{webhook: 1, malformed: 1}); got != want || hook.Broken() != 1 {
		t.Errorf("got %+v and %d broken, want %+v and the larger one broken", got, hook.Broken(), want)
	}
}

// cutOff is a body that ends too soon, and counts what is read of it.
type cutOff struct{ left, read int }

func (c *cutOff) Read(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left, c.read = c.left-n, c.read+n
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	copy(p, strings.Repeat("x", n))
	return n, nil
}

func TestHook_CountsWhatIsCutOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hook := d.OpenHook(token, mark)
	defer hook.Close()
	d.read(token, &cutOff{left: 10})
	if got, want := countsOf(d.Ledger), (counts{malformed: 1}); got != want || hook.Broken() != 1 {
		t.Errorf("got %+v and %d broken, want %+v and one", got, hook.Broken(), want)
	}
}

// Nobody but the system of an open hook has the agent hold more than a little.
func TestHook_ReadsLittleOfStrangers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	hook := d.OpenHook(token, mark)
	read := func(token string) int {
		body := &cutOff{left: 1 << 20}
		d.read(token, body)
		return body.read
	}
	if n := read(token); n <= 32<<10 || n > 128<<10 {
		t.Errorf("%d bytes were read for the hook, want about 64 KiB", n)
	}
	if n := read(token + "-other"); n > 2<<10 {
		t.Errorf("%d bytes were read for a stranger, want about 1 KiB", n)
	}
	hook.Close()
	if n := read(token); n > 2<<10 {
		t.Errorf("%d bytes were read for a closed hook, want about 1 KiB", n)
	}
}

// read sends a webhook with a body to the hook with a token.
func (d *desk) read(token string, body io.Reader) {
	d.t.Helper()
	server, err := ledger.NewServer(ledger.Options{Ledger: d.Ledger})
	if err != nil {
		d.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, "/v1/hooks/"+token, body))
	if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		d.t.Errorf("got %d with %q, want 204 with nothing", w.Code, w.Body)
	}
}
