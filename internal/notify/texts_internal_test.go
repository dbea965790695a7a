package notify

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:                       "0 s",
		59*time.Second + 999e6:             "59 s",
		time.Minute:                        "1 min",
		59*time.Minute + 59*time.Second:    "59 min",
		time.Hour:                          "1 h 0 min",
		23*time.Hour + 59*time.Minute:      "23 h 59 min",
		24 * time.Hour:                     "1 d 0 h",
		50*24*time.Hour + 23*time.Hour + 1: "50 d 23 h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s): got %q, want %q", d, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "",
		" a \t b ":                             "a b",
		"a\r\nBcc: b":                          "a Bcc: b",
		"a\u0085b\u2028c\u2029d\ve\ff":         "a b c d e f",
		"a\x00b\x1bc\x7fd\u009be":              "abcde",
		"\u202eevil\u202c \u2066x\u2069":       "evil x",
		"Grüße 👩\u200d💻":                       "Grüße 👩\u200d💻",
		"a\xffb":                               "ab",
		strings.Repeat("x", 200):               strings.Repeat("x", 200),
		strings.Repeat("x", 199) + "ä or more": strings.Repeat("x", 199) + "…",
	} {
		if got := line(text, 200); got != want {
			t.Errorf("line(%q): got %q, want %q", text, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Sun, 22 Nov 2026 10:05:00 GMT": 5 * time.Minute,
		"Sun, 22 Nov 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("retryAfter(%q): got %s, want %s", value, got, want)
		}
	}
}

func TestHidden(t *testing.T) {
	u, err := url.Parse("https://bob:hunter22@hooks.example.com/hooks/T0000/averylongtoken?key=top+secret&n=1")
	if err != nil {
		t.Fatal(err)
	}
	const text = "averylongtoken, top secret, top+secret, hunter22, hooks, bob, /hooks/T0000/averylongtoken, https:\\/\\/bob:hunter22@hooks.example.com\\/hooks\\/T0000\\/averylongtoken?key=top+secret&n=1"
	const want = "[redacted], [redacted], [redacted], [redacted], hooks, bob, [redacted], [redacted]"
	if got := hidden(u).Text(text); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSenders_EndWithTheirContext has servers that accept a connection and say nothing.
func TestSenders_EndWithTheirContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	defer func() {
		_ = listener.Close()
		<-closed
	}()
	t.Setenv("TEST_HOOK", "http://"+listener.Addr().String())
	email := Email{Smarthost: listener.Addr().String(), From: "a@example.com", To: []string{"b@example.com"}}
	implicit := email
	implicit.TLS = TLSImplicit
	note := notice{ID: "1", Alerts: []told{{Name: "A"}}}
	f := form{zone: time.UTC}
	for name, s := range map[string]sender{
		"starttls": newEmail(email, "", f),
		"implicit": newEmail(implicit, "", f),
		"webhook":  newWebhook(Webhook{URL: probe.Secret{Env: "TEST_HOOK"}}, "", f),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan outcome, 1)
			go func() { done <- s.send(ctx, &note, false, nil) }()
			conn := <-accepted
			cancel()
			select {
			case o := <-done:
				if o.err == nil || o.reached || o.permanent || !strings.Contains(o.err.Error(), "context canceled") {
					t.Errorf("got %+v, want it to say that it was cancelled", o)
				}
			case <-time.After(10 * time.Second):
				t.Error("send goes on after its context has ended")
			}
			_, _ = io.Copy(io.Discard, conn) // ends when the sender has closed its side
			_ = conn.Close()
		})
	}
}

func TestEmail_ManyRecipients(t *testing.T) {
	for name, tt := range map[string]struct {
		address string
		want    int
	}{
		"short":                {"u%03d@example.com", mostRecipients},
		"as many as were kept": {strings.Repeat("x", 100) + "%03d@example.com", mostText / len(strings.Repeat("x", 100)+"000@example.com, ")},
	} {
		t.Run(name, func(t *testing.T) {
			var all []string
			for i := range 200 {
				all = append(all, fmt.Sprintf(tt.address, i))
			}
			owners := []*alert{{Annotations: sentences(map[string]string{"owner_it": strings.Join(all, ", ")})}}
			got := newEmail(Email{Owners: true}, "", form{}).recipients(&notice{OwnerIT: first(owners, "owner_it")})
			if len(got) != tt.want || got[len(got)-1].Address != all[tt.want-1] {
				t.Errorf("%d recipients, the last is %s; want %d up to %s", len(got), got[len(got)-1].Address, tt.want, all[tt.want-1])
			}
		})
	}
}
