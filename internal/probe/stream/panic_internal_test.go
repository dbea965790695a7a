package stream

import (
	"strings"
	"testing"
)

// broken is a source whose service sends what nobody has thought of.
type broken struct{}

func (broken) next() (event, error) { panic("an event nobody has thought of") }

func (broken) Close() error { return nil }

// A reader that panics ends its stream, and says so; the agent lives on.
func TestListen_Panic(t *testing.T) {
	t.Parallel()
	for _, ntfy := range []bool{false, true} {
		p := newProber(settings{ntfy: ntfy})
		r := &receiver{source: broken{}, in: new(intake), ready: make(chan struct{})}
		p.start(t.Context(), r)
		<-r.alive.Done()
		r.close()
		if why := r.dead(); why == nil || why.reason != malformed || !strings.Contains(why.detail, "an event nobody has thought of") {
			t.Errorf("got the end %v, want the panic", why)
		}
	}
}
