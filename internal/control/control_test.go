package control_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is what a made-up neighbourhood does; its fields change between checks.
type network struct {
	gateway, resolver atomic.Bool // answer
	arp               atomic.Bool // the gateway's address is resolved
	unplugged         atomic.Bool
}

// neighbours are found on this host when sworn is false, else named.
func (n *network) neighbours(sworn bool) func() ([]control.Neighbour, bool) {
	ask := func(answers *atomic.Bool) func(context.Context) error {
		return func(ctx context.Context) error {
			if answers.Load() {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
	}
	return func() ([]control.Neighbour, bool) {
		return []control.Neighbour{
			{Name: "gateway", Sworn: sworn, Ask: ask(&n.gateway), Seen: n.arp.Load},
			{Name: "resolver", Sworn: sworn, Ask: ask(&n.resolver)},
		}, n.unplugged.Load()
	}
}

func among(t *testing.T, opts control.Options, around func() ([]control.Neighbour, bool)) *control.Control {
	t.Helper()
	c, err := control.NewAmong(opts, around)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestControl_Testimony(t *testing.T) {
	t.Parallel()
	type step struct {
		gateway, resolver, arp, unplugged bool
		known, blind                      bool
		why                               string
	}
	const silence = "no neighbour has ever answered, so that silence says nothing"
	tests := []struct {
		name  string
		sworn bool
		steps []step
	}{
		{"nobody ever answers", false, []step{
			{why: silence},
			{why: silence},
		}},
		{"found neighbours testify after they answered", false, []step{
			{why: silence},
			{resolver: true, known: true, why: "reached resolver"},
			{known: true, blind: true, why: "no answer from resolver"},
			{resolver: true, known: true, why: "reached resolver"},
		}},
		{"another neighbour proves the network", false, []step{
			{resolver: true, known: true, why: "reached resolver"},
			{gateway: true, known: true, why: "reached gateway"},
			{known: true, blind: true, why: "no answer from gateway, resolver"},
		}},
		{"named neighbours testify at once", true, []step{
			{known: true, blind: true, why: "no answer from gateway, resolver"},
			{gateway: true, known: true, why: "reached gateway"},
		}},
		{"a gateway that never answers is seen", false, []step{
			{arp: true, known: true, why: "reached gateway in the ARP table"},
			{resolver: true, known: true, why: "reached resolver"},
			{arp: true, known: true, why: "reached gateway in the ARP table"},
			{known: true, blind: true, why: "no answer from gateway in the ARP table, resolver"},
		}},
		{"a gateway that answered is not only seen", false, []step{
			{gateway: true, arp: true, known: true, why: "reached gateway"},
			{arp: true, known: true, blind: true, why: "no answer from gateway"},
		}},
		{"no link is proof enough", false, []step{
			{unplugged: true, gateway: true, known: true, blind: true, why: "no network interface has a link"},
			{why: silence},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{}
				c := among(t, control.Options{}, n.neighbours(tt.sworn))
				for i, s := range tt.steps {
					n.gateway.Store(s.gateway)
					n.resolver.Store(s.resolver)
					n.arp.Store(s.arp)
					n.unplugged.Store(s.unplugged)
					start := time.Now()
					got := c.Confirm(t.Context())
					if took := time.Since(start); took > 2*time.Second {
						t.Errorf("step %d took %s, want at most 2s", i, took)
					}
					got.Since = time.Time{}
					want := control.State{Known: s.known, Blind: s.blind, Why: s.why}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("step %d (-want +got):\n%s", i, diff)
					}
					if c.State().Blind != s.blind {
						t.Errorf("step %d: State().Blind = %t, want %t", i, !s.blind, s.blind)
					}
					<-time.After(time.Second)
				}
			})
		})
	}
}

func TestControl_FirstAnswerIsEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		n.resolver.Store(true)
		c, start := among(t, control.Options{}, n.neighbours(true)), time.Now()
		if got := c.Confirm(t.Context()); got.Blind || time.Since(start) != 0 {
			t.Errorf("Confirm = %+v after %s, want the resolver reached at once", got, time.Since(start))
		}
	})
}

