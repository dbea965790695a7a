package notify_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/notify"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestNew_Mistakes(t *testing.T) {
	good := func() notify.Email {
		return notify.Email{Smarthost: "mail.example.com:587", From: "watch@example.com", Owners: true}
	}
	noPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(o *notify.Options, e *notify.Email)
		want   []string // mistakes
	}{
		"none":            {func(*notify.Options, *notify.Email) {}, nil},
		"no file":         {func(o *notify.Options, _ *notify.Email) { o.File = "" }, []string{"file: empty, want the name of a file for what must survive a restart"}},
		"negative wait":   {func(o *notify.Options, _ *notify.Email) { o.GroupWait = -time.Second }, []string{"group_wait: got -1s, and 0s to hold, want none below 0"}},
		"negative hold":   {func(o *notify.Options, _ *notify.Email) { o.Hold = -time.Second }, []string{"group_wait: got 0s, and -1s to hold, want none below 0"}},
		"no port":         {func(_ *notify.Options, e *notify.Email) { e.Smarthost = "mail.example.com" }, []string{`email.smarthost: got "mail.example.com", want host:port`}},
		"no host":         {func(_ *notify.Options, e *notify.Email) { e.Smarthost = ":25" }, []string{`email.smarthost: got ":25", want host:port`}},
		"port 0":          {func(_ *notify.Options, e *notify.Email) { e.Smarthost = "mail:0" }, []string{`email.smarthost: got "mail:0", want host:port`}},
		"named port":      {func(_ *notify.Options, e *notify.Email) { e.Smarthost = "mail:smtp" }, []string{`email.smarthost: got "mail:smtp", want host:port`}},
		"sender":          {func(_ *notify.Options, e *notify.Email) { e.From = "watch" }, []string{`email.from: got "watch", want an address such as channelwatch@example.com`}},
		"injected sender": {func(_ *notify.Options, e *notify.Email) { e.From = "a@example.com\r\nBcc: b@example.com" }, []string{`email.from: got "a@example.com\r\nBcc: b@example.com", want an address such as channelwatch@example.com`}},
		"recipient":       {func(_ *notify.Options, e *notify.Email) { e.To = []string{"a@example.com", "b"} }, []string{`email.to[1]: got "b", want an address such as team@example.com`}},
		"nobody":          {func(_ *notify.Options, e *notify.Email) { e.Owners = false }, []string{"email.to: empty, and the owners are not written to: want addresses, or owners: true"}},
		"user alone":      {func(_ *notify.Options, e *notify.Email) { e.Username = "u" }, []string{"email.password: want both username and password, or neither"}},
		"password alone":  {func(_ *notify.Options, e *notify.Email) { e.Password.Env = "X" }, []string{"email.password: want both username and password, or neither"}},
		"password that is not there": {
			func(_ *notify.Options, e *notify.Email) { e.Username, e.Password.Env = "u", "TEST_NO_SUCH_VARIABLE" },
			[]string{"email.password: environment variable TEST_NO_SUCH_VARIABLE is not set"},
		},
		"password in the clear": {
			func(_ *notify.Options, e *notify.Email) {
				e.Username, e.Password, e.TLS = "u", secret(t, password), "none"
			},
			[]string{"email.tls: got none, want starttls or implicit: a password is not sent in the clear"},
		},
		"TLS":              {func(_ *notify.Options, e *notify.Email) { e.TLS = "opportunistic" }, []string{`email.tls: got "opportunistic", want starttls, implicit or none`}},
		"no such CA file":  {func(_ *notify.Options, e *notify.Email) { e.CAFile = "/no/such/file" }, []string{"email.ca_file: stat /no/such/file: no such file or directory"}},
		"CA file, not PEM": {func(_ *notify.Options, e *notify.Email) { e.CAFile = noPEM }, []string{"email.ca_file: " + noPEM + " holds no certificate in PEM"}},
		"no URL":           {func(o *notify.Options, _ *notify.Email) { o.Webhooks = []notify.Webhook{{}} }, []string{"webhooks[0].url: want {file: …} or {env: …}"}},
		"all at once": {
			func(o *notify.Options, e *notify.Email) {
				o.File, e.From = "", ""
				o.Webhooks = []notify.Webhook{{URL: secret(t, "https://example.com/x")}, {URL: secret(t, "ftp://example.com/secret")}}
			},
			[]string{
				"file: empty, want the name of a file for what must survive a restart",
				`email.from: got "", want an address such as channelwatch@example.com`,
				"webhooks[1].url: the secret is not an address that begins with https:// or http://",
			},
		},
		"what is no URL stays hidden": {
			func(o *notify.Options, _ *notify.Email) {
				o.Webhooks = []notify.Webhook{{URL: secret(t, "https://example.com/\x7fhush")}}
			},
			[]string{"webhooks[0].url: the secret is not an address that begins with https:// or http://"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			email := good()
			opts := notify.Options{File: filepath.Join(t.TempDir(), "notify.json"), Log: slog.New(slog.DiscardHandler)}
			tt.change(&opts, &email)
			opts.Email = &email
			_, err := notify.New(opts)
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
			if field := new(probe.FieldError); err != nil && !errors.As(err, &field) {
				t.Errorf("%v is no FieldError", err)
			}
		})
	}
}

func TestNew_WritesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "notify.json")
	if _, err := notify.New(notify.Options{File: file, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("the directory is there (%v), want nothing to be written before Run", err)
	}
}
