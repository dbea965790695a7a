package web

import (
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// handler holds what the routes share.
type handler struct {
	*sender

	opts    *Options
	pages   *pages
	assets  *assets
	streams *streams
	limiter *limiter
	probed  probedResults
}

func newHandler(opts *Options, closing <-chan struct{}) (http.Handler, error) {
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	assets, err := newAssets()
	if err != nil {
		return nil, err
	}
	h := &handler{
		sender: newSender(), opts: opts, pages: pages, assets: assets, limiter: newLimiter(),
		streams: newStreams(opts.Updates, closing),
	}
	mux := http.NewServeMux()
	pack, err := gzhttp.NewWrapper(gzhttp.EnableZstd(false)) // its encoders take megabytes
	if err != nil {
		return nil, err
	}
	h.routePages(mux)
	h.routeAPI(mux, pack)
	mux.Handle("GET /metrics", opts.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "healthy\n") })
	mux.HandleFunc("GET /-/ready", h.ready)
	mux.HandleFunc("POST /-/reload", h.reload)
	if opts.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return secure(h.leadHome(mux)), nil
}

func (h *handler) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", h.overview)
	mux.HandleFunc("GET /channels/{channel}", h.channel)
	mux.HandleFunc("GET /touchpoints/{channel}/{touchpoint}", h.touchpoint)
	mux.HandleFunc("POST /touchpoints/{channel}/{touchpoint}", h.probeNow)
	mux.HandleFunc("GET /touchpoints/{channel}/{touchpoint}/pictures/{id}", h.picture)
	mux.HandleFunc("GET /incidents", h.incidents)
	mux.HandleFunc("GET /wall", h.wall)
	mux.HandleFunc("GET /badge/{file}", h.badge)
	mux.Handle("GET /assets/{version}/{file}", h.assets)
	if h.opts.Updates != nil {
		mux.Handle("GET /events", h.streams)
	}
}

// routeAPI leaves to the query API what is not the pages' own. Its answers may be long: they are packed as they come.
func (h *handler) routeAPI(mux *http.ServeMux, pack func(http.Handler) http.HandlerFunc) {
	mux.HandleFunc("GET /api/v1/results", h.results)
	mux.HandleFunc("GET /api/v1/config", h.config)
	mux.HandleFunc("GET /api/v1/channels", h.apiChannels)
	mux.HandleFunc("GET /api/v1/channels/{channel}", h.apiChannel)
	mux.HandleFunc("GET /api/v1/touchpoints/{channel}/{touchpoint}", h.apiTouchpoint)
	mux.HandleFunc("GET /api/v1/touchpoints/{channel}/{touchpoint}/results", h.apiResults)
	mux.HandleFunc("GET /api/v1/incidents", h.apiIncidents)
	mux.HandleFunc("GET /api/v1/openapi.json", h.openAPI)
	if h.opts.QueryAPI != nil {
		queries := pack(h.opts.QueryAPI)
		mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
			if err := sameOrigin(r); err != nil { // an answer costs up to 30 s of work, whoever may read it
				h.fail(w, r, http.StatusForbidden, err.Error())
				return
			}
			queries.ServeHTTP(w, r)
		})
	} else {
		mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
			h.fail(w, r, http.StatusNotFound, "no such path, or this agent has no history to query")
		})
	}
}

// leadHome shows people who mistyped an address a page with a way home. Programs get the plain answers of the mux.
func (h *handler) leadHome(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			if _, pattern := mux.Handler(r); pattern == "" {
				f := h.frame(w, r, "", "", strings.Count(r.URL.Path, "/")-1)
				h.notThere(w, r, f, "There is no page of this address.")
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
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
