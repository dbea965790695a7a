package host_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/host"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newHost returns a Host on a recorded tree, with disks and a clock that always answer the same.
func newHost(t *testing.T, opts host.Options, change func(*host.Unrecorded)) *host.Host {
	t.Helper()
	fake := host.Unrecorded{
		Statfs: func(_ context.Context, path string) (host.Space, error) {
			n := uint64(len(path)-len(opts.Root)) + 1 // another number for each mount point
			return host.Space{Size: n * 1000, Free: n * 100, Inodes: n * 10, InodesFree: n}, nil
		},
		Clock: func() (bool, time.Duration, time.Duration, error) {
			return true, -250 * time.Microsecond, 3 * time.Millisecond, nil
		},
	}
	if change != nil {
		change(&fake)
	}
	h, err := host.NewRecorded(opts, fake)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// exposition prints readings one per line, without how long they took.
func exposition(readings []host.Reading) string {
	var b strings.Builder
	for _, r := range readings {
		if r.Name == "host_collector_duration_seconds" {
			continue
		}
		b.WriteString(line(r) + "\n")
	}
	return b.String()
}

func line(r host.Reading) string {
	var labels []string
	for _, l := range r.Labels {
		labels = append(labels, fmt.Sprintf("%s=%q", l.Name, l.Value))
	}
	return fmt.Sprintf("%s{%s} %v", r.Name, strings.Join(labels, ","), r.Value)
}

func TestHost_ReadsRecordedTrees(t *testing.T) {
	t.Parallel()
	for _, tree := range []string{"server", "old", "broken"} {
		t.Run(tree, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, host.Options{
				Root:      filepath.Join("testdata", tree),
				Processes: []string{"nginx", "a (odd) name", "marketing-mail-worker", "absent"},
			}, nil)
			got := exposition(h.Collect(t.Context()))
			golden := filepath.Join("testdata", tree+".readings")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("readings of %s (-want +got):\n%s", tree, diff)
			}
		})
	}
}

// Every collector must work on the machine that runs the tests, too.
func TestHost_ReadsThisMachine(t *testing.T) {
	t.Parallel()
	h, err := host.New(host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Collect(t.Context()) {
		if r.Name == "host_collector_success" && r.Value != 1 {
			t.Errorf("%s, want 1", line(r))
		}
		if r.Name == "host_memory_total_bytes" && r.Value < 1<<20 {
			t.Errorf("%s, want more than a mebibyte", line(r))
		}
	}
}

func TestHost_LogsChangesOnly(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	fail := true
	h := newHost(t, host.Options{
		Root: "testdata/server", Collectors: []string{"time", "load"}, MaxAge: 1,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, func(fake *host.Unrecorded) {
		fake.Clock = func() (bool, time.Duration, time.Duration, error) {
			if fail {
				return false, 0, 0, errors.New("no clock")
			}
			return false, 0, 0, nil
		}
	})
	h.Collect(t.Context())
	h.Collect(t.Context())
	fail = false
	readings := h.Collect(t.Context())
	h.Collect(t.Context())
	if got := strings.Count(log.String(), "\n"); got != 2 {
		t.Errorf("log has %d lines, want 2 (fails, recovered):\n%s", got, &log)
	}
	for _, want := range []string{
		`level=WARN msg="host collector fails" collector=time err="asking the kernel for its clock: no clock"`,
		`level=INFO msg="host collector recovered" collector=time`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, &log)
		}
	}
	if strings.Contains(exposition(readings), "host_clock_offset_seconds") {
		t.Error("host_clock_offset_seconds is there without synchronisation, want none")
	}
}

