package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// incidentsPage lists when channels were not good.
type incidentsPage struct {
	frame
	Incidents []incidentRow
	Channels  []choice
	Chosen    string // title of the channel that is shown alone
	Recorded  bool   // whether there is a record in which to look
}

// choice is a channel to filter by.
type choice struct {
	Name, Title string
	Chosen      bool
}

// incidentRow is an incident as the pages show it.
type incidentRow struct {
	*view.Incident

	Frame *frame
}

// What returns the sentence for the reader about what happened.
func (r incidentRow) What() string { return r.Frame.Pick(r.Words) }

// Lasted is how long the incident took, or has taken so far.
func (r incidentRow) Lasted() time.Duration { return time.Duration(r.Seconds * float64(time.Second)) }

// Brief reports whether it is too short to be told in minutes.
func (r incidentRow) Brief() bool { return r.Lasted() < time.Minute }

func (h *handler) incidents(w http.ResponseWriter, r *http.Request) {
	f := h.frame(w, r, "incidents", "Incidents", 0)
	page := &incidentsPage{frame: f}
	var status int
	page.Why, status = h.readIncidents(r, page)
	h.page(w, r, status, "incidents", page)
}

// readIncidents fills in the page; it returns why there is nothing to show.
func (h *handler) readIncidents(r *http.Request, page *incidentsPage) (why string, status int) {
	why, ready := h.opts.scores()
	if !ready {
		return why, http.StatusOK
	}
	page.addNotice(why)
	ctx, cancel := context.WithTimeout(r.Context(), viewDeadline)
	defer cancel()
	chosen := r.URL.Query().Get("channel")
	overview, err := h.opts.Views.Overview(ctx, page.Range)
	if err != nil {
		return unreadable(err), http.StatusOK
	}
	for i := range overview.Channels {
		c := &overview.Channels[i]
		page.Channels = append(page.Channels, choice{c.Name, c.Title, c.Name == chosen})
		if c.Name == chosen {
			page.Chosen = c.Title
		}
		if chosen == "" || c.Name == chosen {
			page.lookedIn(c.Timeline)
		}
	}
	incidents, err := h.opts.Views.Incidents(ctx, chosen, page.Range)
	if errors.Is(err, view.ErrNotFound) {
		return "There is no such channel.", http.StatusNotFound
	}
	if err != nil {
		return unreadable(err), http.StatusOK
	}
	page.Incidents = incidentRows(&page.frame, incidents)
	return "", http.StatusOK
}

// lookedIn tells the page of the record of a channel.
func (p *incidentsPage) lookedIn(spans []view.Span) {
	if len(spans) == 0 {
		return
	}
	p.Recorded = true
	if begun := spans[0].From; p.first.IsZero() || begun.Before(p.first) {
		p.first = begun
	}
}

func incidentRows(f *frame, incidents []view.Incident) []incidentRow {
	rows := make([]incidentRow, len(incidents))
	for i := range incidents {
		rows[i] = incidentRow{&incidents[i], f}
	}
	return rows
}
