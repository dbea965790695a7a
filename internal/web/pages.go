package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed assets
var assets embed.FS

// pages renders the pages.
type pages struct {
	templates *template.Template
	style     []byte
}

func newPages() (*pages, error) {
	style, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	templates, err := template.New("page").Funcs(template.FuncMap{"word": word, "took": took}).ParseFS(assets, "assets/page.html")
	return &pages{templates: templates, style: style}, err
}

// word is the rating as it is printed on every page.
func word(r probe.Rating) string {
	switch r {
	case probe.Excellent:
		return "Excellent"
	case probe.Good:
		return "Good"
	case probe.Fair:
		return "Fair"
	case probe.Poor:
		return "Poor"
	}
	return "Unknown"
}

// took prints a duration with the unit that reads best.
func took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// ago says how long ago t was.
func ago(now, t time.Time) string {
	switch d := now.Sub(t); {
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	default:
		return t.Format("2006-01-02 15:04 MST")
	}
}

// write renders into memory first, so that a reader never gets half a page.
func (p *pages) write(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		plain(w, http.StatusInternalServerError, "rendering the page: "+err.Error()+"\n")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = b.WriteTo(w) // the reader may have gone
}

func (h *handler) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(h.pages.style) // the reader may have gone
}

// frame is what every page has.
type frame struct {
	Title, Base, Location, Now, Version string
	Refresh, Demo                       bool
	Notices                             []string
}

func (h *handler) frame(title, base string, now time.Time) frame {
	return frame{
		Title: title, Base: base, Refresh: true, Demo: h.opts.Demo,
		Location: h.opts.Location, Now: now.Format("2006-01-02 15:04:05 MST"), Version: h.opts.Version,
		Notices: h.opts.Source.Notices(),
	}
}
