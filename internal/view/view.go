// Package view turns recorded series into what people read: how good every channel is, why, since when, and whether
// the agreement holds. The pages, the JSON API and the badges show its models and nothing else, so that they agree to the
// last digit. It computes no score: every score, rating, gap and point lost is read from the series that the recording
// rules made, here or on a Prometheus elsewhere (see package query).
//
// It imports the domain and query.
package view

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// ErrNotFound is returned for a channel or a touchpoint that no agent has reported lately.
var ErrNotFound = errors.New("not found")

// Options configures a View.
type Options struct {
	Engine   query.Engine
	Deadline time.Duration // of all questions of one page; 0 means 15 s
}

// View answers for the pages. It keeps what it has built for a moment, so that many readers cost one. It is safe for
// concurrent use.
type View struct {
	engine   query.Engine
	deadline time.Duration
	cache    cache
}

// New returns a view of what the engine has.
func New(opts Options) *View {
	if opts.Deadline == 0 {
		opts.Deadline = 15 * time.Second
	}
	return &View{engine: opts.Engine, deadline: opts.Deadline}
}

// Overview returns all channels. Like the other models it is shared by its readers: they change nothing in it.
func (v *View) Overview(ctx context.Context, r Range) (*Overview, error) {
	return cached(ctx, v, key{page: "overview", r: r}, func(ctx context.Context, last rounds) (*Overview, error) {
		return overview(ctx, v.engine, last, r)
	})
}

// Channel returns everything about one channel, or ErrNotFound.
func (v *View) Channel(ctx context.Context, name string, r Range) (*ChannelPage, error) {
	if !isName(name) {
		return nil, ErrNotFound
	}
	return cached(ctx, v, key{page: "channel", r: r, channel: name}, func(ctx context.Context, last rounds) (*ChannelPage, error) {
		return channelPage(ctx, v.engine, last, name, r)
	})
}

// Touchpoint returns what the recorded series know of one touchpoint, or ErrNotFound.
func (v *View) Touchpoint(ctx context.Context, channel, name string, r Range) (*TouchpointPage, error) {
	if !isName(channel) || !isName(name) {
		return nil, ErrNotFound
	}
	k := key{page: "touchpoint", r: r, channel: channel, touchpoint: name}
	return cached(ctx, v, k, func(ctx context.Context, last rounds) (*TouchpointPage, error) {
		return touchpointPage(ctx, v.engine, last, channel, name, r)
	})
}

// Incidents returns the incidents of a channel, or of all when it is empty, newest first and at most 200. It returns
// ErrNotFound for a channel that is not there.
func (v *View) Incidents(ctx context.Context, channel string, r Range) ([]Incident, error) {
	if channel != "" && !isName(channel) {
		return nil, ErrNotFound
	}
	return cached(ctx, v, key{page: "incidents", r: r, channel: channel}, func(ctx context.Context, last rounds) ([]Incident, error) {
		return incidentsPage(ctx, v.engine, last, channel, r)
	})
}

// name is what the configuration accepts as the name of a channel or a touchpoint.
var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// isName spares the engine what cannot be there.
func isName(text string) bool { return name.MatchString(text) }
