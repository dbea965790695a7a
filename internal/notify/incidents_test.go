package notify_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	netmail "net/mail"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/notify"
)

// rules says again and again which alerts fire, to whatever notifier runs.
type rules struct {
	mu     sync.Mutex
	firing map[string]notify.Alert
	to     *agent
}

// say says what fires and what has ended, one after the other. No notifier is stopped in between: what it took for ended
// would be another incident.
func (r *rules) say(alerts ...notify.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range alerts {
		key := a.Labels["channel"] + a.Labels["alertname"]
		if r.firing[key] = a; !a.Ended.IsZero() {
			delete(r.firing, key)
		}
		r.to.Alerts([]notify.Alert{a})
	}
}

func (r *rules) fire(a notify.Alert) { r.say(a) }

func (r *rules) end(a notify.Alert) { r.say(ended(a)) }

func ended(a notify.Alert) notify.Alert {
	a.Ended = time.Now()
	return a
}

func (r *rules) evaluate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to.Alerts(slices.Collect(maps.Values(r.firing)))
}

// restart replaces the notifier, as a restart of the agent does.
func (r *rules) restart(start func() *agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to.stop()
	r.to = start()
}

// told counts messages by channel and status on both receivers.
type told struct {
	mails *mailServer
	hook  *hookServer
	t     *testing.T
}

// at returns how many messages with a status came about a channel, by mail and by webhook.
func (s told) at(channel, status string) [2]int {
	var n [2]int
	for _, m := range s.mails.received() {
		msg, err := netmail.ReadMessage(bytes.NewReader(m.data))
		if err != nil {
			s.t.Error(err)
			continue
		}
		subject := fmt.Sprintf("Channel %s is", channel)
		if status == "ended" {
			subject = fmt.Sprintf(": Channel %s is", channel)
		}
		if got := msg.Header.Get("Subject"); bytes.Contains([]byte(got), []byte(subject)) && (status == "ended") == bytes.HasPrefix([]byte(got), []byte("Ended")) {
			n[0]++
		}
	}
	for _, p := range s.hook.decoded(s.t) {
		if p.Incident.Channel == channel && p.Incident.Status == status {
			n[1]++
		}
	}
	return n
}

func (s told) await(channel, status string, n int) {
	deadline := time.After(60 * time.Second)
	for s.at(channel, status) != [2]int{n, n} {
		select {
		case <-deadline:
			s.t.Errorf("%s: %v messages %s by mail and webhook, want %d", channel, s.at(channel, status), status, n)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestIncidents plays 20 incidents over real servers, while receivers fail and the notifier is started anew.
func TestIncidents(t *testing.T) {
	mails, hook := newMailServer(t, "starttls"), newHookServer(t)
	conf := withLogin(t, mails.config())
	hooks := []notify.Webhook{hook.config(t)}
	file := filepath.Join(t.TempDir(), "notify.json")
	begin := func() *agent {
		return start(t, file, notify.Config{GroupWait: 300 * time.Millisecond, Email: &conf, Webhooks: hooks})
	}
	r := &rules{firing: make(map[string]notify.Alert), to: begin()}
	seen := told{mails, hook, t}
	lesser := func(channel string) notify.Alert {
		a := poor(channel)
		a.Labels["alertname"], a.Labels["severity"] = "ChannelDegraded", "warning"
		return a
	}
	// Each way of an incident leaves one channel quiet.
	ways := []func(channel string, opened func()){
		func(channel string, opened func()) { // plain
			r.fire(poor(channel))
			opened()
			r.end(poor(channel))
		},
		func(channel string, opened func()) { // alerts that overlap
			r.fire(lesser(channel))
			r.fire(poor(channel))
			opened()
			r.end(lesser(channel))
			r.end(poor(channel))
		},
		func(channel string, opened func()) { // gets worse, then better
			r.fire(lesser(channel))
			opened()
			r.fire(poor(channel))
			r.end(poor(channel))
			r.end(lesser(channel))
		},
		func(channel string, opened func()) { // relapses
			r.fire(poor(channel))
			opened()
			for range 3 {
				r.say(ended(poor(channel)), poor(channel))
			}
			r.end(poor(channel))
		},
	}
	const channels = 5
	var playing, around sync.WaitGroup
	for c := range channels {
		playing.Go(func() {
			channel := fmt.Sprintf("c%d", c)
			for i, way := range ways {
				way(channel, func() { seen.await(channel, "opened", i+1) })
				seen.await(channel, "ended", i+1)
			}
		})
	}
	over := make(chan struct{})
	around.Go(func() { disturb(r, begin, mails, hook, over) })
	playing.Wait()
	close(over)
	around.Wait()
	r.to.await(t, "quiet", func() bool {
		s := r.to.Stats()
		return s.Open == 0 && s.Receivers[0].Pending == 0 && s.Receivers[1].Pending == 0
	})
	r.to.stop()
	checkIncidents(t, seen, channels, len(ways))
}

// disturb evaluates rules, flaps a channel of its own, makes receivers fail for a while and starts the notifier anew, until over.
func disturb(r *rules, begin func() *agent, mails *mailServer, hook *hookServer, over <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for round := 0; ; round++ {
		select {
		case <-over:
			mails.refusing(nil)
			hook.answering(nil)
			return
		case <-tick.C:
		}
		r.evaluate()
		switch round % 100 {
		case 10:
			mails.refusing(func(string, string) error { return &smtp.SMTPError{Code: 451, Message: "later"} })
		case 30:
			hook.answering(func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			})
		case 50:
			mails.refusing(nil)
			lost := poor("lost-probe")
			r.say(lost, ended(lost))
		case 60:
			hook.answering(nil)
		case 80:
			r.restart(begin)
		}
	}
}

func checkIncidents(t *testing.T, seen told, channels, ways int) {
	t.Helper()
	recipients := make(map[string][]string)
	ids := make(map[string]bool)
	for _, m := range seen.mails.received() {
		msg, err := netmail.ReadMessage(bytes.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		if id := msg.Header.Get("Message-ID"); ids[id] {
			t.Errorf("mail %s came twice", id)
		} else {
			ids[id] = true
		}
		recipients[msg.Header.Get("To")] = m.to
	}
	posts := make(map[string]int)
	for _, p := range seen.hook.decoded(t) {
		posts[p.Incident.ID+p.Incident.Status]++
		if p.Incident.Late {
			t.Errorf("%s: the end came without the beginning", p.Incident.Channel)
		}
	}
	for id, n := range posts {
		if n != 1 {
			t.Errorf("webhook was told %s %d times, want once", id, n)
		}
	}
	if want := 2 * channels * ways; len(ids) != want || len(posts) != want {
		t.Errorf("%d mails and %d messages to the webhook, want %d of both", len(ids), len(posts), want)
	}
	want := make(map[string][]string)
	for c := range channels {
		want[fmt.Sprintf("<it-c%d@example.com>, <brand-c%d@example.com>", c, c)] = []string{
			fmt.Sprintf("it-c%d@example.com", c), fmt.Sprintf("brand-c%d@example.com", c),
		}
	}
	if diff := cmp.Diff(want, recipients); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
}
