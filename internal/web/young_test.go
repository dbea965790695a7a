package web_test

import (
	"context"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// youngViews know only the last ten minutes.
type youngViews struct{ *fakeViews }

func (v *youngViews) cut(spans []view.Span) []view.Span {
	if len(spans) == 0 {
		return nil
	}
	last := spans[len(spans)-1]
	last.From = v.at.Add(-10 * time.Minute)
	return []view.Span{last}
}

func (v *youngViews) Overview(ctx context.Context, back view.Range) (*view.Overview, error) {
	o, err := v.fakeViews.Overview(ctx, back)
	for i := range o.Channels {
		o.Channels[i].Timeline = v.cut(o.Channels[i].Timeline)
	}
	return o, err
}

func (v *youngViews) Channel(ctx context.Context, name string, back view.Range) (*view.ChannelPage, error) {
	c, err := v.fakeViews.Channel(ctx, name, back)
	c.Timeline = v.cut(c.Timeline)
	return c, err
}

func (v *youngViews) Touchpoint(ctx context.Context, channel, name string, back view.Range) (*view.TouchpointPage, error) {
	t, err := v.fakeViews.Touchpoint(ctx, channel, name, back)
	t.Timeline = v.cut(t.Timeline)
	return t, err
}
