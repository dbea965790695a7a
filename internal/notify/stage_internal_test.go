package notify

import (
	"bytes"
	gocmp "cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stage plays the rules of an agent to a notifier, in a bubble where time passes at once.
type stage struct {
	t      *testing.T
	start  time.Time
	file   string
	wait   time.Duration
	mute   bool // the rules are not evaluated
	firing map[string]Alert
	heard  *transcript
	sender map[string]*fakeReceiver // by key
	n      *Notifier
	log    *bytes.Buffer
	stop   func()
}

// play runs a script and compares what receivers were told with the lines of want.
func play(t *testing.T, script func(s *stage), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run()
		script(s)
		s.stop()
		s.checkTold()
		if diff := cmp.Diff(want, s.heard.sorted()); diff != "" {
			t.Errorf("what was told (-want +got):\n%s\n%s", diff, s.log)
		}
	})
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, start: time.Now(), file: filepath.Join(t.TempDir(), "state", "notify.json"), wait: 30 * time.Second,
		firing: make(map[string]Alert), heard: new(transcript), log: new(bytes.Buffer), sender: make(map[string]*fakeReceiver),
	}
	s.receiver("mail")
	return s
}

// receiver adds a receiver, or returns the one that is there.
func (s *stage) receiver(key string) *fakeReceiver {
	if s.sender[key] == nil {
		s.sender[key] = &fakeReceiver{key: key, stage: s}
	}
	return s.sender[key]
}

// run starts a notifier, as an agent does after a restart.
func (s *stage) run() {
	var queues []*queue
	for _, key := range slices.Sorted(maps.Keys(s.sender)) {
		queues = append(queues, newQueue(key, emailReceiver, s.sender[key]))
	}
	opts := Options{
		Config: Config{GroupWait: s.wait}, File: s.file, Location: "berlin",
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s.n = newNotifier(opts, queues)
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error)
	go func() { ended <- s.n.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
}

func (s *stage) restart() {
	s.stop()
	s.run()
}

// make returns an alert from "severity name channel=shop touchpoint=home".
func (s *stage) alert(text string) Alert {
	words := strings.Fields(text)
	a := Alert{
		Labels:      map[string]string{severityLabel: words[0], nameLabel: words[1]},
		Annotations: map[string]string{"summary": words[1]},
		Started:     time.Now(),
	}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		a.Labels[name] = value
	}
	return a
}

// fire makes alerts fire from now on.
func (s *stage) fire(texts ...string) {
	for _, text := range texts {
		s.firing[text] = s.alert(text)
	}
	s.evaluate()
}

// end ends alerts.
func (s *stage) end(texts ...string) {
	var ended []Alert
	for _, text := range texts {
		a := s.firing[text]
		a.Ended = time.Now()
		ended = append(ended, a)
		delete(s.firing, text)
	}
	s.n.Alerts(ended)
	synctest.Wait()
}

func (s *stage) evaluate() {
	if !s.mute {
		s.n.Alerts(slices.Collect(maps.Values(s.firing)))
	}
	synctest.Wait()
}

// pass lets time pass, in which rules are evaluated every 15 seconds.
func (s *stage) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-time.After(min(15*time.Second, time.Until(end)))
		synctest.Wait()
		s.evaluate()
	}
}

// checkTold looks for incidents that are remembered though nothing more will be told of them.
func (s *stage) checkTold() {
	open := make(map[string]bool)
	for _, i := range s.n.tracker.incidents {
		open[i.ID] = true
	}
	for _, q := range s.n.queues {
		for _, t := range q.tasks {
			open[t.Notice.ID] = true
		}
		for id := range q.told {
			if !open[id] {
				s.t.Errorf("%s remembers that it was told of incident %s, which is over", q.key, id)
			}
		}
	}
}

// logged counts the lines of the log with a text.
func (s *stage) logged(text string) int { return strings.Count(s.log.String(), text) }

// transcript is what receivers were told.
type transcript struct {
	mu    sync.Mutex
	lines []heard
}

type heard struct {
	after time.Duration
	text  string
}

func (r *transcript) add(after time.Duration, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, heard{after.Round(time.Second), text})
}

// sorted returns the lines by time. At the same time, nobody knows which receiver heard first.
func (r *transcript) sorted() []string {
	slices.SortFunc(r.lines, func(a, b heard) int { return gocmp.Or(gocmp.Compare(a.after, b.after), gocmp.Compare(a.text, b.text)) })
	var lines []string
	for _, h := range r.lines {
		lines = append(lines, h.after.String()+" "+h.text)
	}
	return lines
}

// fakeReceiver writes down what it is told, after it has failed as planned.
type fakeReceiver struct {
	key      string
	stage    *stage
	channels []string // that it wants; empty for all

	mu    sync.Mutex
	fail  []outcome     // of the tries to come
	takes time.Duration // every try
}

func (r *fakeReceiver) wants(n *notice) bool {
	return len(r.channels) == 0 || slices.Contains(r.channels, n.Group.Channel)
}

// failing makes the next tries fail, and no others.
func (r *fakeReceiver) failing(tries int, how outcome) {
	if how.err == nil {
		how.err = errors.New("no")
	}
	r.plan(slices.Repeat([]outcome{how}, tries)...)
}

// plan says how the next tries go; those after them go well.
func (r *fakeReceiver) plan(outcomes ...outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = outcomes
}

// taking makes every try take its time.
func (r *fakeReceiver) taking(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takes = d
}

// next returns how the next try goes, and how long it takes.
func (r *fakeReceiver) next() (outcome, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fail) == 0 {
		return outcome{reached: true}, r.takes
	}
	o := r.fail[0]
	r.fail = r.fail[1:]
	return o, r.takes
}

// send writes "1m30s mail opened shop: ChannelPoor, TouchpointDown".
func (r *fakeReceiver) send(ctx context.Context, n *notice, late bool, left []string) outcome {
	o, takes := r.next()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return outcome{err: ctx.Err()}
		}
	}
	if !o.reached {
		return o
	}
	told := "opened"
	switch {
	case late:
		told = "late"
	case n.unreported():
		told = "unreported"
	case n.Ended:
		told = "ended"
	}
	var names []string
	for _, a := range n.Alerts {
		names = append(names, a.Name)
	}
	line := fmt.Sprintf("%s %s %s%s: %s", r.key, told, n.Group.Channel, n.Group.Agent, strings.Join(names, ", "))
	if len(left) > 0 {
		line += " to " + strings.Join(left, ", ")
	}
	r.stage.heard.add(time.Since(r.stage.start), line)
	return o
}
