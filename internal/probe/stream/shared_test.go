package stream_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// A result is somebody else's when the probe is over: the page shows it while later probes run on the same stream. The
// race detector sees what they have in common.
func TestProbe_ResultsHaveNothingInCommon(t *testing.T) {
	t.Setenv("TEST_TOKEN", "bearer-of-the-test")
	p := newProber(t, newHub(t), func(c *stream.Config) { c.Token = probe.Secret{Env: "TEST_TOKEN"} })
	first := take(t, p)
	stop, read := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			for _, e := range first.Evidence.Exchanges {
				for _, h := range e.Header {
					n += len(h.Value)
				}
			}
			select {
			case <-stop:
				read <- n
				return
			default:
			}
		}
	}()
	second := take(t, p)
	close(stop)
	if n := <-read; n == 0 {
		t.Error("the first result has no header")
	}
	for i, e := range second.Evidence.Exchanges {
		if mine, other := e.Header, first.Evidence.Exchanges[i].Header; len(mine) > 0 && len(other) > 0 && &mine[0] == &other[0] {
			t.Errorf("exchange %d of both results has the same header in memory", i)
		}
	}
}

// A probe whose message is lost gives up the stream, but not while another probe waits for its message there.
func TestProbe_LeavesTheStreamToOthers(t *testing.T) {
	t.Parallel()
	// The second message has half the window, which a busy machine needs.
	const timeout, window = 4 * timeout, 4 * window
	h := newHub(t)
	over := make(chan struct{})
	texts := make(chan string, 2)
	h.deliver = func(text string) []string { texts <- text; return nil }
	p := newProberWithin(t, timeout, stream.Kind(), h, func(c *stream.Config) { c.Window = window })
	first := make(chan probe.Result, 1)
	go func() { first <- takeWithin(t, timeout, p); close(over) }()
	<-texts // the first message is published, and dropped
	<-time.After(window / 2)
	go func() {
		text := <-texts
		<-over
		h.set(func(h *hub) { h.deliver = nil })
		h.broadcast(httpRequest(), text)
	}()
	want(t, takeWithin(t, timeout, p), "", "delivered")
	want(t, <-first, "message_lost", "lost")
	if n := h.subscriptions(); n != 1 {
		t.Errorf("there were %d subscriptions, want 1", n)
	}
	// Nobody waits there now.
	r := takeWithin(t, timeout, p)
	want(t, r, "", "delivered")
	if n := h.subscriptions(); n != 2 || len(r.Findings) != 0 {
		t.Errorf("there were %d subscriptions and the findings %v, want a new stream without a word", n, r.Findings)
	}
}

func httpRequest() *http.Request {
	r, _ := http.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(""))
	return r
}
