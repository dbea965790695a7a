package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// viewDeadline is how long reading the recorded series for one page may take.
const viewDeadline = 15 * time.Second

// scores says whether there are Views to ask, and in a sentence what is wrong with them.
func (o *Options) scores() (why string, ready bool) {
	return scores(o.Views, o.History)
}

func scores(views Views, history func() (string, bool)) (why string, ready bool) {
	ready = true
	if history != nil {
		why, ready = history()
	}
	if ready && views == nil {
		return "This agent keeps no history, so there are no scores: what you see are the last results.", false
	}
	return why, ready
}

// answer answers a program with what ask returns.
func answer[T any](h *handler, w http.ResponseWriter, r *http.Request, ask func(ctx context.Context, back view.Range) (T, error)) {
	rng, ok := back(r)
	if !ok {
		h.fail(w, r, http.StatusBadRequest, "range: want one of 1h, 24h, 7d, 28d")
		return
	}
	if why, ready := h.opts.scores(); !ready {
		w.Header().Set("Retry-After", "15")
		h.fail(w, r, http.StatusServiceUnavailable, why)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), viewDeadline)
	defer cancel()
	value, err := ask(ctx, rng)
	switch {
	case errors.Is(err, view.ErrNotFound):
		h.fail(w, r, http.StatusNotFound, err.Error())
	case err != nil:
		w.Header().Set("Retry-After", "15")
		h.fail(w, r, http.StatusServiceUnavailable, "reading the recorded series: "+err.Error())
	default:
		h.json(w, r, http.StatusOK, value)
	}
}

func (h *handler) apiChannels(w http.ResponseWriter, r *http.Request) {
	answer(h, w, r, func(ctx context.Context, back view.Range) (*view.Overview, error) {
		return h.opts.Views.Overview(ctx, back)
	})
}

func (h *handler) apiChannel(w http.ResponseWriter, r *http.Request) {
	answer(h, w, r, func(ctx context.Context, back view.Range) (*view.ChannelPage, error) {
		return h.opts.Views.Channel(ctx, r.PathValue("channel"), back)
	})
}

func (h *handler) apiTouchpoint(w http.ResponseWriter, r *http.Request) {
	answer(h, w, r, func(ctx context.Context, back view.Range) (*view.TouchpointPage, error) {
		return h.opts.Views.Touchpoint(ctx, r.PathValue("channel"), r.PathValue("touchpoint"), back)
	})
}

func (h *handler) apiIncidents(w http.ResponseWriter, r *http.Request) {
	type list struct {
		Incidents []view.Incident `json:"incidents"`
	}
	answer(h, w, r, func(ctx context.Context, back view.Range) (list, error) {
		incidents, err := h.opts.Views.Incidents(ctx, r.URL.Query().Get("channel"), back)
		return list{append([]view.Incident{}, incidents...)}, err
	})
}

// openAPI answers with the description of the JSON API.
func (h *handler) openAPI(w http.ResponseWriter, r *http.Request) {
	h.send(w, r, http.StatusOK, "application/json", openAPIDocument())
}
