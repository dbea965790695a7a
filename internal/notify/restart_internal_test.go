package notify

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNotifier_Restart(t *testing.T) {
	tests := map[string]struct {
		script func(s *stage)
		want   []string
	}{
		"in the middle of an incident": {
			func(s *stage) {
				s.fire(poor)
				s.pass(5 * time.Minute)
				s.restart()
				s.pass(5 * time.Minute)
				s.end(poor)
				s.pass(5 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "11m0s mail ended shop: ChannelPoor"},
		},
		"again and again": {
			func(s *stage) {
				s.fire(poor)
				for range 100 {
					s.pass(time.Minute)
					s.restart()
				}
				s.end(poor)
				s.restart()
				s.pass(5 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "1h41m0s mail ended shop: ChannelPoor"},
		},
		"while alerts are gathered": {
			func(s *stage) {
				s.fire(poor)
				s.pass(20 * time.Second)
				s.restart()
				s.pass(5 * time.Minute)
			},
			[]string{"1m5s mail opened shop: ChannelPoor"}, // gathered anew from the next evaluation on
		},
		"between the last alert and the end": {
			func(s *stage) {
				s.fire(poor)
				s.pass(5 * time.Minute)
				s.end(poor)
				s.pass(30 * time.Second)
				s.restart()
				s.pass(5 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor", "6m0s mail ended shop: ChannelPoor"},
		},
		"and the rules take their time": {
			func(s *stage) {
				s.fire(poor)
				s.pass(time.Minute)
				s.mute = true
				s.restart()
				s.pass(4 * time.Minute)
				s.mute = false
				s.pass(4 * time.Minute)
			},
			[]string{"30s mail opened shop: ChannelPoor"},
		},
		"after which the alert is not reported": {
			func(s *stage) {
				s.fire(poor)
				s.pass(time.Hour)
				delete(s.firing, poor)
				s.restart()
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "1h6m0s mail unreported shop: ChannelPoor"},
		},
		"with messages that wait": {
			func(s *stage) {
				s.receiver("mail").failing(1, outcome{after: 10 * time.Minute, left: []string{"b@example.com"}})
				s.fire(poor)
				s.pass(time.Minute)
				s.restart()
				s.pass(time.Hour)
			},
			[]string{"10m30s mail opened shop: ChannelPoor to b@example.com"},
		},
		"knows who was told": {
			func(s *stage) {
				s.receiver("mail")
				s.receiver("chat").failing(1000, outcome{})
				s.restart()
				s.fire(poor)
				s.pass(5 * time.Minute)
				s.restart()
				s.end(poor)
				s.pass(50 * time.Second)
				s.receiver("chat").plan()
				s.pass(time.Hour)
			},
			[]string{"30s mail opened shop: ChannelPoor", "6m0s chat late shop: ChannelPoor", "6m0s mail ended shop: ChannelPoor"},
		},
		"with a receiver less and one more": {
			func(s *stage) {
				s.receiver("mail").failing(1000, outcome{})
				s.fire(poor)
				s.pass(5 * time.Minute)
				s.stop()
				delete(s.sender, "mail")
				s.receiver("chat")
				s.run()
				s.end(poor)
				s.pass(5 * time.Minute)
				if s.logged("messages of a receiver that is gone are dropped") != 1 {
					s.t.Errorf("log says nothing of the receiver that is gone:\n%s", s.log)
				}
			},
			[]string{"6m0s chat late shop: ChannelPoor"},
		},
		"waits for a message in the air": {
			func(s *stage) {
				s.receiver("mail").taking(4 * time.Second)
				s.fire(poor)
				s.pass(31 * time.Second)
				s.restart()
				s.pass(time.Hour)
			},
			[]string{"34s mail opened shop: ChannelPoor"},
		},
		"breaks off a message that takes long": {
			func(s *stage) {
				s.receiver("mail").taking(40 * time.Second)
				s.fire(poor)
				s.pass(31 * time.Second)
				s.stop()
				if at := time.Since(s.start); at != 36*time.Second {
					s.t.Errorf("stopped after %s, want 5 s after it was asked for", at)
				}
				s.receiver("mail").taking(0)
				s.run()
				s.pass(time.Hour)
			},
			[]string{"41s mail opened shop: ChannelPoor"},
		},
		"what is said while it stops is not lost": {
			func(s *stage) {
				s.fire(poor)
				s.pass(time.Minute)
				s.receiver("mail").taking(4 * time.Second)
				s.fire("critical ChannelPoor channel=app")
				s.pass(30 * time.Second)
				go func() {
					<-time.After(time.Second)
					s.n.Alerts([]Alert{{Labels: s.alert(poor).Labels, Started: s.start, Ended: time.Now()}})
				}()
				s.stop()
				s.receiver("mail").taking(0)
				delete(s.firing, poor)
				s.run()
				s.pass(5 * time.Minute)
			},
			[]string{
				"30s mail opened shop: ChannelPoor", "1m34s mail opened app: ChannelPoor", "2m34s mail ended shop: ChannelPoor",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.script, tt.want...) })
	}
}

func TestNotifier_DamagedFile(t *testing.T) {
	const incident = `{"id":"1","group":{"channel":"shop"},"opened":"2026-11-22T10:00:00Z","called":"","alerts":{}}`
	tests := map[string]struct{ content, want string }{
		"empty":                        {"", "unexpected end of JSON input"},
		"cut off":                      {`{"version":1,"incidents":[`, "unexpected end of JSON input"},
		"another version":              {`{"version":7}`, "has version 7, want 1"},
		"an incident without an alert": {`{"version":1,"incidents":[` + incident + `]}`, "holds an incident without identifier, time or alerts"},
		"no incident":                  {`{"version":1,"incidents":[null]}`, "holds an incident without identifier, time or alerts"},
		"a message without an alert":   {`{"version":1,"queues":{"mail":{"tasks":[{"notice":{"id":"1"}}]}}}`, "holds a message for mail without incident or alerts"},
		"no message":                   {`{"version":1,"queues":{"mail":{"tasks":[null]}}}`, "holds a message for mail without incident or alerts"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.stop()
				if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(s.file, []byte(tt.content), 0o600); err != nil {
					t.Fatal(err)
				}
				s.run()
				if s.logged("incidents of before are not known") != 1 || s.logged(tt.want) != 1 {
					t.Errorf("log does not say %q:\n%s", tt.want, s.log)
				}
				if kept, err := os.ReadFile(s.file + damaged); err != nil || string(kept) != tt.content {
					t.Errorf("kept %q (%v), want the damaged file", kept, err)
				}
				s.fire(poor)
				s.pass(time.Minute)
				s.restart()
				s.pass(time.Minute)
			}, "30s mail opened shop: ChannelPoor")
		})
	}
}

