package web

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/view"
)

// pages renders the pages. Templates are parsed once.
type pages struct{ templates *template.Template }

func newPages() (*pages, error) {
	templates, err := template.New("pages").Funcs(template.FuncMap{
		"word": view.Word, "took": took, "num": num, "points": points, "seconds": seconds, "long": view.Lasting, "span": span, "window": window,
		"kindOf": kindOf, "size": size, "brief": brief, "open": openVisit, "weights": newWeights, "low": low, "bare": bare, "stamp": stamp, "clock": clock, "zoned": zoned, "date": date, "icon": icon,
		"timeline": timeline, "stripWords": stripWords, "pressureWords": pressureWords, "axis": axis, "spark": spark, "pressure": pressure,
	}).ParseFS(embedded, "assets/pages/*.html")
	return &pages{templates: templates}, err
}

// render returns a page.
func (p *pages) render(name string, model any) ([]byte, error) {
	var b bytes.Buffer
	err := p.templates.ExecuteTemplate(&b, name, model)
	return b.Bytes(), err
}

// page renders a page and sends it.
func (h *handler) page(w http.ResponseWriter, r *http.Request, status int, name string, model any) {
	body, err := h.pages.render(name, model)
	if err != nil {
		plain(w, http.StatusInternalServerError, "rendering the page: "+err.Error()+"\n")
		return
	}
	h.send(w, r, status, "text/html; charset=utf-8", body)
}
