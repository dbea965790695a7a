package agent

import (
	"slices"
	"testing"

	"github.com/channelwatch/channelwatch/internal/history"
	"github.com/channelwatch/channelwatch/internal/notify"
)

func TestTroubleOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status history.Status
		why    string
		ready  bool
	}{
		{"all is well", history.Status{State: history.Ready, Open: true}, "", true},
		{"opening", history.Status{State: history.Opening}, "The history is being opened; scores follow in a moment.", false},
		{
			"full while it runs",
			history.Status{State: history.Full, Open: true, Why: "only 1 MiB is free"},
			"Nothing new is recorded, so scores are old: only 1 MiB is free", true,
		},
		{
			"full from the start",
			history.Status{State: history.Full, Why: "only 1 MiB is free"},
			"The history cannot be read, so there are no scores: only 1 MiB is free", false,
		},
		{
			"the clock went back",
			history.Status{State: history.Waiting, Open: true, Why: "the clock is 59m behind"},
			"Nothing new is recorded, so scores are old: the clock is 59m behind", true,
		},
		{
			"read-only from the start",
			history.Status{State: history.ReadOnly, Why: "/x cannot be written"},
			"The history cannot be read, so there are no scores: /x cannot be written", false,
		},
		{
			"torn, until it is opened anew",
			history.Status{State: history.Failed, Open: true, Why: "writing the log: input/output error"},
			"Nothing new is recorded, so scores are old: writing the log: input/output error", true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if why, ready := troubleOf(tt.status); why != tt.why || ready != tt.ready {
				t.Errorf("got %q, %v, want %q, %v", why, ready, tt.why, tt.ready)
			}
		})
	}
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	got := waiting(notify.Stats{Receivers: []notify.ReceiverStats{
		{Receiver: "email", Pending: 2, Failed: 7},
		{Receiver: "webhook", Pending: 1},            // on its way for the first time
		{Receiver: "webhook", Failed: 3, GivenUp: 1}, // nothing waits
	}})
	want := []string{"Messages that wait to be delivered by email: 2. Attempts that failed since the start: 7; the log says why."}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
