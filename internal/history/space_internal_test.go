//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSpace_StopsAndGoes(t *testing.T) {
	s := space{dir: "/data", floor: 100 << 20}
	for i, step := range []struct {
		free int64 // MiB
		full bool
	}{
		{101, false}, {100, false}, {99, true}, {100, true}, {109, true}, {110, false}, {100, false}, {0, true}, {111, false},
	} {
		o := s.judge(step.free << 20)
		if full := o != nil; full != step.full {
			t.Errorf("step %d: with %d MiB free: %v, want full %t", i, step.free, o, step.full)
		}
	}
	_ = s.judge(0)
	o := s.judge(104 << 20)
	same(t, "sentence", "/data has 104 MiB free: recording stops below 100 MiB and goes on from 110 MiB", o.Error())
	if o.state != Full {
		t.Errorf("state %s, want full", o.state)
	}
}

func TestSpace_NoFloor(t *testing.T) {
	s := space{dir: t.TempDir()}
	if o := s.judge(0); o != nil {
		t.Errorf("without a floor: %v, want nothing to hinder", o)
	}
	if free, err := freeBytes(s.dir); err != nil || free < 1<<20 {
		t.Errorf("%d bytes free, %v, want what a test needs at least", free, err)
	}
}

func TestSpace_MissingDirectory(t *testing.T) {
	opts := testOptions(t, newSource(t, 0))
	opts.Dir += "/missing"
	s := testStore(t, opts)
	if o := s.shortage(); o == nil || o.state != Failed || !errors.Is(o, fs.ErrNotExist) {
		t.Errorf("obstacle %v, want failed because it does not exist", o)
	}
}

func TestObstacleOf(t *testing.T) {
	for _, test := range []struct {
		err   error
		state State
		why   string
	}{
		{syscall.EROFS, ReadOnly, "mounted read-only"},
		{syscall.EACCES, ReadOnly, "may not be written by this user"},
		{syscall.EPERM, ReadOnly, "may not be written by this user"},
		{syscall.ENOSPC, Full, "no space left"},
		{syscall.EDQUOT, Full, "quota"},
		{syscall.EIO, Failed, "input/output error"},
	} {
		err := fmt.Errorf("wrapped: %w", &fs.PathError{Op: "open", Path: "/data/x", Err: test.err})
		o := obstacleOf("/data", err)
		if o == nil || o.state != test.state || !strings.Contains(o.why, test.why) || !strings.Contains(o.why, "/data") || !errors.Is(o, test.err) {
			t.Errorf("%v: %+v, want %s and %q about /data", test.err, o, test.state, test.why)
		}
	}
	if o := obstacleOf("/data", nil); o != nil {
		t.Errorf("no error: %v, want no obstacle", o)
	}
}

func TestStore_BelowTheFloor(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=1": 1})
	opts := testOptions(t, src)
	s := testStore(t, opts)
	o, _ := openStore(t, s)
	at := from(testStart(), 4)
	ticks(t, s, o, at[0])
	s.space.floor = math.MaxInt64 / 2
	ticks(t, s, o, at[1])
	status := s.Status()
	if status.State != Full || !strings.Contains(status.Why, "recording stops below") {
		t.Errorf("status %+v, want full and why", status)
	}
	if err := o.storage.Appender(t.Context()).Commit(); !errors.Is(err, errNotAppending) {
		t.Errorf("a rule's commit: %v, want %v", err, errNotAppending)
	}
	same(t, "what it answers meanwhile", map[string][]string{`{n="1"}`: {"0: 1"}}, recorded(t, o.db, at[0], testName))
	since := status.Since
	ticks(t, s, o, at[2])
	if got := s.Status().Since; !got.Equal(since) {
		t.Errorf("full since %v, later since %v, want no change", since, got)
	}
	s.space.floor = 1 << 10
	ticks(t, s, o, at[3])
	if err := o.storage.Appender(t.Context()).Commit(); err != nil {
		t.Errorf("a rule's commit when there is room again: %v", err)
	}
	same(t, "samples", map[string][]string{`{n="1"}`: {"0: 1", "15: 1"}}, recorded(t, o.db, at[0], testName))
	if status := s.Status(); status.State != Ready || status.Why != "" {
		t.Errorf("status %+v, want ready", status)
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	now := testStart()
	var got []time.Duration
	for range 11 {
		d := b.next(now)
		got = append(got, d)
		now = now.Add(d)
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}
	for i := range want {
		want[i] *= time.Second
	}
	same(t, "waiting times", want, got)
	if d := b.next(now.Add(calm + 1)); d != time.Second {
		t.Errorf("after calm: %v, want 1s", d)
	}
}
