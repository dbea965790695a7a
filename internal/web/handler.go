package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/pprof"
	"net/url"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/record"
)

// handler holds what the routes share.
type handler struct {
	opts  *Options
	pages *pages
}

func newHandler(opts *Options) (http.Handler, error) {
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	h := &handler{opts: opts, pages: pages}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", opts.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy\n") })
	mux.HandleFunc("GET /-/ready", h.ready)
	mux.HandleFunc("POST /-/reload", h.reload)
	mux.HandleFunc("GET /api/v1/results", h.results)
	mux.HandleFunc("GET /api/v1/config", h.config)
	mux.HandleFunc("GET /assets/style.css", h.style)
	mux.HandleFunc("GET /touchpoints/{channel}/{touchpoint}", h.touchpoint)
	mux.HandleFunc("GET /{$}", h.status)
	if opts.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return secure(mux), nil
}

// secure sets the headers that keep what a channel sent from doing anything in a reader's browser.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; "+
			"frame-ancestors 'none'; base-uri 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the reader may have gone
}

func (h *handler) ready(w http.ResponseWriter, _ *http.Request) {
	if !h.opts.Source.Ready() {
		plain(w, http.StatusServiceUnavailable, "not ready: probing has not begun\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func (h *handler) reload(w http.ResponseWriter, r *http.Request) {
	if err := sameOrigin(r); err != nil {
		plain(w, http.StatusForbidden, err.Error()+"\n")
		return
	}
	if err := h.opts.Source.Reload(); err != nil {
		plain(w, http.StatusUnprocessableEntity, err.Error()+"\n")
		return
	}
	plain(w, http.StatusOK, "reloaded\n")
}

// sameOrigin refuses what a page of another origin makes a reader's browser send. Programs send no Origin.
func sameOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
		return errors.New("cross-origin request refused")
	}
	return nil
}

// results answers with the last record of every touchpoint; ?channel= and ?touchpoint= narrow it. With both, the
// failures that are still kept follow, newest first.
func (h *handler) results(w http.ResponseWriter, r *http.Request) {
	channel, touchpoint := r.FormValue("channel"), r.FormValue("touchpoint")
	records := []record.Record{}
	for _, c := range h.opts.Source.Channels() {
		if channel != "" && channel != c.Name {
			continue
		}
		for _, tp := range c.Touchpoints {
			if touchpoint == "" || touchpoint == tp.Name {
				records = append(records, h.records(tp, channel != "" && touchpoint != "")...)
			}
		}
	}
	writeJSON(w, struct {
		Results []record.Record `json:"results"`
	}{records})
}

// records returns the last record of a touchpoint, and with failures also those that are kept.
func (h *handler) records(tp *probe.Touchpoint, failures bool) []record.Record {
	last, ok := h.opts.Recent.Last(tp.Key())
	if !ok {
		return nil
	}
	entries := []recent.Entry{last}
	if failures {
		for _, e := range h.opts.Recent.Failures(tp.Key()) {
			if !e.Result.Start.Equal(last.Result.Start) {
				entries = append(entries, e)
			}
		}
	}
	records := make([]record.Record, len(entries))
	for i := range entries {
		records[i] = record.New(h.opts.Catalogue, tp, &entries[i].Result, entries[i].Verdict, entries[i].Err)
	}
	return records
}

func (h *handler) config(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, h.opts.Source.ConfigView())
}

func writeJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		plain(w, http.StatusInternalServerError, "encoding the answer: "+err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // the reader may have gone
}
