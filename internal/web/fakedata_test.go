package web_test

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

func score(window string, value, up float64, rating probe.Rating) *view.Score {
	return &view.Score{Window: window, Score: value, Up: up, Gap: up - value, Rating: rating, At: time.Now()}
}

func cause(id probe.CheckID, dimension string, points float64) view.Cause {
	return view.Cause{
		Check: id, Dimension: dimension, Points: points, Title: map[string]string{"fast": "slow server", "correct": "wrong price"}[dimension],
		Marketing: map[string]string{"fast": "Customers wait for the page longer than was agreed.", "correct": "Customers see a price that is not the right one."}[dimension],
		IT:        map[string]string{"fast": "The first byte takes longer than the limit.", "correct": "The text that was expected is missing from the body."}[dimension],
	}
}

// shop returns the channels of a made-up company, each in another state.
func shop() *fakeViews {
	at := time.Now().Truncate(time.Second)
	since := at.Add(-47 * time.Minute)
	month, left, review := 96.4312, 0.41, time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)
	slow, wrong := cause("slow_server", "fast", 8.75), cause("body_text_missing", "correct", 2.5)
	f := &fakeViews{at: at, channels: []view.Channel{
		{
			Name: "app", Title: "Mobile app", Type: "mobile_app", Rating: probe.Poor, Since: &since,
			Now: score("5m", 41.25, 97.5, probe.Poor), Day: score("1d", 88.12, 99.3, probe.Good), Causes: []view.Cause{cause("slow_server", "fast", 51.25), cause("body_text_missing", "correct", 7.5)}, CausesOf: "5m",
			Agreement: view.Agreement{State: view.Broken, Score: 95, Window: "28d", Got: &month, Left: &left, Words: view.Sides{
				Marketing: "95 agreed over 28 days, 91.2 so far.", IT: "95 agreed over 28 days, 91.2 so far; error budget overspent by 76 %.",
			}},
		},
		{
			Name: "web", Title: "Web shop", Type: "desktop_web", OwnerIT: "it@shop.example", OwnerMarketing: "brand@shop.example", Rating: probe.Good,
			Since: &since, SinceAtLeast: true, Now: score("5m", 88.75, 100, probe.Good), Day: score("1d", 91.2512, 99.9, probe.Excellent), Month: score("28d", month, 99.95, probe.Excellent),
			Causes: []view.Cause{slow, wrong}, CausesOf: "5m",
			Agreement: view.Agreement{State: view.Kept, Score: 95, Window: "28d", Got: &month, Left: &left, Coverage: 0.9, Review: &review, Words: view.Sides{
				Marketing: "95 agreed over 28 days, 96.4 so far.", IT: "95 agreed over 28 days, 96.4 so far; 41 % of the error budget left.",
			}},
		},
		{
			Name: "mobile", Title: "Mobile website", Type: "mobile_web", OwnerIT: "it@shop.example", OwnerMarketing: "brand@shop.example", Rating: probe.Excellent,
			Now: score("5m", 100, 100, probe.Excellent), Day: score("1d", 99.97, 100, probe.Excellent), Month: score("28d", 97.2, 99.95, probe.Excellent),
			Agreement: view.Agreement{State: view.AtRisk, Score: 97, Window: "28d", Words: view.Sides{Marketing: "97 agreed over 28 days, 97.2 so far.", IT: "97 agreed over 28 days, 97.2 so far; 7 % of the error budget left."}},
		},
		{
			Name: "push", Title: "Push messages", Type: "push", Rating: probe.Fair, Since: &since, Now: score("5m", 71, 99.1, probe.Fair), Day: score("1d", 93, 99.1, probe.Excellent),
			Causes: []view.Cause{slow}, CausesOf: "5m",
			Agreement: view.Agreement{State: view.TooEarly, Score: 90, Window: "7d", Words: view.Sides{Marketing: "12 % of the 7 days measured.", IT: "12 % of the 7 days measured."}},
		},
		{Name: "mail", Title: "Newsletter", Type: "email", Rating: probe.Excellent, Now: score("5m", 100, 100, probe.Excellent), Day: score("1d", 98.3, 99.1, probe.Excellent), Agreement: view.Agreement{State: view.NoAgreement}},
		{Name: "social", Title: "Social previews", Type: "social", Rating: probe.Unknown, Agreement: view.Agreement{State: view.NoAgreement}},
	}}
	f.channels[3].Day.Early, f.channels[3].Day.Coverage = true, 0.1234
	for i := range f.channels {
		c := &f.channels[i]
		c.Words = view.Words{Gap: "Not enough data yet."}
		if c.Now != nil {
			c.Words.Gap = fmt.Sprintf("Up %.1f %%, good or better %.1f %%: %.1f points are slow server.", c.Now.Up, c.Now.Score, c.Now.Gap)
		}
		if c.Since != nil {
			c.Words.Since = "Below good for 47 min"
		}
		if len(c.Causes) > 0 {
			c.Words.Cause = view.Sides{Marketing: c.Causes[0].Marketing, IT: c.Causes[0].IT}
		}
	}
	until := at.Add(-2 * time.Hour)
	f.incidents = []view.Incident{
		{
			Channel: "app", Title: "Mobile app", From: since, Seconds: 47 * 60, Worst: probe.Poor, Score: 22.5, Causes: f.channels[0].Causes,
			Alerts: []view.Alert{{Name: "ChannelPoor", Severity: "page", From: since}}, Hosts: []view.Host{{Instance: "host-a.shop.example"}},
			Words: view.Sides{Marketing: "Customers wait for the page longer than was agreed.", IT: "The first byte takes longer than the limit."},
		},
		{
			Channel: "web", Title: "Web shop", From: at.Add(-3 * time.Hour), Until: &until, Seconds: 3600, Worst: probe.Fair, Score: 66, Causes: f.channels[1].Causes,
			Words: view.Sides{Marketing: "Customers wait for the page longer than was agreed.", IT: "The first byte takes longer than the limit."},
		},
	}
	return f
}

// fleet returns as many channels.
func fleet(n int) *fakeViews {
	f := shop()
	one := f.channels[1]
	f.channels = nil
	for i := range n {
		c := one
		c.Name, c.Title, c.Rating = fmt.Sprintf("channel-%d", i), fmt.Sprintf("Channel number %d", i), probe.Ratings()[i%5]
		f.channels = append(f.channels, c)
	}
	return f
}
