package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// badge draws the rating of a channel for other people's pages. A channel without scores has a badge too: a picture that is
// missing says nothing.
func (h *handler) badge(w http.ResponseWriter, r *http.Request) {
	name, isBadge := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !isBadge {
		plain(w, http.StatusNotFound, "no such badge: want /badge/CHANNEL.svg\n")
		return
	}
	title, text, rating := name, "no scores", probe.Unknown
	if o, _ := h.readOverview(r.Context(), view.Day); o != nil {
		c := find(o, name)
		if c == nil {
			plain(w, http.StatusNotFound, "no such channel\n")
			return
		}
		title, rating = c.Title, c.Rating
		text = view.Word(rating)
		if c.Now != nil && rating != probe.Unknown {
			text += " " + strings.TrimSuffix(view.Percent(c.Now.Score), " %")
		}
	} else if !h.known(name) {
		plain(w, http.StatusNotFound, "no such channel\n")
		return
	}
	w.Header().Set("Cache-Control", "max-age=30")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // it is made to stand in pages of others
	h.send(w, r, http.StatusOK, "image/svg+xml", drawBadge(title, text, rating))
}

func find(o *view.Overview, name string) *view.Channel {
	for i := range o.Channels {
		if o.Channels[i].Name == name {
			return &o.Channels[i]
		}
	}
	return nil
}

func (h *handler) known(channel string) bool {
	for _, c := range h.opts.Source.Channels() {
		if c.Name == channel {
			return true
		}
	}
	return false
}

// badgeColours returns the colour of a rating and that of letters on it.
func badgeColours(r probe.Rating) (fill, letters string) {
	switch r {
	case probe.Excellent:
		return "#1f6fb2", "#ffffff"
	case probe.Good:
		return "#a3d9a5", "#14202b"
	case probe.Fair:
		return "#f0be4a", "#14202b"
	case probe.Poor:
		return "#c8374b", "#ffffff"
	}
	return "#6b7785", "#ffffff"
}

// drawBadge draws a title and a rating. The letters are stretched to the width that was reckoned for them, so that no font
// of a reader runs out of its box.
func drawBadge(title, text string, rating probe.Rating) []byte {
	if runes := []rune(title); len(runes) > 40 {
		title = string(runes[:39]) + "…"
	}
	title = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) { // it would turn the rating, too
			return -1
		}
		return r
	}, title)
	left, right := textWidth(title), textWidth(text)
	fill, letters := badgeColours(rating)
	safeTitle, safeText := template.HTMLEscapeString(title), template.HTMLEscapeString(text)
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="22" role="img" aria-label="%s: %s">`+
		`<title>%s: %s</title><clipPath id="r"><rect width="%d" height="22" rx="4"/></clipPath><g clip-path="url(#r)">`+
		`<rect width="%d" height="22" fill="#28323e"/><rect x="%d" width="%d" height="22" fill="%s"/></g>`+
		`<g font-family="Verdana,DejaVu Sans,sans-serif" font-size="12"><text x="8" y="15.5" fill="#ffffff" textLength="%d">%s</text>`+
		`<text x="%d" y="15.5" fill="%s" font-weight="700" textLength="%d">%s</text></g></svg>`+"\n",
		left+right+32, safeTitle, safeText, safeTitle, safeText, left+right+32,
		left+16, left+16, right+16, fill, left, safeTitle, left+24, letters, right, safeText)
}

// textWidth reckons the width of a text in letters of 12 pixels.
func textWidth(text string) int { return 7*len([]rune(text)) + 2 }