func TestHost_FailureHidesNoOther(t *testing.T) {
	t.Parallel()
	h := newHost(t, host.Options{Root: "testdata/server", Collectors: []string{"filesystem", "load"}}, func(fake *host.Unrecorded) {
		fake.Statfs = func(_ context.Context, path string) (host.Space, error) {
			switch filepath.Base(path) {
			case "server":
				return host.Space{}, errors.New("dead disk")
			default:
				return host.Space{Size: 5}, nil
			}
		}
	})
	got := exposition(h.Collect(t.Context()))
	for _, want := range []string{
		`host_collector_success{collector="filesystem"} 0`,
		`host_collector_success{collector="load"} 1`,
		`host_filesystem_size_bytes{mountpoint="/srv/media files"} 5`,
		`host_load1{} 0.36`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("readings lack %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, `mountpoint="/"`) {
		t.Errorf("readings of the dead disk, want none:\n%s", got)
	}
}

func TestHost_HangingCollectorIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		release := make(chan struct{})
		h := newHost(t, host.Options{
			Root: "testdata/server", Collectors: []string{"filesystem"}, Mounts: host.Filter{Include: "/"},
			MaxAge: time.Second, Timeout: 3 * time.Second,
		}, func(fake *host.Unrecorded) {
			fake.Statfs = func(context.Context, string) (host.Space, error) {
				calls.Add(1)
				<-release
				return host.Space{Size: 5}, nil
			}
		})
		const failed = `host_collector_success{collector="filesystem"} 0`
		for range 3 {
			start := time.Now()
			if got := exposition(h.Collect(t.Context())); !strings.Contains(got, failed) {
				t.Errorf("readings lack %s:\n%s", failed, got)
			}
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("collecting took %s, want 3s", took)
			}
			<-time.After(2 * time.Second)
		}
		if got := calls.Load(); got != 1 {
			t.Errorf("the dead disk was asked %d times, want 1", got)
		}
		close(release)
		synctest.Wait()
		<-time.After(2 * time.Second)
		if got := exposition(h.Collect(t.Context())); strings.Contains(got, failed) {
			t.Errorf("still failing after the disk came back:\n%s", got)
		}
	})
}

func TestHost_CollectsOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		h := newHost(t, host.Options{Root: "testdata/server", Collectors: []string{"time"}, MaxAge: 5 * time.Second}, func(fake *host.Unrecorded) {
			fake.Clock = func() (bool, time.Duration, time.Duration, error) {
				<-time.After(100 * time.Millisecond)
				calls.Add(1)
				return true, 0, 0, nil
			}
		})
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if got := h.Collect(t.Context()); len(got) == 0 {
					t.Error("no readings")
				}
			})
		}
		group.Wait()
		<-time.After(4 * time.Second)
		h.Collect(t.Context())
		if got := calls.Load(); got != 1 {
			t.Errorf("read %d times within 5 s, want 1", got)
		}
		<-time.After(2 * time.Second)
		h.Collect(t.Context())
		if got := calls.Load(); got != 2 {
			t.Errorf("read %d times after 6 s, want 2", got)
		}
	})
}

func TestHost_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var calls atomic.Int64
		h := newHost(t, host.Options{
			Root: "testdata/server", Collectors: []string{"load", "time"}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}, func(fake *host.Unrecorded) {
			fake.Clock = func() (bool, time.Duration, time.Duration, error) {
				<-time.After(time.Second)
				return true, time.Duration(calls.Add(1)) * time.Second, 0, nil
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		start := time.Now()
		got := exposition(h.Collect(ctx))
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("collecting took %s, want 500ms", took)
		}
		if !strings.Contains(got, "host_load1{} 0.36\n") || strings.Contains(got, "collector=\"time\"") {
			t.Errorf("want the load and nothing of the clock:\n%s", got)
		}
		<-time.After(time.Minute)
		if got := exposition(h.Collect(t.Context())); !strings.Contains(got, "host_clock_offset_seconds{} 2\n") {
			t.Errorf("want the clock read anew, not what was read a minute ago:\n%s", got)
		}
		if log.Len() != 0 {
			t.Errorf("log has %s, want nothing: no collector failed", &log)
		}
	})
}

func TestHost_BoundsLabelSets(t *testing.T) {
	t.Parallel()
	h := newHost(t, host.Options{
		Root: "testdata/server", Collectors: []string{"network"}, MaxLabelSets: 2, Interfaces: host.Filter{Exclude: "$^"},
	}, nil)
	got := exposition(h.Collect(t.Context()))
	for _, want := range []string{`dropped_label_sets{collector="network"} 3`, `device="docker0"`, `device="eth0"`} {
		if !strings.Contains(got, want) {
			t.Errorf("readings lack %s:\n%s", want, got)
		}
	}
	for _, over := range []string{`device="lo"`, `device="vethab12"`, `device="wlan0"`} {
		if strings.Contains(got, over) {
			t.Errorf("readings have %s, want two devices:\n%s", over, got)
		}
	}
}

