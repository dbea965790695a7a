package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/notify"
)

// post is what the tests read of a message.
type post struct {
	Text        string
	Attachments []struct {
		Color     string
		Title     string
		TitleLink string `json:"title_link"`
		Fields    []struct{ Title, Value string }
	}
	Incident struct {
		ID, Status, Channel, Severity string
		Late                          bool
		OwnerIT                       string `json:"owner_it"`
		OwnerMarketing                string `json:"owner_marketing"`
		Ended                         *time.Time
		Alerts                        []struct{ Name string }
	}
}

func (h *hookServer) decoded(t *testing.T) []post {
	t.Helper()
	var all []post
	for _, body := range h.received() {
		var p post
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		all = append(all, p)
	}
	return all
}

func (h *hookServer) config(t *testing.T) notify.Webhook {
	t.Helper()
	return notify.Webhook{URL: secret(t, h.url)}
}

func TestWebhook_Messages(t *testing.T) {
	all, some := newHookServer(t), newHookServer(t)
	filtered := some.config(t)
	filtered.Channels = []string{"app"}
	a := start(t, "", notify.Config{Webhooks: []notify.Webhook{all.config(t), filtered}})
	alert := poor("shop")
	agent := notify.Alert{Labels: map[string]string{"alertname": "AgentBlind"}, Started: time.Now()}
	a.Alerts([]notify.Alert{alert, poor("app"), agent})
	a.await(t, "three messages", func() bool { return len(all.received()) == 3 && len(some.received()) == 1 })
	alert.Ended = time.Now()
	a.Alerts([]notify.Alert{alert})
	a.await(t, "the end", func() bool { return len(all.received()) == 4 })
	a.stop()

	posts := all.decoded(t)
	byChannel := make(map[string][]post)
	for _, p := range posts {
		byChannel[p.Incident.Channel] = append(byChannel[p.Incident.Channel], p)
	}
	opened, ended := byChannel["shop"][0], byChannel["shop"][1]
	if opened.Incident.Status != "opened" || ended.Incident.Status != "ended" || opened.Incident.ID != ended.Incident.ID ||
		ended.Incident.Late || opened.Incident.Ended != nil || ended.Incident.Ended == nil {
		t.Errorf("got %+v and %+v, want the beginning and the end of one incident", opened.Incident, ended.Incident)
	}
	if got := opened.Attachments[0]; opened.Text != "Poor: Channel shop is poor" || got.Color != "#C8374B" || got.Title != "Channel shop" ||
		got.TitleLink != "https://watch.example.com/channels/shop" {
		t.Errorf("got %+v", opened)
	}
	if opened.Incident.OwnerIT != "it-shop@example.com" || opened.Incident.OwnerMarketing != "brand-shop@example.com" {
		t.Errorf("owners: got %+v", opened.Incident)
	}
	if len(byChannel[""]) != 1 {
		t.Errorf("%d messages about the agent itself, want one", len(byChannel[""]))
	}
	if got := some.decoded(t); len(got) != 1 || got[0].Incident.Channel != "app" {
		t.Errorf("the webhook of one channel was told %+v", got)
	}
	for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "User-Agent": "Channelwatch/1.2.3"} {
		if got := all.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestWebhook_Answers(t *testing.T) {
	for _, tt := range []struct {
		status int
		again  bool
	}{
		{400, false},
		{403, false},
		{404, false},
		{410, false},
		{301, false},
		{307, false},
		{408, true},
		{425, true},
		{429, true},
		{500, true},
		{502, true},
		{503, true},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			elsewhere := newHookServer(t)
			hook := newHookServer(t)
			tries := 0
			hook.answering(func(w http.ResponseWriter, _ *http.Request) bool {
				if tries++; tries > 2 {
					return false
				}
				w.Header().Set("Location", elsewhere.url)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, "no_text")
				return true
			})
			a := start(t, "", notify.Config{Webhooks: []notify.Webhook{hook.config(t)}})
			a.Alerts([]notify.Alert{poor("shop")})
			want := notify.ReceiverStats{Receiver: "webhook", Failed: 1, GivenUp: 1}
			if tt.again {
				want = notify.ReceiverStats{Receiver: "webhook", Failed: 2, Sent: 1}
			}
			a.await(t, fmt.Sprintf("%+v", want), func() bool { return a.Stats().Receivers[0] == want })
			if text := fmt.Sprintf(`webhook answered %d, want 2xx: \"no_text\"`, tt.status); !strings.Contains(a.log.String(), text) {
				t.Errorf("log does not say %s:\n%s", text, a.log)
			}
			if n := len(elsewhere.received()); n > 0 {
				t.Errorf("%d messages went where a redirect led to, want none", n)
			}
		})
	}
}

func TestWebhook_AddressStaysOutOfTheLog(t *testing.T) {
	hook := newHookServer(t)
	hook.answering(func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "nothing at %s, key %q, token %s", r.URL, r.URL.Query().Get("key"), strings.TrimPrefix(r.URL.Path, "/services/T0000/B0000/"))
		return true
	})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := strings.Replace(hook.url, strings.Split(hook.url, "/")[2], "bob:hunter22@"+gone.Addr().String(), 1)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	a := start(t, "", notify.Config{Webhooks: []notify.Webhook{
		hook.config(t), {URL: secret(t, closed)}, {URL: secret(t, "http://no-such-host.invalid/services/x0x0x0x0token")},
	}})
	a.Alerts([]notify.Alert{poor("shop")})
	a.awaitLog(t, "webhook answered 500")
	a.awaitLog(t, "connection refused")
	a.awaitLog(t, "no-such-host.invalid")
	a.stop()
	for _, hidden := range []string{"x0x0x0x0token", "T0000/B0000", "hush", url.QueryEscape("hush hush"), "hunter22", "Post "} {
		if strings.Contains(a.log.String(), hidden) {
			t.Errorf("the log holds %q:\n%s", hidden, a.log)
		}
	}
}

func TestWebhook_AnswerWithoutEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	a := start(t, "", notify.Config{Webhooks: []notify.Webhook{{URL: secret(t, server.URL)}}})
	a.Alerts([]notify.Alert{poor("shop")})
	a.awaitLog(t, "webhook answered 403")
}

func TestWebhook_SecretThatIsGone(t *testing.T) {
	t.Setenv("TEST_HOOK", "https://example.com/hook")
	conf := newHookServer(t).config(t)
	conf.URL.File, conf.URL.Env = "", "TEST_HOOK"
	a := start(t, "", notify.Config{Webhooks: []notify.Webhook{conf}})
	t.Setenv("TEST_HOOK", "not an address")
	a.Alerts([]notify.Alert{poor("shop")})
	a.awaitLog(t, "reading the address of the webhook: the secret is not an address")
	if strings.Contains(a.log.String(), "not an address\"") {
		t.Error("the log holds the secret")
	}
}
