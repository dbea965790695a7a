package schedule_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

func TestScheduler_Once(t *testing.T) {
	tests := []struct {
		name    string
		probe   proberFunc
		took    time.Duration
		wantErr string
	}{
		{"a result", func(context.Context) (probe.Result, error) {
			time.Sleep(time.Second) //nolint:forbidigo // the time of a bubble passes at once
			return probe.Result{Reason: probe.ConnectRefused}, nil
		}, time.Second, ""},
		{"a prober that waits for ever", func(ctx context.Context) (probe.Result, error) {
			<-ctx.Done()
			return probe.Result{}, ctx.Err()
		}, 2 * time.Second, "deadline exceeded"},
		{"a panic", func(context.Context) (probe.Result, error) { panic("boom") }, 0, `probing "web/home": panic: boom`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reported := 0
				s := schedule.New(schedule.Options{Report: func(*schedule.Outcome) bool { reported++; return false }})
				s.Apply([]*probe.Touchpoint{{
					Channel: "web", Name: "home", Every: time.Hour, Timeout: 2 * time.Second, Built: probe.Built{Prober: tt.probe},
				}})
				start := time.Now()
				o, err := s.Once(t.Context(), "web/home")
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != tt.took || !o.Result.Start.Equal(start) {
					t.Errorf("took %v from %v, want %v from %v", took, o.Result.Start, tt.took, start)
				}
				switch {
				case tt.wantErr == "" && (o.Err != nil || o.Result.Reason != probe.ConnectRefused):
					t.Errorf("got %+v, %v, want connect_refused", o.Result, o.Err)
				case tt.wantErr != "" && (o.Err == nil || !strings.Contains(o.Err.Error(), tt.wantErr)):
					t.Errorf("got %v, want %s", o.Err, tt.wantErr)
				}
				if reported != 0 {
					t.Errorf("%d outcomes were reported, want none", reported)
				}
				if _, err := s.Once(t.Context(), "web/gone"); !errors.Is(err, schedule.ErrUnknown) {
					t.Errorf("of an unknown touchpoint: got %v, want ErrUnknown", err)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := s.Once(t.Context(), "web/home"); !errors.Is(err, schedule.ErrUnknown) {
					t.Errorf("after Stop: got %v, want ErrUnknown", err)
				}
			})
		})
	}
}

// TestScheduler_StopEndsOnce: a probe that somebody asked for does not outlive the scheduler.
func TestScheduler_StopEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule.New(schedule.Options{Report: func(*schedule.Outcome) bool { return false }})
		s.Apply([]*probe.Touchpoint{{
			Channel: "web", Name: "home", Every: time.Hour, Timeout: time.Minute,
			Built: probe.Built{Prober: proberFunc(func(ctx context.Context) (probe.Result, error) {
				<-ctx.Done()
				return probe.Result{}, ctx.Err()
			})},
		}})
		start, ended := time.Now(), make(chan error, 1)
		go func() {
			o, err := s.Once(t.Context(), "web/home")
			ended <- errors.Join(err, o.Err)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = s.Stop(ctx) // says which probes had to be cancelled
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
			t.Errorf("ended after %v with %v, want cancelled within 1 s", time.Since(start), err)
		}
	})
}
