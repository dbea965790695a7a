package push

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// ConfirmedOutcomes returns the checks of messages that devices confirm: all of Outcomes that a receipt can tell. It is
// the same whatever the message had in it, so that nobody sees a garbled one.
func ConfirmedOutcomes(unwatched bool) []probe.CheckID {
	return slices.DeleteFunc(Outcomes(true, unwatched), func(id probe.CheckID) bool { return id == Corrupted })
}

// ConfirmedNames returns the metrics of such messages.
func ConfirmedNames() []string {
	return slices.DeleteFunc(Names(true), func(name string) bool { return name == CorruptedTotal })
}
