package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/host"
)

// machine is a tree whose accounts of the agent can be moved on.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, t.TempDir()}
	m.write("proc/self/cgroup", "0::/\n")
	m.write("sys/fs/cgroup/cpu.max", "100000 100000\n")
	m.throttled(0)
	return m
}

func (m machine) write(name, content string) {
	m.t.Helper()
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) remove(name string) {
	m.t.Helper()
	if err := os.RemoveAll(filepath.Join(m.root, name)); err != nil {
		m.t.Fatal(err)
	}
}

// thread says how long a thread has run and waited so far, and in how many turns.
func (m machine) thread(id int, ran, waited time.Duration, turns int) {
	m.t.Helper()
	m.write(fmt.Sprintf("proc/self/task/%d/schedstat", id), fmt.Sprintf("%d %d %d\n", ran, waited, turns))
}

func (m machine) throttled(total time.Duration) {
	m.t.Helper()
	m.write("sys/fs/cgroup/cpu.stat", fmt.Sprintf("nr_periods 10\nnr_throttled 1\nthrottled_usec %d\n", total.Microseconds()))
}

// second lets the Observer beat for a second, each beat late by late, and returns when it ends.
func second(o *host.Observer, from time.Time, late time.Duration) time.Time {
	for range 10 {
		from = from.Add(100*time.Millisecond + late)
		o.WakeAt(from)
	}
	return from
}

func TestObserver_Accounts(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name   string
		late   time.Duration
		before func(machine)
		after  func(machine)
		want   string // "" when nothing is starved
	}{
		{name: "idle", before: func(m machine) { m.thread(1, ms, 0, 1) }},
		{
			// Recorded on two cores: 20 goroutines with bursts of work.
			name:   "healthy with work of its own",
			late:   5 * ms,
			before: func(m machine) { m.thread(1, 0, 0, 0) },
			after:  func(m machine) { m.thread(1, 270*ms, 656*ms, 1027) },
		},
		{
			// Recorded while two other programs used 82 % of both cores.
			name:   "healthy on a busy host",
			late:   13 * ms,
			before: func(m machine) { m.thread(1, 0, 0, 0) },
			after:  func(m machine) { m.thread(1, 50*ms, 1200*ms, 1000) },
		},
		{
			// Recorded beside eight greedy processes, without own work; processor pressure stood at 100 %.
			name:   "greedy neighbours that the kernel keeps at bay",
			late:   4 * ms,
			before: func(m machine) { m.thread(1, 0, 0, 0) },
			after:  func(m machine) { m.thread(1, 10*ms, 65*ms, 96) },
		},
		{
			name:   "threads wait for a processor",
			before: func(m machine) { m.thread(1, 0, 5*time.Second, 100) },
			after: func(m machine) {
				m.thread(1, ms, 5*time.Second+200*ms, 110)
				m.thread(2, ms, 100*ms, 10)
			},
			want: "the agent's threads waited 15ms for a processor at each turn, want at most 10ms",
		},
		{
			name:   "one slow turn says nothing",
			before: func(m machine) { m.thread(1, 0, 0, 0) },
			after:  func(m machine) { m.thread(1, ms, 800*ms, 9) },
		},
		{
			name:   "ten slow turns say something",
			before: func(m machine) { m.thread(1, 0, 0, 0) },
			after:  func(m machine) { m.thread(1, ms, 800*ms, 10) },
			want:   "the agent's threads waited 80ms for a processor at each turn, want at most 10ms",
		},
		{
			name:   "a new thread with an old id",
			before: func(m machine) { m.thread(1, 0, time.Hour, 9000) },
			after:  func(m machine) { m.thread(1, 0, ms, 20) },
		},
		{
			name:  "throttled",
			after: func(m machine) { m.throttled(150 * ms) },
			want:  "the agent's control group was throttled for 15 % of the time, want at most 10 %",
		},
		{name: "hardly throttled", after: func(m machine) { m.throttled(90 * ms) }},
		{
			name:   "throttled before, not now",
			before: func(m machine) { m.throttled(time.Hour) },
			after:  func(m machine) { m.throttled(time.Hour) },
		},
		{
			name:   "the account comes into being",
			before: func(m machine) { m.write("sys/fs/cgroup/cpu.max", "nonsense\n") },
			after: func(m machine) {
				m.write("sys/fs/cgroup/cpu.max", "100000 100000\n")
				m.throttled(time.Hour)
			},
		},
		{name: "timers late", late: 80 * ms, want: "the agent's timer woke it 80ms late, want at most 50ms"},
		{name: "timers at the limit", late: 50 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, start := newMachine(t), time.Now()
			if tt.before != nil {
				tt.before(m)
			}
			o := host.NewObserver(host.ObserverOptions{Root: m.root})
			o.StartAt(start)
			if tt.after != nil {
				tt.after(m)
			}
			end := second(o, start, tt.late)
			starved, why := o.StarvedAt(end, start, end)
			if starved != (tt.want != "") || why != tt.want {
				t.Errorf("Starved = %t, %q, want %q", starved, why, tt.want)
			}
			next := second(o, end, 0)
			if starved, why := o.StarvedAt(next, end, next); starved {
				t.Errorf("a second later still starved: %q", why)
			}
		})
	}
}

