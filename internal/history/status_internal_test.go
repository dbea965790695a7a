//go:build !nohistory

package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/metrics"
)

func TestOpen_Mistakes(t *testing.T) {
	good := Options{Dir: "dir", Every: time.Second, Retention: time.Hour, Collect: func(metrics.Visitor) {}}
	if _, err := Open(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Options){
		"history: no directory":                                                   func(o *Options) { o.Dir = "" },
		"history: nothing to collect":                                             func(o *Options) { o.Collect = nil },
		"history: every 999ms, want at least 1s in whole milliseconds":            func(o *Options) { o.Every = 999 * time.Millisecond },
		"history: every 1.0005s, want at least 1s in whole milliseconds":          func(o *Options) { o.Every = time.Second + 500*time.Microsecond },
		"history: retention 500ms is less than the 1s from one round to the next": func(o *Options) { o.Retention = 500 * time.Millisecond },
		"history: at most -1 bytes, at least 0 free: want none negative":          func(o *Options) { o.MaxBytes = -1 },
		"history: at most 0 bytes, at least -1 free: want none negative":          func(o *Options) { o.MinFree = -1 },
	} {
		opts := good
		spoil(&opts)
		if _, err := Open(opts); err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestTSDBOptions(t *testing.T) {
	for _, test := range []struct{ retention, block time.Duration }{
		{time.Hour, 2 * time.Hour}, {35 * 24 * time.Hour, 84 * time.Hour}, {1000 * 24 * time.Hour, 31 * 24 * time.Hour},
	} {
		o := tsdbOptions(&Options{Retention: test.retention, MaxBytes: 123})
		if o.RetentionDuration != test.retention.Milliseconds() || o.MaxBlockDuration != test.block.Milliseconds() || o.MaxBytes != 123 {
			t.Errorf("retention %v: kept for %d ms in blocks of %d ms and %d bytes, want blocks of %v and 123 bytes",
				test.retention, o.RetentionDuration, o.MaxBlockDuration, o.MaxBytes, test.block)
		}
		if o.WALCompression != "snappy" || o.EnableMetadataWALRecords {
			t.Errorf("log compressed by %q, with metadata %t; want snappy, without", o.WALCompression, o.EnableMetadataWALRecords)
		}
	}
	if o := tsdbOptions(&Options{RemoteWrite: Block{Text: []byte("- url: http://127.0.0.1/")}}); !o.EnableMetadataWALRecords {
		t.Error("no metadata in the log that remote write reads")
	}
}

// What is older than the retention goes, and so does the oldest when all of it is too large.
func TestStore_Forgets(t *testing.T) {
	for name, limit := range map[string]func(*Options){
		"too old":   func(o *Options) { o.Retention = 5 * time.Hour },
		"too large": func(o *Options) { o.MaxBytes = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			opts, blocks := withBlocks(t)
			limit(&opts)
			o, _ := openStore(t, testStore(t, opts))
			if n := len(o.db.Blocks()); n >= len(blocks) {
				t.Errorf("%d blocks of %d are left, want fewer", n, len(blocks))
			}
		})
	}
}

func TestStore_Runs(t *testing.T) {
	before := goleak.IgnoreCurrent()
	src := newSource(t, 1)
	opts := testOptions(t, src)
	opts.Every = time.Second
	s := testStore(t, opts)
	if status := s.Status(); status.State != Opening || status.Open {
		t.Errorf("status %+v before it runs, want opening and not open", status)
	}
	if _, err := s.Query(t.Context(), "up", time.Time{}); !errors.Is(err, ErrNotReady) {
		t.Errorf("a query before it runs: %v, want %v", err, ErrNotReady)
	}
	stop := run(t, s)
	deadline := time.After(time.Minute)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for s.Status().Revision < 2 {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("status %+v, want two rounds", s.Status())
		}
	}
	status := s.Status()
	if status.State != Ready || !status.Open || status.LastAppend.UnixMilli()%1000 != 0 || time.Since(status.LastAppend) > 20*time.Second {
		t.Errorf("status %+v, want ready, appended at a whole second lately", status)
	}
	up, err := s.Query(t.Context(), "up", time.Time{})
	if err != nil || len(up) != 1 || up[0].Points[0].Value != 1 || up[0].Labels["job"] != "channelwatch" {
		t.Errorf("up: %v, %v, want one series at 1", up, err)
	}
	stop()
	if status := s.Status(); status.State != Stopped || status.Open || status.Why != "" {
		t.Errorf("status %+v, want stopped", status)
	}
	goleak.VerifyNone(t, before)

	o, _ := openStore(t, testStore(t, opts))
	for labels, samples := range recorded(t, o.db, testStart(), "up") {
		if last := samples[len(samples)-1]; !strings.HasSuffix(last, ": end") {
			t.Errorf("up%s ends with %q, want the mark of its end", labels, last)
		}
	}
}

