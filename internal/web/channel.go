package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// maxSpeedCharts is how many touchpoints of a channel have their speed drawn; all have it on their own page.
const maxSpeedCharts = 12

// channelPage is everything about one channel.
type channelPage struct {
	frame
	Recorded *view.ChannelPage
	From     time.Time // start of the time axis

	Row       channelRow
	Lost      *chart
	Speed     []*chart
	Incidents []incidentRow
	Field     *fieldTable
}

func (h *handler) channel(w http.ResponseWriter, r *http.Request) {
	f := h.frame(w, r, "channels", "Channel", 1)
	name := r.PathValue("channel")
	why, ready := h.opts.scores()
	if !ready {
		f.Section = ""
		h.status(w, r, f, why)
		return
	}
	f.addNotice(why)
	ctx, cancel := context.WithTimeout(r.Context(), viewDeadline)
	defer cancel()
	page, err := h.opts.Views.Channel(ctx, name, f.Range)
	if err == nil && f.tooYoung(page.At, page.Timeline) {
		page, err = h.opts.Views.Channel(ctx, name, f.Range)
	}
	switch {
	case errors.Is(err, view.ErrNotFound):
		h.notThere(w, r, f, "There is no channel of this name, or nothing was recorded about it yet.")
	case err != nil:
		h.status(w, r, f, unreadable(err))
	default:
		f.Title, f.Charts = page.Title, true
		h.page(w, r, http.StatusOK, "channel", newChannelPage(&f, page))
	}
}

func newChannelPage(f *frame, c *view.ChannelPage) *channelPage {
	from := f.start(c.From, c.At)
	page := &channelPage{frame: *f, Recorded: c, From: from, Lost: lostChart(c.Lost, c.Score, from, c.At)}
	page.Row = channelRow{&c.Channel, &page.frame, from, c.At, true}
	page.Incidents = incidentRows(&page.frame, c.Incidents)
	page.Field = newField(c.Field)
	for i := range c.Touchpoints {
		if len(page.Speed) == maxSpeedCharts {
			break
		}
		if speed := speedChart(&c.Touchpoints[i], "speed"+strconv.Itoa(i), c.Touchpoints[i].Title, from, c.At); speed != nil {
			page.Speed = append(page.Speed, speed)
		}
	}
	return page
}

// CauseKey returns the colour of a cause in the chart; empty when it has none.
func (p *channelPage) CauseKey(check probe.CheckID) string {
	for i := range p.Recorded.Lost {
		if p.Recorded.Lost[i].Check == check {
			return "cause" + strconv.Itoa(min(i, maxCauses)+1)
		}
	}
	return ""
}

// Evidence returns a link to the results of the touchpoint that lost most by what costs the channel most; empty when nothing
// did.
func (p *channelPage) Evidence() string {
	main := p.Row.MainCause()
	if main == nil || len(p.Recorded.Touchpoints) == 0 {
		return ""
	}
	worst := &p.Recorded.Touchpoints[0] // they come worst first
	most := 0.0
	for i := range p.Recorded.Touchpoints {
		t := &p.Recorded.Touchpoints[i]
		if t.Cause != nil && t.Cause.Check == main.Check && t.Cause.Points > most {
			worst, most = t, t.Cause.Points
		}
	}
	return p.Touchpoint(p.Recorded.Name, worst.Name) + "#results"
}

// problemPage says why a page cannot be shown.
type problemPage struct {
	frame
	Text string
}

func (h *handler) notThere(w http.ResponseWriter, r *http.Request, f frame, text string) {
	f.Title, f.Live, f.Refresh = "Not there", "off", 0
	h.page(w, r, http.StatusNotFound, "problem", &problemPage{f, text})
}
