package notify_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	netmail "net/mail"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/notify"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// agent is a notifier that runs, with short times.
type agent struct {
	*notify.Notifier
	log  *syncBuffer
	stop func()
}

// start runs a notifier until stop is called or the test ends.
func start(t *testing.T, file string, conf notify.Config) *agent {
	t.Helper()
	a := &agent{log: new(syncBuffer)}
	if file == "" {
		file = filepath.Join(t.TempDir(), "notify.json")
	}
	conf.Hold = max(conf.GroupWait, 20*time.Millisecond)
	n, err := notify.New(notify.Options{
		Config: conf, File: file, ExternalURL: "https://watch.example.com/", Location: "berlin-1", Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.RetryAfter(10 * time.Millisecond)
	a.Notifier = n
	ctx, cancel := newContext(t)
	var done sync.WaitGroup
	done.Go(func() {
		if err := n.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	a.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	t.Cleanup(a.stop)
	return a
}

// await polls until a condition holds.
func (a *agent) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within a minute\n%s", what, a.log)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// awaitLog waits for a text in the log.
func (a *agent) awaitLog(t *testing.T, text string) {
	t.Helper()
	a.await(t, fmt.Sprintf("log with %q", text), func() bool { return strings.Contains(a.log.String(), text) })
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// poor is an alert of a channel with two owners.
func poor(channel string) notify.Alert {
	return notify.Alert{
		Labels: map[string]string{"alertname": "ChannelPoor", "severity": "critical", "channel": channel, "title": "Channel " + channel},
		Annotations: map[string]string{
			"summary": "Channel " + channel + " is poor", "owner_it": "it-" + channel + "@example.com",
			"owner_marketing": "brand-" + channel + "@example.com",
		},
		Started: time.Now(),
	}
}

func (m *mailServer) config() notify.Email {
	return notify.Email{Smarthost: m.addr, From: "Channelwatch <watch@example.com>", Owners: true, CAFile: m.caFile}
}

func withLogin(t *testing.T, e notify.Email) notify.Email {
	t.Helper()
	e.Username, e.Password = user, secret(t, password)
	return e
}

func TestEmail_Security(t *testing.T) {
	for _, tt := range []struct {
		security, tls string
		login         bool
	}{
		{"starttls", "", true},
		{"starttls", notify.TLSStart, false},
		{"implicit", notify.TLSImplicit, true},
		{"none", notify.TLSNone, false},
	} {
		t.Run(fmt.Sprintf("%s, login %t", tt.security, tt.login), func(t *testing.T) {
			server := newMailServer(t, tt.security)
			conf := server.config()
			conf.TLS = tt.tls
			logins := 0
			if tt.login {
				conf, logins = withLogin(t, conf), 1
			}
			a := start(t, "", notify.Config{Email: &conf})
			a.Alerts([]notify.Alert{poor("shop")})
			a.await(t, "a mail", func() bool { return len(server.received()) == 1 })
			got := server.received()[0]
			if got.from != "watch@example.com" || got.tls != (tt.security != "none") || server.logins != logins {
				t.Errorf("from %s, over TLS %t, %d logins; want from watch@example.com, %t, %d", got.from, got.tls, server.logins, tt.security != "none", logins)
			}
			if want := []string{"it-shop@example.com", "brand-shop@example.com"}; !slices.Equal(got.to, want) {
				t.Errorf("to %v, want %v", got.to, want)
			}
		})
	}
}

func TestEmail_NeverInTheClear(t *testing.T) {
	_, strangersCA := newCertificate(t)
	for name, tt := range map[string]struct {
		security string
		change   func(e *notify.Email)
		want     string
	}{
		"server without STARTTLS":     {"none", func(*notify.Email) {}, "target host does not support STARTTLS"},
		"server without TLS":          {"none", func(e *notify.Email) { e.TLS = notify.TLSImplicit }, "first record does not look like a TLS handshake"},
		"certificate of a stranger":   {"starttls", func(e *notify.Email) { e.CAFile = strangersCA }, "certificate signed by unknown authority"},
		"implicit, of a stranger":     {"implicit", func(e *notify.Email) { e.CAFile, e.TLS = strangersCA, notify.TLSImplicit }, "certificate signed by unknown authority"},
		"authorities of the system":   {"starttls", func(e *notify.Email) { e.CAFile = "" }, "certificate signed by unknown authority"},
		"certificate of another host": {"starttls", func(e *notify.Email) { e.Smarthost = strings.Replace(e.Smarthost, "127.0.0.1", "localhost", 1) }, "certificate is not valid for any names"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newMailServer(t, tt.security)
			conf := withLogin(t, server.config())
			tt.change(&conf)
			a := start(t, "", notify.Config{Email: &conf})
			a.Alerts([]notify.Alert{poor("shop")})
			a.awaitLog(t, tt.want)
			a.stop()
			if len(server.received()) > 0 || server.logins > 0 {
				t.Errorf("%d mails were sent, %d logins; want none", len(server.received()), server.logins)
			}
			if got := a.Stats().Receivers[0]; got.Failed == 0 || got.Pending != 1 || got.GivenUp != 0 {
				t.Errorf("Stats: %+v, want the message to wait for another try", got)
			}
		})
	}
}

func TestEmail_Recipients(t *testing.T) {
	for name, tt := range map[string]struct {
		it, marketing string
		to            []string
		owners        bool
		want          []string
	}{
		"owners": {"a@example.com", "b@example.com", nil, true, []string{"a@example.com", "b@example.com"}},
		"owners and more": {"a@example.com", "b@example.com", []string{"c@example.com"}, true, []string{
			"c@example.com", "a@example.com", "b@example.com",
		}},
		"without owners":     {"a@example.com", "b@example.com", []string{"c@example.com"}, false, []string{"c@example.com"}},
		"each once":          {"A@example.com", "a@example.com", []string{"a@EXAMPLE.com"}, true, []string{"a@EXAMPLE.com"}},
		"with names":         {`"Doe, Jane" <jane@example.com>`, "Brand <b@example.com>", nil, true, []string{"jane@example.com", "b@example.com"}},
		"lists":              {"a@example.com, b@example.com", "c@example.com; d@example.com", nil, true, []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}},
		"what is no address": {"Team Blue", "b@example.com, the boss", nil, true, []string{"b@example.com"}},
		"commands in an address": {
			`"x> SIZE=1 <y"@example.com`, "b@example.com\r\nRCPT TO:<evil@example.com>",
			[]string{"c@example.com"},
			true,
			[]string{"c@example.com", "x> SIZE=1 <y@example.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newMailServer(t, "starttls")
			conf := server.config()
			conf.To, conf.Owners = tt.to, tt.owners
			a := start(t, "", notify.Config{Email: &conf})
			alert := poor("shop")
			alert.Annotations["owner_it"], alert.Annotations["owner_marketing"] = tt.it, tt.marketing
			a.Alerts([]notify.Alert{alert})
			a.await(t, "a mail", func() bool { return len(server.received()) == 1 })
			if diff := cmp.Diff(tt.want, server.received()[0].to); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmail_NobodyToWriteTo(t *testing.T) {
	server := newMailServer(t, "starttls")
	conf := server.config()
	a := start(t, "", notify.Config{Email: &conf})
	alert := poor("shop")
	alert.Annotations["owner_it"], alert.Annotations["owner_marketing"] = "Team Blue", ""
	a.Alerts([]notify.Alert{alert})
	a.awaitLog(t, "nobody to tell of an incident")
	if got := a.Stats().Receivers[0].Pending; got != 0 {
		t.Errorf("%d messages wait, want none", got)
	}
}

func TestEmail_Refusals(t *testing.T) {
	refusal := func(code int) error { return &smtp.SMTPError{Code: code, Message: "no"} }
	both := []string{"it-shop@example.com", "brand-shop@example.com"}
	for name, tt := range map[string]struct {
		refuse func(try int, stage, argument string) error
		want   [][]string // recipients of the mails
		log    string
		giveUp bool
	}{
		"one recipient for good": {
			func(_ int, stage, argument string) error {
				if stage == "rcpt" && argument == both[0] {
					return refusal(550)
				}
				return nil
			},
			[][]string{{both[1]}},
			"message delivered, but not to everybody", false,
		},
		"one recipient for a while": {
			func(try int, stage, argument string) error {
				if stage == "rcpt" && argument == both[0] && try < 3 {
					return refusal(451)
				}
				return nil
			},
			[][]string{{both[1]}, {both[0]}},
			"message delivered", false,
		},
		"one for good, one for a while": {
			func(try int, stage, argument string) error {
				switch {
				case stage == "rcpt" && argument == both[0]:
					return refusal(550)
				case stage == "rcpt" && try == 1:
					return refusal(450)
				}
				return nil
			},
			[][]string{{both[1]}},
			"message delivered", false,
		},
		"all recipients": {
			func(_ int, stage, _ string) error {
				if stage == "rcpt" {
					return refusal(550)
				}
				return nil
			},
			nil, "message given up", true,
		},
		"the sender": {
			func(_ int, stage, _ string) error {
				if stage == "mail" {
					return refusal(553)
				}
				return nil
			},
			nil, "message given up", true,
		},
		"the message": {
			func(_ int, stage, _ string) error {
				if stage == "data" {
					return refusal(554)
				}
				return nil
			},
			nil, "message given up", true,
		},
		"the message for a while": {
			func(try int, stage, _ string) error {
				if stage == "data" && try < 3 {
					return refusal(452)
				}
				return nil
			},
			[][]string{both},
			"message delivered", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newMailServer(t, "starttls")
			try := 0
			server.refusing(func(stage, argument string) error {
				if stage == "mail" {
					try++
				}
				return tt.refuse(try, stage, argument)
			})
			conf := server.config()
			a := start(t, "", notify.Config{Email: &conf})
			a.Alerts([]notify.Alert{poor("shop")})
			a.awaitLog(t, tt.log)
			a.await(t, "an empty queue", func() bool { return a.Stats().Receivers[0].Pending == 0 })
			var got [][]string
			for _, m := range server.received() {
				got = append(got, m.to)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mails (-want +got):\n%s\n%s", diff, a.log)
			}
			if stats := a.Stats().Receivers[0]; (stats.GivenUp == 1) != tt.giveUp || (stats.Sent == 1) == tt.giveUp {
				t.Errorf("Stats: %+v, want one message given up: %t", stats, tt.giveUp)
			}
		})
	}
}

func TestEmail_PasswordStaysOutOfTheLog(t *testing.T) {
	server := newMailServer(t, "starttls")
	encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	server.refusing(func(stage, argument string) error {
		if stage != "auth" {
			return nil
		}
		return &smtp.SMTPError{Code: 535, Message: fmt.Sprintf("bad password %q = %s, you sent %s", argument, argument, encoded)}
	})
	conf := withLogin(t, server.config())
	a := start(t, "", notify.Config{Email: &conf})
	a.Alerts([]notify.Alert{poor("shop")})
	a.awaitLog(t, "535")
	a.stop()
	for _, hidden := range []string{password, strings.ReplaceAll(password, `"`, `\"`), encoded, "sup3r", "pass/word"} {
		if strings.Contains(a.log.String(), hidden) {
			t.Errorf("the log holds %q:\n%s", hidden, a.log)
		}
	}
	if !strings.Contains(a.log.String(), "bad password") {
		t.Errorf("the log does not say why:\n%s", a.log)
	}
}

func TestEmail_EndAnswersTheBeginning(t *testing.T) {
	server := newMailServer(t, "starttls")
	conf := server.config()
	a := start(t, "", notify.Config{Email: &conf})
	alert := poor("shop")
	a.Alerts([]notify.Alert{alert})
	a.await(t, "a mail", func() bool { return len(server.received()) == 1 })
	alert.Ended = alert.Started // however long the mail took
	a.Alerts([]notify.Alert{alert})
	a.await(t, "another mail", func() bool { return len(server.received()) == 2 })
	var header []netmail.Header
	for _, m := range server.received() {
		msg, err := netmail.ReadMessage(bytes.NewReader(m.data))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, msg.Body); err != nil {
			t.Fatal(err)
		}
		header = append(header, msg.Header)
	}
	opened, ended := header[0].Get("Message-ID"), header[1].Get("Message-ID")
	if opened == "" || opened == ended || header[1].Get("In-Reply-To") != opened || header[1].Get("References") != opened {
		t.Errorf("the end %s answers %s (references %s), want %s", ended, header[1].Get("In-Reply-To"), header[1].Get("References"), opened)
	}
	for i, subject := range []string{"Channel shop is poor", "Ended after 0 s: Channel shop is poor"} {
		if got := header[i].Get("Subject"); got != subject {
			t.Errorf("subject %d: got %q, want %q", i, got, subject)
		}
		if got := header[i].Get("Auto-Submitted"); got != "auto-generated" {
			t.Errorf("Auto-Submitted: got %q, want auto-generated", got)
		}
	}
}

func TestEmail_PasswordIsReadAtEveryTry(t *testing.T) {
	t.Setenv("TEST_MAIL_PASSWORD", "old password")
	server := newMailServer(t, "starttls")
	conf := server.config()
	conf.Username, conf.Password = user, probe.Secret{Env: "TEST_MAIL_PASSWORD"}
	a := start(t, "", notify.Config{Email: &conf})
	a.Alerts([]notify.Alert{poor("shop")})
	a.awaitLog(t, "535")
	t.Setenv("TEST_MAIL_PASSWORD", password)
	a.await(t, "a mail", func() bool { return len(server.received()) == 1 })
}
