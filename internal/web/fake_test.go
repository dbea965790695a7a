package web_test

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// fakeViews answers with channels that somebody made up.
type fakeViews struct {
	channels  []view.Channel
	incidents []view.Incident
	at        time.Time
	browsed   bool           // whether touchpoints are pages that browsers load
	field     []view.Field   // what browsers told of them
	messages  *view.Messages // of touchpoints
	err       error          // of every answer
}

func length(r view.Range) time.Duration {
	switch r {
	case view.Hour:
		return time.Hour
	case view.Week:
		return 7 * 24 * time.Hour
	case view.Month:
		return 28 * 24 * time.Hour
	}
	return 24 * time.Hour
}

func (f *fakeViews) Overview(_ context.Context, back view.Range) (*view.Overview, error) {
	if f.err != nil {
		return nil, f.err
	}
	o := &view.Overview{At: f.at, Range: back, From: f.at.Add(-length(back))}
	for i, c := range f.channels {
		if c.Now != nil {
			c.Timeline, c.Spark = fakeSpans(i, c.Rating, o.From, o.At), fakeLine(c.Now.Score, 12, o.From, o.At)
		}
		o.Channels = append(o.Channels, c)
	}
	return o, nil
}

func (f *fakeViews) find(name string) (int, error) {
	for i := range f.channels {
		if f.channels[i].Name == name {
			return i, f.err
		}
	}
	return 0, fmt.Errorf("channel %q: %w", name, view.ErrNotFound)
}

func (f *fakeViews) Channel(_ context.Context, name string, back view.Range) (*view.ChannelPage, error) {
	i, err := f.find(name)
	if err != nil {
		return nil, err
	}
	page := &view.ChannelPage{Channel: f.channels[i], At: f.at, Range: back, From: f.at.Add(-length(back)), Incidents: f.incidents}
	if page.Now == nil {
		return page, nil
	}
	page.Timeline = fakeSpans(i, page.Rating, page.From, page.At)
	for d, name := range []string{"reachable", "correct", "fast", "trusted"} {
		rating := probe.Excellent
		if name == "fast" {
			rating = page.Rating
		}
		page.Dimensions = append(page.Dimensions, view.Dimension{Name: name, Rating: rating, Timeline: fakeSpans(i+3*d, rating, page.From, page.At)})
	}
	for t, name := range []string{"checkout", "home", "search"} {
		rating := page.Rating
		if t > 0 {
			rating = probe.Excellent
		}
		page.Touchpoints = append(page.Touchpoints, fakeTouchpoint(page, name, rating))
	}
	if f.browsed {
		page.Field = f.field
	}
	page.Windows = []view.Score{*page.Now, *page.Day}
	page.Score, page.Lost = fakeLost(page.Causes, page.From, page.At)
	page.Hosts = []view.Host{{Instance: "host-a.shop.example", Saturated: []view.Stretch{{From: f.at.Add(-length(back) / 4), Until: f.at.Add(-length(back) / 5)}}}}
	return page, nil
}

func fakeTouchpoint(page *view.ChannelPage, name string, rating probe.Rating) view.Touchpoint {
	return view.Touchpoint{
		Channel: page.Name, Name: name, Title: string(name[0]-32) + name[1:], Kind: "page", Tier: "critical", Weight: 1, Rating: rating,
		Now: page.Now, Day: page.Day, Timeline: fakeSpans(int(rating), rating, page.From, page.At), Words: page.Words,
		Speed: fakeLine(1.4, 0.9, page.From, page.At), Limits: &view.Limits{Excellent: 0.8, Good: 1.8, Fair: 4},
	}
}

func (f *fakeViews) Touchpoint(ctx context.Context, channel, name string, back view.Range) (*view.TouchpointPage, error) {
	c, err := f.Channel(ctx, channel, back)
	if err != nil {
		return nil, err
	}
	for _, t := range append(c.Touchpoints, fakeTouchpoint(c, "basket", probe.Good)) {
		if t.Name == name {
			page := &view.TouchpointPage{
				Touchpoint: t, At: c.At, Range: back, From: c.From, Windows: c.Windows, Lost: c.Lost, Score: c.Score,
				Phases: []view.PhaseOverTime{
					{Phase: "connect", Line: fakeLine(0.1, 0.05, c.From, c.At)}, {Phase: "wait", Line: fakeLine(0.9, 0.5, c.From, c.At)},
				},
				Queries: []view.QueryOfInterest{{Title: "Score now", Expr: `touchpoint:channelwatch_score:5m{channel="` + channel + `"}`}},
			}
			if f.browsed {
				f.addBrowsed(page)
			}
			if f.messages != nil {
				f.addMessages(page)
			}
			return page, nil
		}
	}
	return nil, fmt.Errorf("touchpoint %q: %w", name, view.ErrNotFound)
}

func (f *fakeViews) Incidents(_ context.Context, channel string, _ view.Range) ([]view.Incident, error) {
	if channel != "" {
		if _, err := f.find(channel); err != nil {
			return nil, err
		}
	}
	var out []view.Incident
	for _, i := range f.incidents {
		if channel == "" || i.Channel == channel {
			out = append(out, i)
		}
	}
	return out, f.err
}

// fakeSpans returns a timeline that is mostly good or excellent and ends with a rating.
func fakeSpans(seed int, now probe.Rating, from, until time.Time) []view.Span {
	step := until.Sub(from) / 48
	var spans []view.Span
	for i := range 48 {
		rating := probe.Excellent
		switch n := (i*7 + seed*11) % 23; {
		case i > 44:
			rating = now
		case n == 3:
			rating = probe.Fair
		case n == 9 && seed%2 == 0:
			rating = probe.Poor
		case n == 15 && seed%3 == 0:
			rating = probe.Unknown
		case n > 12:
			rating = probe.Good
		}
		at := from.Add(time.Duration(i) * step)
		if len(spans) > 0 && spans[len(spans)-1].Rating == rating {
			spans[len(spans)-1].Until = at.Add(step)
			continue
		}
		spans = append(spans, view.Span{From: at, Until: at.Add(step), Rating: rating})
	}
	return spans
}

func fakeLine(level, swing float64, from, until time.Time) []view.Point {
	step := until.Sub(from) / 60
	points := make([]view.Point, 0, 60)
	for i := range 60 {
		if i > 20 && i < 24 {
			continue
		}
		v := level - swing*(0.5+0.5*math.Sin(float64(i)/5))*float64(i%7)/7
		points = append(points, view.Point{At: from.Add(time.Duration(i+1) * step), Value: max(v, 0)})
	}
	return points
}

func fakeLost(causes []view.Cause, from, until time.Time) ([]view.Point, []view.CauseOverTime) {
	score := fakeLine(0, 0, from, until)
	for i := range score {
		score[i].Value = 100
	}
	lost := make([]view.CauseOverTime, len(causes))
	for i, c := range causes {
		lost[i].Cause = c
		for j, p := range fakeLine(2*c.Points, c.Points, from, until) {
			lost[i].Line = append(lost[i].Line, p)
			score[j].Value -= p.Value
		}
	}
	return score, lost
}
