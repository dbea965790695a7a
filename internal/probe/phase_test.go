package probe_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestPhases_AbsentIsNotZero(t *testing.T) {
	t.Parallel()
	var phases probe.Phases
	if _, ok := phases.Get(probe.Wait); ok {
		t.Error("wait is present, want none in the zero value")
	}
	if p, ok := phases.Longest(); ok {
		t.Errorf("got longest %v, want none in the zero value", p)
	}
	phases.Add(probe.Wait, 0)
	if d, ok := phases.Get(probe.Wait); !ok || d != 0 {
		t.Errorf("got %v, %v, want 0 and present", d, ok)
	}
	if p, ok := phases.Longest(); !ok || p != probe.Wait {
		t.Errorf("got longest %v, %v, want wait, the only one", p, ok)
	}
	for p := range probe.NumPhases {
		if _, ok := phases.Get(p); ok != (p == probe.Wait) {
			t.Errorf("%v: present %v, want wait alone", p, ok)
		}
	}
}

func TestPhases_AddUp(t *testing.T) {
	t.Parallel()
	var first, second probe.Phases
	first.Add(probe.Resolve, 1*time.Second)
	first.Add(probe.Wait, 2*time.Second)
	first.Add(probe.Wait, 3*time.Second)
	second.Add(probe.Wait, 10*time.Second)
	second.Add(probe.Deliver, 20*time.Second)
	total := first
	total.AddAll(&second)
	want := map[probe.Phase]time.Duration{probe.Resolve: time.Second, probe.Wait: 15 * time.Second, probe.Deliver: 20 * time.Second}
	for p := range probe.NumPhases {
		d, ok := total.Get(p)
		if _, reached := want[p]; d != want[p] || ok != reached {
			t.Errorf("%v: got %v, %v, want %v, %v", p, d, ok, want[p], reached)
		}
	}
	if total.Sum() != 36*time.Second {
		t.Errorf("got sum %v, want 36s", total.Sum())
	}
	if first.Sum() != 6*time.Second {
		t.Errorf("the copy changed the original: got sum %v, want 6s", first.Sum())
	}
	if p, _ := total.Longest(); p != probe.Deliver {
		t.Errorf("got longest %v, want deliver", p)
	}
	if p, _ := first.Longest(); p != probe.Wait {
		t.Errorf("got longest %v, want wait", p)
	}
}

func TestPhases_LongestOfEqualsIsTheFirst(t *testing.T) {
	t.Parallel()
	var phases probe.Phases
	phases.Add(probe.Receive, time.Second)
	phases.Add(probe.Connect, time.Second)
	if p, _ := phases.Longest(); p != probe.Connect {
		t.Errorf("got %v, want connect", p)
	}
}

func TestPhases_JSONHasOnlyThoseReached(t *testing.T) {
	t.Parallel()
	var phases probe.Phases
	phases.Add(probe.TLS, 1500*time.Millisecond)
	phases.Add(probe.Send, 0)
	data, err := json.Marshal(phases)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"send":0,"tls":1.5}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
}

func TestPhase_Words(t *testing.T) {
	t.Parallel()
	want := []string{"resolve", "connect", "tls", "send", "wait", "receive", "accept", "deliver", "discover", "load", "render"}
	if len(want) != int(probe.NumPhases) {
		t.Fatalf("got %d phases, want %d", probe.NumPhases, len(want))
	}
	for p := range probe.NumPhases {
		if p.String() != want[p] {
			t.Errorf("got %v, want %s", p, want[p])
		}
	}
	if got := probe.NumPhases.String(); got != "phase(11)" {
		t.Errorf("got %q, want phase(11)", got)
	}
}

func TestPhases_Spans(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name   string
		phases map[probe.Phase]time.Duration
		want   []string
	}{
		{"none", nil, nil},
		{
			"a request",
			map[probe.Phase]time.Duration{probe.Connect: 2 * ms, probe.Send: 0, probe.Wait: 5 * ms},
			[]string{"connect 0s+2ms", "send 2ms+0s", "wait 2ms+5ms"},
		},
		{
			"a message arrives before it is acknowledged",
			map[probe.Phase]time.Duration{probe.Connect: ms, probe.Accept: 5 * ms, probe.Deliver: 3 * ms},
			[]string{"connect 0s+1ms", "accept 1ms+5ms", "deliver 1ms+3ms"},
		},
		{
			"a page in a browser",
			map[probe.Phase]time.Duration{probe.Wait: 5 * ms, probe.Discover: ms, probe.Load: 3 * ms, probe.Render: 2 * ms},
			[]string{"wait 0s+5ms", "discover 5ms+1ms", "load 6ms+3ms", "render 9ms+2ms"},
		},
		{"arrived only", map[probe.Phase]time.Duration{probe.Deliver: 3 * ms}, []string{"deliver 0s+3ms"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var phases probe.Phases
			for p, d := range tt.phases {
				phases.Add(p, d)
			}
			var got []string
			for p, span := range phases.Spans() {
				got = append(got, fmt.Sprintf("%s %v+%v", p, span.Start, span.Duration))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("spans %q, want %q", got, tt.want)
			}
		})
	}
}
