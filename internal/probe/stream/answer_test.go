package stream_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
)

// consequence is what follows from a status for the message and the one after it.
type consequence struct {
	status     int
	header     http.Header
	reason     probe.Reason // of a publication
	word       string
	subscribe  probe.Reason // of a subscription that is answered so
	withheld   string       // why the next message is not sent; "" when it is
	credential float64      // -1: no verdict
	detail     string
}

func consequences() []consequence {
	return []consequence{
		{status: 200, word: "accepted", credential: 1},
		{status: 202, word: "accepted", credential: 1, subscribe: "stream_refused"},
		{status: 302, reason: "message_rejected", word: "other", subscribe: "stream_refused", credential: -1},
		{status: 400, reason: "message_rejected", word: "message_invalid", subscribe: "stream_refused", credential: -1},
		{status: 401, reason: "push_credential_rejected", word: "credential_rejected", subscribe: "push_credential_rejected", withheld: "credential", detail: "next try in 20m0s"},
		{status: 403, reason: "push_credential_rejected", word: "credential_rejected", subscribe: "push_credential_rejected", withheld: "credential", detail: "next try in 20m0s"},
		{status: 404, reason: "message_rejected", word: "message_invalid", subscribe: "stream_refused", credential: -1},
		{status: 410, reason: "message_rejected", word: "message_invalid", subscribe: "stream_refused", credential: -1},
		{status: 413, reason: "message_rejected", word: "message_invalid", subscribe: "stream_refused", credential: -1},
		{status: 429, reason: "push_rate_limited", word: "throttled", subscribe: "push_rate_limited", withheld: "throttled", credential: -1, detail: "next try in 30s"},
		{
			status: 429, header: http.Header{"Retry-After": {"120"}}, reason: "push_rate_limited", word: "throttled",
			subscribe: "push_rate_limited", withheld: "throttled", credential: -1, detail: "next try in 2m0s",
		},
		{status: 500, reason: "push_provider_failed", word: "provider_failed", subscribe: "push_provider_failed", credential: -1},
		{
			status: 503, header: http.Header{"Retry-After": {"60"}}, reason: "push_provider_failed", word: "provider_failed",
			subscribe: "push_provider_failed", credential: -1,
		},
		{status: 200, header: http.Header{"Retry-After": {"60"}}, word: "accepted", credential: 1},
		{
			status: 404, header: http.Header{"Retry-After": {"60"}}, reason: "message_rejected", word: "message_invalid",
			subscribe: "stream_refused", credential: -1,
		},
	}
}

func (c *consequence) String() string { return fmt.Sprint(c.status, c.header) }

func (c *consequence) answer(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), c.header)
	w.WriteHeader(c.status)
}

// check checks a first result and the one after it.
func (c *consequence) check(t *testing.T, p probe.Prober, first probe.Result) {
	t.Helper()
	if got := value(first, "push_credential_ok"); got != c.credential {
		t.Errorf("got the verdict %v on the credential, want %v", got, c.credential)
	}
	next := take(t, p)
	skipped := measured(next, "push_skipped_total")
	switch {
	case c.withheld == "" && len(skipped) != 0:
		t.Errorf("the next message was withheld: %s", next.Detail)
	case c.withheld != "" && (len(skipped) != 1 || skipped[0].Label != c.withheld || next.Reason != first.Reason):
		t.Errorf("got %v for %q, want one withheld because of %s for %q", skipped, next.Reason, c.withheld, first.Reason)
	case !strings.HasSuffix(next.Detail, c.detail) && c.detail != "":
		t.Errorf("got %q, want %q at its end", next.Detail, c.detail)
	}
}

func TestProbe_AnswersToMessages(t *testing.T) {
	t.Setenv("TEST_TOKEN", "bearer-of-the-test")
	for _, sender := range []string{"post", "websocket"} {
		for _, c := range consequences() {
			t.Run(sender+" "+c.String(), func(t *testing.T) {
				h := newHub(t)
				if c.status != http.StatusOK || sender != "post" {
					h.refuse = c.answer
				}
				p := newProber(t, h, func(config *stream.Config) {
					config.Token, config.Window = probe.Secret{Env: "TEST_TOKEN"}, window/2
					if sender == "websocket" {
						config.URL = wsURL(h, "/in")
					}
				})
				first := take(t, p)
				if sender == "websocket" && c.word == "accepted" {
					// Of the request, but not of the protocol.
					c.reason, c.word, c.credential = "message_rejected", "other", -1
				}
				ending := "rejected"
				switch {
				case c.reason == "" && h.refuse == nil:
					ending = "delivered"
				case c.reason == "":
					c.reason, ending = "message_lost", "lost"
				}
				want(t, first, c.reason, ending)
				if words := measured(first, "push_provider_responses_total"); len(words) != 1 || words[0].Label != c.word {
					t.Errorf("got the answers %v, want %s", words, c.word)
				}
				c.check(t, p, first)
			})
		}
	}
}

func TestProbe_AnswersToSubscriptions(t *testing.T) {
	t.Setenv("TEST_TOKEN", "bearer-of-the-test")
	for _, c := range consequences() {
		if c.subscribe == "" {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			h := newHub(t)
			h.turnAway = c.answer
			p := newProber(t, h, func(config *stream.Config) { config.Token = probe.Secret{Env: "TEST_TOKEN"} })
			first := take(t, p)
			want(t, first, c.subscribe, "unsent")
			if c.word == "accepted" {
				c.credential = -1
			}
			c.check(t, p, first)
		})
	}
}
