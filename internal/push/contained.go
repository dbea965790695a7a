package push

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// panicked is what a reader panicked with.
type panicked struct{ text string }

// Error says with what, and where.
func (p *panicked) Error() string { return p.text }

// Contained runs what reads from a held connection on a goroutine of its own. A panic of it, such as one that the other
// side's bytes provoke, comes back as an error that says with what and where: it ends the connection, not the agent.
func Contained(read func() error) (err error) {
	const maxText = 200
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{fmt.Sprintf("reading panicked: %s (%s)", probe.Clip(fmt.Sprint(p), maxText), raised())}
		}
	}()
	return read()
}

// Panicked reports whether an error is what Contained makes of a panic.
func Panicked(err error) bool {
	_, ok := errors.AsType[*panicked](err)
	return ok
}

// raised returns the line of code that the panic comes from that is being recovered.
func raised() string {
	calls := make([]uintptr, 16)
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls)]) // without this function and its two callers
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
	}
}
