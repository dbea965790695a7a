package push_test

import (
	"slices"
	"testing"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestConfirmed(t *testing.T) {
	t.Parallel()
	checks, names := push.ConfirmedOutcomes(true), push.ConfirmedNames()
	if slices.Contains(checks, push.Corrupted) || slices.Contains(names, push.CorruptedTotal) {
		t.Errorf("got %v and %v, want nothing about garbled messages", checks, names)
	}
	if got, want := len(checks), len(push.Outcomes(true, true))-1; got != want {
		t.Errorf("got %d checks, want all others: %d", got, want)
	}
	if got, want := len(names), len(push.Names(true))-1; got != want {
		t.Errorf("got %d metrics, want all others: %d", got, want)
	}
}