func TestStore_RunsWhenTheDirectoryIsFree(t *testing.T) {
	opts := testOptions(t, newSource(t, 0))
	opts.Every = time.Second
	first := testStore(t, opts)
	_, closeFirst := openStore(t, first)
	s := testStore(t, opts)
	stop := run(t, s)
	reach(t, s, Failed)
	if why := s.Status().Why; !strings.Contains(why, "in use by another process") {
		t.Errorf("why %q, want that it is in use", why)
	}
	if _, err := s.Query(t.Context(), "up", time.Time{}); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a query: %v, want %v and why", err, ErrNotReady)
	}
	closeFirst()
	reach(t, s, Ready)
	stop()
}

// Who reads is told that the store closes, and is waited for.
func TestStore_WaitsForReaders(t *testing.T) {
	s := testStore(t, testOptions(t, newSource(t, 1)))
	if _, _, _, err := s.acquire(t.Context()); !errors.Is(err, ErrNotReady) {
		t.Errorf("before it is open: %v, want %v", err, ErrNotReady)
	}
	_, closeIt := openStore(t, s)
	ctx, q, release, err := s.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	querier, err := q.Querier(0, testStart().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		closeIt()
		close(closed)
	}()
	<-ctx.Done()
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("context ended by %v, want canceled", ctx.Err())
	}
	if _, _, _, err := s.acquire(t.Context()); !errors.Is(err, ErrNotReady) {
		t.Errorf("while it closes: %v, want %v", err, ErrNotReady)
	}
	select {
	case <-closed:
		t.Error("the store closed under a reader")
	case <-time.After(100 * time.Millisecond): // it would have by now
	}
	if err := querier.Close(); err != nil {
		t.Error(err)
	}
	release()
	release() // does not matter
	<-closed
}