func TestControl_ConfirmsOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c := among(t, control.Options{}, func() ([]control.Neighbour, bool) {
			return []control.Neighbour{{Name: "slow", Sworn: true, Ask: func(context.Context) error {
				asked.Add(1)
				<-time.After(100 * time.Millisecond)
				return nil
			}}}, false
		})
		results := make(chan control.State)
		for range 1000 {
			go func() { results <- c.Confirm(t.Context()) }()
		}
		for range 1000 {
			if got := <-results; !got.Known {
				t.Errorf("Confirm = %+v, want a known state", got)
			}
		}
		<-time.After(899 * time.Millisecond) // 999 ms since the check began
		c.Confirm(t.Context())
		if got := asked.Load(); got != 1 {
			t.Errorf("asked %d times within a second, want 1", got)
		}
		<-time.After(time.Millisecond)
		c.Confirm(t.Context())
		if got := asked.Load(); got != 2 {
			t.Errorf("asked %d times after a second, want 2", got)
		}
	})
}

func TestControl_ConfirmEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		c := among(t, control.Options{}, n.neighbours(true))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		if got := c.Confirm(ctx); got != (control.State{}) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("Confirm = %+v after %s, want nothing known after 10ms", got, time.Since(start))
		}
		// The check goes on for whoever comes next.
		if got := c.Confirm(t.Context()); !got.Blind {
			t.Errorf("Confirm = %+v, want blind", got)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the check took %s in all, want half of its timeout: there was nobody else to ask", took)
		}
	})
}

func TestControl_RemembersBlindness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		n.resolver.Store(true)
		var changes []string
		c := among(t, control.Options{OnChange: func(s control.State) { changes = append(changes, s.Why) }}, n.neighbours(false))
		start := time.Now()
		at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Run(ctx) // checks at 0, 5, 10, …
		}()
		<-time.After(6 * time.Second)
		n.resolver.Store(false) // seen at 5, gone at 10
		<-time.After(7 * time.Second)
		if got := c.State(); !got.Blind || !got.Since.Equal(at(10)) {
			t.Errorf("State = %+v, want blind since 10 s", got)
		}
		n.resolver.Store(true) // back at 15
		<-time.After(8 * time.Second)
		for _, tt := range []struct {
			name     string
			from, to int
			want     bool
		}{
			{"before the last sight", 0, 5, false},
			{"perhaps", 4, 6, true},
			{"within", 11, 12, true},
			{"around", 0, 20, true},
			{"until it came back", 14, 20, true},
			{"after", 15, 20, false},
		} {
			got, why := c.Blinded(t.Context(), at(tt.from), at(tt.to))
			if got != tt.want {
				t.Errorf("%s: Blinded(%d s, %d s) = %t, want %t", tt.name, tt.from, tt.to, got, tt.want)
			}
			const past = "the agent's network was gone while this was probed: no answer from resolver"
			if got && why != past {
				t.Errorf("%s: because %q, want %q: now it works", tt.name, why, past)
			}
		}
		<-time.After(6 * time.Minute)
		if blind, _ := c.Blinded(t.Context(), at(0), at(20)); blind {
			t.Error("still remembers after six minutes")
		}
		cancel()
		<-done
		want := []string{"reached resolver", "no answer from resolver", "reached resolver"}
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

func TestControl_RunWaitsForItsCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Bool
		c := among(t, control.Options{}, func() ([]control.Neighbour, bool) {
			return []control.Neighbour{{Name: "slow", Sworn: true, Ask: func(context.Context) error {
				running.Store(true)
				defer running.Store(false)
				<-time.After(time.Second)
				return errors.New("no answer")
			}}}, false
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c.Run(ctx)
		if running.Load() {
			t.Error("Run returned while its check was still asking")
		}
	})
}

func TestControl_StillBlindCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		c := among(t, control.Options{}, n.neighbours(true))
		c.Confirm(t.Context())
		<-time.After(10 * time.Minute)
		now := time.Now()
		blind, why := c.Blinded(t.Context(), now.Add(-time.Second), now)
		if want := "no answer from gateway, resolver"; !blind || why != want {
			t.Errorf("Blinded = %t because %q, want true because %q: it never saw again", blind, why, want)
		}
	})
}

func TestNew_ReportsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := control.New(control.Options{Targets: []string{"192.0.2.1", "192.0.2.1:53", ":53", "host:0", "host:dns"}})
	want := strings.Join([]string{
		`target "192.0.2.1": want host:port`,
		`target ":53": no host, want host:port`,
		`target "host:0": port "0", want 1 to 65535`,
		`target "host:dns": port "dns", want 1 to 65535`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("New = %v, want\n%s", err, want)
	}
}
