package host

import (
	"context"
	"time"
)

// Space is what a fake answers for a mount point.
type Space struct{ Size, Free, Inodes, InodesFree uint64 }

// Unrecorded replaces what has no file and so cannot be recorded.
type Unrecorded struct {
	Statfs func(ctx context.Context, path string) (Space, error)
	Clock  func() (synchronized bool, offset, maxError time.Duration, err error)
}

// NewRecorded returns a Host on a recorded tree, which is root and self at once.
func NewRecorded(opts Options, fake Unrecorded) (*Host, error) {
	sys := newSystem(opts.Root, opts.Root)
	sys.statfs = func(ctx context.Context, path string) (space, error) {
		s, err := fake.Statfs(ctx, path)
		return space{s.Size, s.Free, s.Inodes, s.InodesFree}, err
	}
	sys.clock = func() (clockState, error) {
		synchronized, offset, maxError, err := fake.Clock()
		return clockState{synchronized, offset, maxError}, err
	}
	return newHost(opts, sys)
}

// StartAt, WakeAt and StarvedAt drive an Observer with made-up times.
func (o *Observer) StartAt(now time.Time) { o.start(now) }

func (o *Observer) WakeAt(now time.Time) { o.wake(now) }

func (o *Observer) StarvedAt(now, from, to time.Time) (bool, string) {
	return o.starvedAt(now, from, to)
}

// Spells returns how many spells are remembered.
func (o *Observer) Spells() int { return len(o.spells) }
