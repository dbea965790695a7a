package freshness

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// share is a file whose looks end when they are let to, whatever their context says.
type share struct {
	looks atomic.Int64
	let   chan struct{}
}

func (s *share) look(context.Context) (found, probe.Result, error) {
	s.looks.Add(1)
	<-s.let
	return found{text: "1"}, probe.Result{}, nil
}

// A look that hangs is given up, and no other is begun while it hangs; when it ends, all is as before.
func TestDisk_GivesUpWhatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &share{let: make(chan struct{})}
		d := newDisk(s, "STAT", "/share/feed")
		look := func(limit time.Duration) (found, probe.Result, time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			seen, r, err := d.look(ctx)
			if err != nil {
				t.Error(err)
			}
			return seen, r, time.Since(start)
		}
		if _, r, took := look(time.Second); r.Reason != probe.ResponseTimeout || took != time.Second || r.Duration != took {
			t.Errorf("got %q: %s after %v, want it given up after a second", r.Reason, r.Detail, took)
		}
		if _, r, took := look(time.Second); r.Reason != probe.ResponseTimeout || !strings.Contains(r.Detail, "still hangs") || took != 0 || s.looks.Load() != 1 {
			t.Errorf("got %q: %s after %v and %d looks, want the second refused at once", r.Reason, r.Detail, took, s.looks.Load())
		}
		close(s.let)
		synctest.Wait()
		if seen, r, _ := look(time.Second); seen.text != "1" || r.Reason != "" {
			t.Errorf("got %+v and %q after it ended, want what stands there", seen, r.Reason)
		}
	})
}

// Two looks at a time are made one after the other.
func TestDisk_TakesTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &share{let: make(chan struct{})}
		d := newDisk(s, "STAT", "/share/feed")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		reasons := make(chan probe.Reason, 2)
		for range 2 {
			go func() {
				_, r, _ := d.look(ctx)
				reasons <- r.Reason
			}()
		}
		synctest.Wait()
		if n := s.looks.Load(); n != 1 {
			t.Errorf("%d looks at once, want one", n)
		}
		close(s.let)
		for range 2 {
			if got := <-reasons; got != "" {
				t.Errorf("got %q, want both to look", got)
			}
		}
	})
}

type mine struct{}

func (mine) look(context.Context) (found, probe.Result, error) { panic("a broken page") }

func TestDisk_ContainsPanics(t *testing.T) {
	t.Parallel()
	if _, _, err := newDisk(mine{}, "SELECT", "/a.db").look(t.Context()); err == nil || !strings.Contains(err.Error(), "a broken page") {
		t.Errorf("got %v, want the panic as an error", err)
	}
}