func TestStore_Readings(t *testing.T) {
	src := newSource(t, 2)
	opts := testOptions(t, src)
	s := testStore(t, opts)
	o, closeIt := openStore(t, s)
	s.become(Ready, "")
	at := from(testStart(), 3)
	ticks(t, s, o, at...)
	for _, test := range []struct {
		name, label string
		want        float64
	}{
		{"history_up", "", 1},
		{"history_state", "ready", 1},
		{"history_state", "full", 0},
		{"history_last_append_timestamp_seconds", "", float64(at[2].Unix())},
		{"history_oldest_timestamp_seconds", "", float64(at[0].Unix())},
		{"history_rounds_total", "appended", 3},
		{"history_rounds_total", "failed", 0},
		{"history_openings_total", "", 1},
		{"history_blocks", "", 0},
		{"history_series", "", float64(o.db.Head().NumSeries())},
		{"history_compaction_failures_total", "", 0},
		{"history_bytes", "blocks", 0},
		{"history_bytes", "head", float64(o.db.Head().Size())},
	} {
		if got := reading(s, test.name, test.label); got != test.want {
			t.Errorf("%s{%s} is %v, want %v", test.name, test.label, got, test.want)
		}
	}
	for _, name := range []string{"history_samples_total", "history_open_seconds", "history_append_seconds", "history_free_bytes"} {
		if got := reading(s, name, ""); got <= 0 {
			t.Errorf("%s is %v, want more than 0", name, got)
		}
	}
	open := s.Readings()
	closeIt()
	s.become(Failed, "for the test")
	if got := reading(s, "history_up", ""); got != 0 {
		t.Errorf("history_up is %v when it failed, want 0", got)
	}
	for _, r := range s.Readings() {
		if !slices.ContainsFunc(open, func(o metrics.Reading) bool { return o.Name == r.Name }) {
			t.Errorf("%s is there only while the store is closed", r.Name)
		}
	}

	// The metrics take all of them as they are.
	seen := make(map[string]metrics.Reading)
	for _, r := range open {
		key := r.Name + fmt.Sprint(r.Labels)
		if _, twice := seen[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = r
		if !regexp.MustCompile(`^history_[a-z_]+$`).MatchString(r.Name) || !strings.HasSuffix(r.Help, ".") {
			t.Errorf("reading %+v: want a name that begins with history_, and a sentence", r)
		}
		if total := strings.HasSuffix(r.Name, "_total"); total != (r.Type == metrics.Counter) {
			t.Errorf("%s is a %s", r.Name, r.Type)
		}
	}
	src.metrics.SetPart("history", open)

	described := Describe()
	for _, r := range open {
		i := slices.IndexFunc(described, func(f metrics.Family) bool { return f.Name == r.Name })
		if i < 0 {
			t.Errorf("%s is not described", r.Name)
			continue
		}
		var labels []string
		for _, l := range r.Labels {
			labels = append(labels, l.Name)
		}
		same(t, r.Name, metrics.Family{Name: r.Name, Type: r.Type, Help: r.Help, Labels: labels}, described[i])
	}
	if !slices.IsSortedFunc(described, func(a, b metrics.Family) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the descriptions are not sorted")
	}
}

func TestStore_Series(t *testing.T) {
	for name, add := range map[string]func(*Options){
		"alone": func(*Options) {},
		"with rules": func(o *Options) {
			o.Rules = []RuleFile{{Name: "rules.yaml", Content: []byte("groups: [{name: a, rules: [{record: a:b, expr: up}]}]")}}
		},
		"with all": func(o *Options) {
			o.Rules = []RuleFile{{Name: "rules.yaml", Content: []byte("groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]")}}
			o.Alerting = Block{Text: []byte("alertmanagers: [{static_configs: [{targets: ['127.0.0.1:9']}]}]")}
			o.RemoteWrite = Block{Text: []byte("[{name: a, url: 'http://127.0.0.1:9/a'}, {name: b, url: 'http://127.0.0.1:9/b'}]")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			opts := testOptions(t, newSource(t, 0))
			opts.Every = time.Second
			add(&opts)
			s := testStore(t, opts)
			want := s.Series()
			o, _ := openStore(t, s)
			ticks(t, s, o, time.Now())
			if got := len(s.Readings()); got != want {
				t.Errorf("%d readings, want the %d that were promised", got, want)
			}
			if got := s.Series(); got != want {
				t.Errorf("%d series while it is open, %d before", got, want)
			}
		})
	}
}

func TestStore_SaysWhyOnce(t *testing.T) {
	var text strings.Builder
	opts := testOptions(t, newSource(t, 0))
	opts.Log = slog.New(slog.NewTextHandler(&text, nil))
	s := testStore(t, opts)
	for free := range int64(3) {
		s.change(&obstacle{Full, fmt.Sprintf("no room: %d", free), errBelowFloor})
	}
	s.change(&obstacle{Full, "nothing left", syscall.ENOSPC})
	s.become(Ready, "")
	if n := strings.Count(text.String(), "no room"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, text.String())
	}
	if n := strings.Count(text.String(), "nothing left"); n != 1 {
		t.Errorf("another cause in the same state is logged %d times, want once:\n%s", n, text.String())
	}
}

func TestUpstream_KeepsToWarnings(t *testing.T) {
	var text strings.Builder
	log := slog.New(upstream{slog.NewTextHandler(io.Writer(&text), &slog.HandlerOptions{Level: slog.LevelDebug})}).With("component", "tsdb").WithGroup("g")
	log.Info("replaying")
	log.Warn("careful", "a", 1)
	if got := text.String(); strings.Contains(got, "replaying") || !strings.Contains(got, `msg=careful component=tsdb g.a=1`) {
		t.Errorf("logged %q, want the warning only", got)
	}
	if log.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("information is enabled")
	}
}
