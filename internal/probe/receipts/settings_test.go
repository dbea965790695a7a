package receipts_test

import (
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
)

// mistakes returns the fields and texts of a joined error.
func mistakes(t *testing.T, err error) map[string]string {
	t.Helper()
	found := make(map[string]string)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("got %v, want joined errors", err)
	}
	for _, one := range joined.Unwrap() {
		if nested, ok := one.(interface{ Unwrap() []error }); ok {
			maps.Copy(found, mistakes(t, errors.Join(nested.Unwrap()...)))
			continue
		}
		wrong, ok := errors.AsType[*probe.FieldError](one)
		if !ok {
			t.Fatalf("got %v, want a field's error", one)
		}
		found[wrong.Field] = wrong.Err.Error()
	}
	return found
}

func TestBuild_RefusesMistakes(t *testing.T) {
	t.Parallel()
	beating := func(change func(*receipts.Config)) func(*receipts.Config) {
		return func(c *receipts.Config) { heart(c); change(c) }
	}
	cases := []struct {
		name   string
		change func(*receipts.Config)
		want   map[string]string // a part of each text by field
	}{
		{"another mode", func(c *receipts.Config) { c.Mode = "sms" }, map[string]string{"mode": `"sms", want receipts or heartbeat`}},
		{"a deadline beyond the window", func(c *receipts.Config) { c.Deadline, c.Window = time.Minute, time.Second }, map[string]string{"deadline": "1m0s is not between 0 and the window of 1s"}},
		{"a negative deadline", func(c *receipts.Config) { c.Deadline = -1 }, map[string]string{"deadline": "-1ns"}},
		{"a window too short", func(c *receipts.Config) { c.Window = time.Second - 1 }, map[string]string{"window": "at least 1s"}},
		{"a share of less than half", func(c *receipts.Config) { c.Share = 0.4 }, map[string]string{"share": "0.4, want 0.5 to 1"}},
		{"a share of more than all", func(c *receipts.Config) { c.Share = 95 }, map[string]string{"share": "95"}},
		{"a share that is no number", func(c *receipts.Config) { c.Share = math.NaN() }, map[string]string{"share": "NaN"}},
		{"less than none", func(c *receipts.Config) { c.Least = -1 }, map[string]string{"least": "-1"}},
		{"a heartbeat among messages", func(c *receipts.Config) { c.Expect = time.Minute }, map[string]string{"expect": "is of the mode heartbeat"}},
		{"no time for heartbeats", beating(func(c *receipts.Config) { c.Expect = 0 }), map[string]string{"expect": "missing"}},
		{"heartbeats too often", beating(func(c *receipts.Config) { c.Expect = time.Millisecond }), map[string]string{"expect": "at least 1s"}},
		{
			"messages among heartbeats",
			beating(func(c *receipts.Config) { c.Deadline, c.Window, c.Share, c.Least = 1, 1, 1, 1 }),
			map[string]string{"deadline": "of the mode receipts", "window": "of the mode receipts", "share": "of the mode receipts", "least": "of the mode receipts"},
		},
		{"no token", func(c *receipts.Config) { c.Token = probe.Secret{} }, map[string]string{"token": "missing"}},
		{"a token that is not there", func(c *receipts.Config) { c.Token.File += "x" }, map[string]string{"token": "no such file"}},
		{"several at once", func(c *receipts.Config) { c.Share, c.Least, c.Token.File = 2, -1, "" }, map[string]string{"share": "2", "least": "-1", "token": "missing"}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kind := receipts.Kind(ledger.New())
			_, err := kind.Build(config(t, kind, test.change), setup())
			if err == nil {
				t.Fatal("no error")
			}
			found := mistakes(t, err)
			if len(found) != len(test.want) {
				t.Errorf("got %v, want mistakes in %v", found, test.want)
			}
			for field, part := range test.want {
				if !strings.Contains(found[field], part) {
					t.Errorf("%s: got %q, want %q in it", field, found[field], part)
				}
			}
		})
	}
}

func TestBuild_RefusesTokensThatGuessersOrHeadersBreak(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, token string
		mode        os.FileMode
		want        string
	}{
		{"15 characters", "abcdefghijklmno", 0o600, "15 characters, want at least 16"},
		{"a space", "correct horse battery staple", 0o600, "other characters"},
		{"a line within", "correct-horse\nbattery-staple", 0o600, "other characters"},
		{"letters of elsewhere", "schlüsselschlüssel", 0o600, "other characters"},
		{"a file for everybody", "abcdefghijklmnop", 0o604, "can be read by everybody"},
		{"16 characters", "abcdefghijklmno=", 0o600, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kind := receipts.Kind(ledger.New())
			c := config(t, kind, func(c *receipts.Config) {
				c.Token.File = filepath.Join(t.TempDir(), "token")
				if err := os.WriteFile(c.Token.File, []byte(test.token), test.mode); err != nil {
					t.Fatal(err)
				}
			})
			built, err := kind.Build(c, setup())
			if err == nil {
				built.Close()
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), test.token) {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

func TestBuild_WantsSomebodyWhoListens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, target string }{
		{"", ""},
		{"https://receipts.shop.example", "receipts.shop.example:443"},
		{"https://www.shop.example:8443/push", "www.shop.example:8443"},
		{"http://127.0.0.1", "127.0.0.1:80"},
		{"http://[::1]:9120", "[::1]:9120"},
	} {
		kind := receipts.Kind(ledger.New())
		s := setup()
		s.Receipts = test.url
		built, err := kind.Build(config(t, kind, nil), s)
		if test.target == "" {
			if err == nil || mistakes(t, err)["mode"] == "" {
				t.Errorf("got %v without an address for receipts, want it asked for", err)
			}
			continue
		}
		if err != nil || built.Profile.Target != test.target || built.Profile.URL != test.url+"/v1/sent" || !built.Profile.Receipts {
			t.Errorf("got %+v, %v, want the target %q", built.Profile, err, test.target)
		}
	}
}

func TestBuild_DeadlineIsWithinTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(c *receipts.Config) { c.Window = 10 * time.Second })
		d.sent(1)
		<-time.After(10 * time.Second)
		d.arrived(1)
		if result := d.probe(); endsOf(&result) != (ends{delivered: 1}) {
			t.Errorf("got %+v, want a message on time until its window is over", endsOf(&result))
		}
	})
}

func TestBuild_SaysWhatAModeMeasures(t *testing.T) {
	t.Parallel()
	messages, beats := newDesk(t, nil).Profile, newDesk(t, heart).Profile
	if diff := cmp.Diff([]probe.Phase{probe.Deliver}, messages.Phases); diff != "" {
		t.Error(diff)
	}
	want := []string{"push_messages_total", "push_delivery_duration_seconds", "push_last_delivered_timestamp_seconds", "push_duplicates_total", "push_outstanding_messages"}
	if diff := cmp.Diff(want, messages.Metrics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"push_last_delivered_timestamp_seconds"}, beats.Metrics); diff != "" {
		t.Error(diff)
	}
	if want := (probe.Limits{Excellent: expect, Good: 450 * time.Second, Fair: 2 * expect}); beats.Limits != want {
		t.Errorf("got the limits %+v for heartbeats, want %+v", beats.Limits, want)
	}
	if beats.URL != "https://receipts.shop.example/v1/heartbeat" || len(beats.Phases) > 0 {
		t.Errorf("got %+v for heartbeats", beats)
	}
}
