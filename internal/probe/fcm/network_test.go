package fcm_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
)

// hang answers when the client has hung up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// reset cuts the connection of HTTP/1.1 without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// endless never stops.
func endless(w http.ResponseWriter, _ *http.Request) {
	for err := error(nil); err == nil; {
		_, err = w.Write(bytes.Repeat([]byte(" "), 32<<10))
	}
}

// halved breaks off a body that was announced.
func halved(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"access_token":"ya29.half-a-token`))
}

func TestProbe_BrokenAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		handle http.HandlerFunc
		within time.Duration
		want   probe.Reason
	}{
		"hangs":            {hang, 2 * time.Second, probe.ResponseTimeout},
		"resets":           {reset, patience, probe.ConnectionReset},
		"never ends":       {endless, patience, probe.BodyTooLarge},
		"ends in the half": {halved, patience, probe.BodyTruncated},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startPlain(t)
			s.set(func(s *standin) { s.onSend = c.handle })
			r := s.take(c.within)
			if r.Reason != c.want || r.Detail == "" || outcome(&r) != "unsent" {
				t.Errorf("got %s, %s: %q, want %s, unsent", r.Reason, outcome(&r), r.Detail, c.want)
			}
			if sent, _ := s.counts(); sent != 1 {
				t.Errorf("got %d messages, want one: nothing is tried again", sent)
			}
			if got := r.Evidence.Exchanges[1].WireBytes; got > 64<<10 {
				t.Errorf("read %d bytes, want at most 64 KiB", got)
			}
			// The same of the token endpoint.
			s = startPlain(t)
			s.set(func(s *standin) { s.onToken = c.handle })
			r = s.take(c.within)
			if r.Reason != c.want || outcome(&r) != "unsent" {
				t.Errorf("token exchange: got %s, %s: %q, want %s, unsent", r.Reason, outcome(&r), r.Detail, c.want)
			}
			if start := r.Evidence.Exchanges[0].BodyStart; start != "" {
				t.Errorf("token exchange: got the start of the body %q, want none", start)
			}
			s.set(func(s *standin) { s.onToken, s.onSend = nil, nil })
			if r := s.take(patience); r.Reason != "" {
				t.Errorf("got %s: %s, want the next message sent", r.Reason, r.Detail)
			}
		})
	}
}

// TestProbe_EndsAtItsTimeout has the token endpoint hang for a caller who would wait for ever.
func TestProbe_EndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	s := newStandin(t)
	s.onToken = hang
	setup := setupOf("validate")
	setup.Timeout = time.Second
	r, err := startWith(t, s, s.plain, func(c *fcm.Config) { c.TLS.CAFile = "" }, setup).prober.Probe(t.Context())
	if err != nil || r.Reason != probe.ResponseTimeout {
		t.Errorf("got %v, %s: %q, want %s", err, r.Reason, r.Detail, probe.ResponseTimeout)
	}
}

// TestProbe_FollowsNoRedirect keeps access token and assertion from whoever is pointed at.
func TestProbe_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	t.Cleanup(thief.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := start(t, nil)
		s.set(func(s *standin) { s.onSend = answer(status, "Location: "+thief.URL, "") })
		if r := s.take(patience); r.Reason != "message_rejected" {
			t.Errorf("message with %d: got %s: %s, want message_rejected", status, r.Reason, r.Detail)
		}
		s = start(t, nil)
		s.set(func(s *standin) { s.onToken = answer(status, "Location: "+thief.URL, "") })
		if r := s.take(patience); r.Reason != "message_rejected" {
			t.Errorf("token with %d: got %s: %s, want message_rejected", status, r.Reason, r.Detail)
		}
	}
}
