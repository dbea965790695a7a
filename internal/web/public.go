package web

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// publicAge is how long a public page is shown again before it is read anew: strangers must not be able to burden the agent.
const publicAge = 10 * time.Second

// PublicOptions configures the endpoint for everybody. Views, Channels and Log must be set.
type PublicOptions struct {
	Views    Views
	History  func() (why string, ready bool) // as in Options; what it says is not shown
	Channels []string                        // names of the channels that are shown, and no others
	Title    string                          // of the page; empty for "Channels"
	Demo     bool

	WebConfigFile string // exporter-toolkit web configuration; empty for none
	Log           *slog.Logger
}

// NewPublic returns a server of one page for everybody: how good the named channels are and were. It says nothing about
// owners, hosts, addresses, touchpoints or this agent, and serves nothing else.
func NewPublic(opts PublicOptions) (*Server, error) {
	if err := ValidateConfig(opts.WebConfigFile); err != nil {
		return nil, fmt.Errorf("web_config_file %q: %w", opts.WebConfigFile, err)
	}
	if opts.Title == "" {
		opts.Title = "Channels"
	}
	pages, err := newPages()
	if err != nil {
		return nil, err
	}
	assets, err := newAssets()
	if err != nil {
		return nil, err
	}
	p := &public{sender: newSender(), opts: opts, pages: pages, assets: assets, kept: make(map[view.Range]*keptPage)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.overview)
	mux.Handle("GET /assets/{version}/{file}", assets)
	return newServer(secure(mux), opts.WebConfigFile, opts.Log), nil
}

// public is the page for everybody.
type public struct {
	*sender

	opts   PublicOptions
	pages  *pages
	assets *assets

	mu   sync.Mutex // guards kept, and is held while a page is read: one reading for all who wait
	kept map[view.Range]*keptPage
}

// keptPage is a rendered page.
type keptPage struct {
	made   time.Time
	status int
	body   []byte
}

func (p *public) overview(w http.ResponseWriter, r *http.Request) {
	rng, ok := back(r)
	if !ok {
		plain(w, http.StatusBadRequest, "range: want one of 1h, 24h, 7d, 28d\n")
		return
	}
	page, err := p.page(r.Context(), rng)
	if err != nil {
		p.opts.Log.Error("rendering the public page", "error", err)
		plain(w, http.StatusInternalServerError, "the page cannot be shown\n")
		return
	}
	p.send(w, r, page.status, "text/html; charset=utf-8", page.body)
}

// page returns the page of a range. It is read for all readers, and so goes on when the one who asked goes.
func (p *public) page(ctx context.Context, back view.Range) (*keptPage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.kept[back]; kept != nil && time.Since(kept.made) < publicAge {
		return kept, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), viewDeadline)
	defer cancel()
	f := frame{
		Title: p.opts.Title, Base: "./", Assets: "./assets/" + p.assets.version + "/", Now: time.Now(), Range: back, Public: true, Demo: p.opts.Demo,
		Live: "poll", Refresh: 60, keep: url.Values{},
	}
	o, status := p.read(ctx, back), http.StatusOK
	if o == nil {
		o, status = &view.Overview{At: f.Now, From: f.Now}, http.StatusServiceUnavailable
		f.Notices = []string{"There are no scores to show just now. Please come back later."}
	}
	f.addNotice(publicSilence(o))
	if at := newest(o); !at.IsZero() {
		f.Now = at
	}
	var body bytes.Buffer
	if err := p.pages.templates.ExecuteTemplate(&body, "overview", newOverviewPage(&f, o)); err != nil {
		return nil, err
	}
	p.kept[back] = &keptPage{time.Now(), status, body.Bytes()}
	return p.kept[back], nil
}

// read returns the overview with nothing in it but what is for everybody; nil when it cannot be read.
func (p *public) read(ctx context.Context, back view.Range) *view.Overview {
	if _, ready := scores(p.opts.Views, p.opts.History); !ready {
		return nil
	}
	all, err := p.opts.Views.Overview(ctx, back)
	if err != nil {
		p.opts.Log.Warn("reading the public page", "error", err)
		return nil
	}
	o := &view.Overview{At: all.At, Range: all.Range, From: all.From}
	for i := range all.Channels {
		if c := &all.Channels[i]; slices.Contains(p.opts.Channels, c.Name) {
			o.Channels = append(o.Channels, forEverybody(c))
		}
	}
	return o
}

// publicSilence is the sentence for scores that are no longer new; empty when they are.
func publicSilence(o *view.Overview) string {
	newest := newest(o)
	if newest.IsZero() || o.At.Sub(newest) < quietAge {
		return ""
	}
	return "What you see may be out of date: it is from " + newest.Local().Format("2 January, 15:04 MST") + "."
}

// forEverybody copies what everybody may know of a channel, field by field: what is added later stays inside, and so does
// what its owners agreed.
func forEverybody(c *view.Channel) view.Channel {
	return view.Channel{
		Name: c.Name, Title: c.Title, Type: c.Type, Rating: c.Rating, Since: c.Since, SinceAtLeast: c.SinceAtLeast,
		Now: c.Now, Day: c.Day, Month: c.Month, Timeline: c.Timeline, Spark: c.Spark, Words: c.Words,
	}
}