func TestNotifier_FileThatCannotBeWritten(t *testing.T) {
	play(t, func(s *stage) {
		s.stop()
		dir := filepath.Dir(s.file)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the directory is wanted
			t.Fatal(err)
		}
		s.run()
		s.fire(poor)
		s.pass(10 * time.Minute)
		if got := s.logged("incidents cannot be written down"); got != 1 {
			t.Errorf("log says %d times that the file cannot be written, want once:\n%s", got, s.log)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Minute)
		if s.logged("incidents are written down again") != 1 {
			t.Errorf("log does not say that the file is written again:\n%s", s.log)
		}
		s.restart()
		s.end(poor)
		s.pass(time.Hour)
	}, "30s mail opened shop: ChannelPoor", "12m0s mail ended shop: ChannelPoor")
}

func TestNotifier_FileIsWrittenWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		defer s.stop()
		s.fire(poor)
		s.pass(time.Minute)
		before, err := os.Stat(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if mode := before.Mode().Perm(); mode != 0o600 {
			t.Errorf("the file has mode %o, want 600: it names who answers for what", mode)
		}
		s.pass(time.Hour)
		after, err := os.Stat(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(before, after) {
			t.Error("the file was written anew though nothing but time passed")
		}
		left, err := filepath.Glob(filepath.Join(filepath.Dir(s.file), "*"))
		if err != nil || len(left) != 1 {
			t.Errorf("the directory holds %v (%v), want nothing but the file", left, err)
		}
	})
}

func TestNotifier_WritesDownWhatItHeardLast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notify.json")
	n := newNotifier(Options{File: file, Log: slog.New(slog.DiscardHandler)}, nil)
	alert := Alert{Labels: map[string]string{channelLabel: "shop"}, Started: time.Now()}
	n.Alerts([]Alert{alert})
	n.step(t.Context(), time.Now())
	alert.Ended = time.Now()
	n.Alerts([]Alert{alert})
	n.land(func() {})
	s, err := readState(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Incidents[0].Alerts[fingerprint(alert.Labels)]; !got.Ended.Equal(alert.Ended) {
		t.Errorf("the alert is written down with its end at %s, want %s", got.Ended, alert.Ended)
	}
}

func TestWriteState_LeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "notify.json")
	if err := os.MkdirAll(filepath.Join(name, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeState(name, new(state)); err == nil {
		t.Fatal("a directory was replaced")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d entries are left (%v), want only what was there", len(left), err)
	}
}

func TestReadState_Cap(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify.json")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(mostState + 1); err != nil { // sparse: it takes no room
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readState(name); err == nil || !strings.Contains(err.Error(), "want at most") {
		t.Errorf("got %v, want it to be refused for its size", err)
	}
}

func TestNotifier_AlertsWithoutRun(t *testing.T) {
	n := newNotifier(Options{File: filepath.Join(t.TempDir(), "f"), Log: slog.New(slog.DiscardHandler)}, nil)
	for range 3 { // nobody reads, and nobody is held up
		n.Alerts([]Alert{{Labels: map[string]string{channelLabel: "shop"}, Started: time.Now()}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	n.Alerts([]Alert{{}})
}

func TestInbox_IsBounded(t *testing.T) {
	b := newInbox()
	alerts := make([]Alert, mostAlerts+5)
	for i := range alerts {
		alerts[i].Labels = map[string]string{"i": strconv.Itoa(i)}
	}
	b.put(alerts, time.Now())
	known := Alert{Labels: alerts[0].Labels, Ended: time.Now()}
	b.put([]Alert{known}, time.Now()) // there is room for what is there already
	taken := b.take()
	if len(taken) != mostAlerts || taken[fingerprint(known.Labels)].Ended.IsZero() {
		t.Errorf("%d alerts wait, want %d, and the last that was said of each", len(taken), mostAlerts)
	}
}