func TestHost_Filters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts host.Options
		want []string // label values
	}{
		{"interfaces by default", host.Options{Collectors: []string{"network"}}, []string{"eth0", "wlan0"}},
		{"interfaces included", host.Options{Collectors: []string{"network"}, Interfaces: host.Filter{Include: "eth.*"}}, []string{"eth0"}},
		{"the whole name counts", host.Options{Collectors: []string{"network"}, Interfaces: host.Filter{Include: "eth"}}, nil},
		{"exclusion replaces the default", host.Options{Collectors: []string{"network"}, Interfaces: host.Filter{Exclude: "eth0|docker0"}}, []string{"lo", "vethab12", "wlan0"}},
		{"whole disks by default", host.Options{Collectors: []string{"disk"}}, []string{"nvme0n1", "vda"}},
		{"storage by default", host.Options{Collectors: []string{"filesystem"}}, []string{"/", "/srv/media files"}},
		{"network file systems on request", host.Options{Collectors: []string{"filesystem"}, Filesystems: host.Filter{Include: "nfs4", Exclude: "$^"}}, []string{"/mnt/team"}},
		{"mounts excluded", host.Options{Collectors: []string{"filesystem"}, Mounts: host.Filter{Exclude: "/srv/.*|/var/.*"}}, []string{"/"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.opts.Root = "testdata/server"
			var got []string
			for _, r := range newHost(t, tt.opts, nil).Collect(t.Context()) {
				if len(r.Labels) == 1 && r.Labels[0].Name != "collector" && !slices.Contains(got, r.Labels[0].Value) {
					got = append(got, r.Labels[0].Value)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("label values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNew_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := host.New(host.Options{
		Collectors: []string{"cpu", "cups"},
		Disks:      host.Filter{Include: "["},
		Mounts:     host.Filter{Exclude: "("},
	})
	want := strings.Join([]string{
		"mounts: exclude: error parsing regexp: missing closing ): `^(?:()$`",
		"disks: include: error parsing regexp: missing closing ]: `[)$`",
		`collector "cups": want one of container, cpu, disk, file, filesystem, load, memory, network, pressure, process, tcp, time`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want\n%s", err, want)
	}
}

func TestDescribe_IsComplete(t *testing.T) {
	t.Parallel()
	declared := make(map[string]host.Desc)
	for _, d := range host.Describe() {
		if _, double := declared[d.Name]; double {
			t.Errorf("%s is declared twice", d.Name)
		}
		if d.Help == "" || strings.HasSuffix(d.Help, ".") {
			t.Errorf("%s has help %q, want a sentence without a period", d.Name, d.Help)
		}
		if total := strings.HasSuffix(d.Name, "_total"); total != (d.Type == host.Counter) {
			t.Errorf("%s is a counter: %t, its name says %t", d.Name, d.Type == host.Counter, total)
		}
		declared[d.Name] = d
	}
	h := newHost(t, host.Options{Root: "testdata/server", Processes: []string{"nginx"}}, nil)
	observer := host.NewObserver(host.ObserverOptions{})
	seen := make(map[string]bool)
	for _, r := range slices.Concat(h.Collect(t.Context()), observer.Collect()) {
		seen[r.Name] = true
		if d, ok := declared[r.Name]; !ok || d.Type != r.Type || d.Help != r.Help || len(d.Labels) != len(r.Labels) {
			t.Errorf("reading %s does not match its declaration %+v", line(r), d)
		}
	}
	for name := range declared {
		if !seen[name] {
			t.Errorf("%s is declared, but a host that has everything does not show it", name)
		}
	}
}

func BenchmarkHost_Collect(b *testing.B) {
	h, err := host.New(host.Options{MaxAge: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h.Collect(b.Context())
	}
}
