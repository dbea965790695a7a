package journey_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// left is a server with a step that hangs and a cleanup that counts.
func left(t *testing.T) (with string, cleaned *atomic.Int32, hung chan struct{}) {
	t.Helper()
	cleaned, hung = new(atomic.Int32), make(chan struct{}, 8)
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			hung <- struct{}{}
			<-r.Context().Done()
		case "/clean":
			cleaned.Add(1)
		}
	}))
	return "url: " + server + `
steps: [{name: open, title: Open}, {name: hang, title: Wait, url: /hang}]
cleanup: [{name: clean, title: Clean up, url: /clean}, {name: again, title: Again, url: /clean}]`, cleaned, hung
}

func TestProbe_LeavesTimeForCleanup(t *testing.T) {
	t.Parallel()
	with, cleaned, _ := left(t)
	built, err := build(t, with)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("got the error %v, and the context has ended: %v; want a result in time", err, ctx.Err())
	}
	expect(t, &result, probe.Poor, probe.ResponseTimeout, "open passed", "hang failed", "clean passed", "again passed")
	if cleaned.Load() != 2 || result.Detail != result.Findings[0].Detail || result.Reason != probe.ResponseTimeout {
		t.Errorf("cleaned up %d times, want 2; result %+v", cleaned.Load(), result)
	}
}

func TestProbe_CleansUpAfterCancel(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"answered": false, "hanging": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with, cleaned, hung := left(t)
			want := int32(2)
			if hangs {
				with, want = strings.Replace(with, "clean, title: Clean up, url: /clean", "clean, title: Clean up, url: /hang", 1), 0
			}
			built, err := build(t, with)
			if err != nil {
				t.Fatal(err)
			}
			// Whoever cancels does not wait until the deadline.
			deadline, stop := context.WithTimeout(t.Context(), 30*time.Second)
			defer stop()
			ctx, cancel := context.WithCancel(deadline)
			go func() {
				<-hung
				cancel()
			}()
			_, err = built.Prober.Probe(ctx)
			if !errors.Is(err, context.Canceled) || cleaned.Load() != want || deadline.Err() != nil {
				t.Errorf("got the error %v and %d cleanups, and the deadline: %v; want a cancelled journey and %d soon", err, cleaned.Load(), deadline.Err(), want)
			}
		})
	}
}

func TestProbe_CleanupIsBounded(t *testing.T) {
	t.Parallel()
	with, _, _ := left(t)
	with = strings.Replace(strings.Replace(with, "url: /hang", "url: /", 1), "url: /clean", "url: /hang", 1)
	built, err := build(t, with)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, &result, probe.Good, "", "open passed", "hang passed", "clean failed", "again failed")
	if n := len(result.Findings); n != 2 || result.Duration > 5*time.Second {
		t.Errorf("got %d findings and %v, want one for each cleanup, whose time is not the customer's", n, result.Duration)
	}
}