func TestObserver_Windows(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	o := host.NewObserver(host.ObserverOptions{Root: t.TempDir()})
	o.StartAt(start)
	o.WakeAt(at(100 * ms))
	o.WakeAt(at(300 * ms)) // due at 200: starved from 200 to 300
	o.WakeAt(at(400 * ms))
	tests := []struct {
		name          string
		now, from, to time.Duration
		want          bool
	}{
		{"before", 400, 0, 190, false},
		{"ends as it begins", 400, 100, 200, false},
		{"overlaps its beginning", 400, 100, 220, true},
		{"within", 400, 220, 230, true},
		{"around", 400, 190, 310, true},
		{"overlaps its end", 400, 280, 400, true},
		{"begins as it ends", 400, 300, 400, false},
		{"exactly the least share", 400, -700, 300, true},
		{"less than the least share", 400, -800, 300, false},
		{"no time at all", 400, 250, 250, false},
		{"a beat that is not late yet", 550, 410, 550, false},
		{"a beat that is late", 551, 410, 551, true},
		{"a beat that is late, but not for this result", 600, 410, 500, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, why := o.StarvedAt(at(tt.now*ms), at(tt.from*ms), at(tt.to*ms))
			if got != tt.want {
				t.Errorf("Starved(%d, %d) = %t, %q, want %t", tt.from, tt.to, got, why, tt.want)
			}
			if got != (why != "") {
				t.Errorf("Starved = %t with the reason %q", got, why)
			}
		})
	}
}

func TestObserver_ForgetsAndAddsUp(t *testing.T) {
	t.Parallel()
	m, start := newMachine(t), time.Now()
	o := host.NewObserver(host.ObserverOptions{Root: m.root})
	o.StartAt(start)
	m.throttled(time.Second)
	// Ten beats of 160 ms: each 60 ms late, and the whole time throttled. No moment counts twice.
	end := second(o, start, 60*time.Millisecond)
	if starved, _ := o.StarvedAt(end, end.Add(-16*time.Second), end); !starved {
		t.Error("1.6 s of 16 s are not starved, want the least share to do")
	}
	if starved, _ := o.StarvedAt(end, end.Add(-17*time.Second), end); starved {
		t.Error("1.6 s of 17 s are starved, want less than the least share not to do")
	}
	got := readings(o)
	for name, want := range map[string]float64{
		"agent_starved_seconds_total": 1.6,
		"agent_throttled_ratio":       0.625,
		"agent_timer_late_seconds":    0.06,
		"agent_turn_wait_seconds":     0,
	} {
		if diff := got[name] - want; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	for now := end; now.Sub(end) < 6*time.Minute; {
		now = second(o, now, 60*time.Millisecond)
	}
	// Five minutes hold 1875 beats of 160 ms.
	if got := o.Spells(); got > 1900 {
		t.Errorf("%d spells are remembered, want those of five minutes", got)
	}
	if starved, _ := o.StarvedAt(end, start, end); starved {
		t.Error("still remembers after six minutes")
	}
}

func readings(o *host.Observer) map[string]float64 {
	values := make(map[string]float64)
	for _, r := range o.Collect() {
		values[r.Name] = r.Value
	}
	return values
}

func TestObserver_WatchesWhileItRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := host.NewObserver(host.ObserverOptions{})
		begin := time.Now()
		<-time.After(time.Minute)
		if starved, why := o.Starved(begin, time.Now()); starved {
			t.Errorf("starved before it ran: %s", why)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.Run(ctx)
		}()
		<-time.After(time.Minute)
		if starved, why := o.Starved(begin, time.Now()); starved && strings.Contains(why, "timer") {
			t.Errorf("timers of a bubble are never late, got %s", why)
		}
		cancel()
		<-done
		end := time.Now()
		<-time.After(time.Minute)
		if starved, why := o.Starved(end, time.Now()); starved {
			t.Errorf("starved after it ended: %s", why)
		}
		if o.Starving() {
			t.Error("starving after it ended")
		}
	})
}

func BenchmarkObserver_Second(b *testing.B) {
	o, now := host.NewObserver(host.ObserverOptions{}), time.Now()
	o.StartAt(now)
	for b.Loop() {
		now = second(o, now, 0)
	}
}

func BenchmarkObserver_Starved(b *testing.B) {
	o, start := host.NewObserver(host.ObserverOptions{Root: b.TempDir()}), time.Now()
	o.StartAt(start)
	now := start
	for range 60 {
		now = second(o, now, 60*time.Millisecond)
	}
	for b.Loop() {
		o.StarvedAt(now, now.Add(-200*time.Millisecond), now)
	}
}
