package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
)

// pictureID is what names of pictures are made of.
var pictureID = regexp.MustCompile(`^[0-9A-Za-z_-]{8,128}$`)

// picture sends a picture that a browser took of a page. What is in it was decided by others: it is sent as a picture or not
// at all, and nothing in it can run.
func (h *handler) picture(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if h.opts.Picture == nil || !pictureID.MatchString(id) || h.find(r.PathValue("channel"), r.PathValue("touchpoint")) == nil {
		plain(w, http.StatusNotFound, "no such picture\n")
		return
	}
	media, data, ok := h.opts.Picture(id)
	if !ok || media != "image/png" && media != "image/jpeg" {
		plain(w, http.StatusNotFound, "no such picture, or it is no longer kept\n")
		return
	}
	header := w.Header()
	header.Set("Content-Type", media)
	header.Set("Content-Length", strconv.Itoa(len(data)))
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "private, max-age=86400, immutable") // its name follows from its content, but it is not kept for ever
	_, _ = w.Write(data)                                             // the reader may have gone
}

// pictureLink returns where a picture of a touchpoint can be seen.
func (f *frame) pictureLink(channel, touchpoint, id string) string {
	return f.Base + "touchpoints/" + url.PathEscape(channel) + "/" + url.PathEscape(touchpoint) + "/pictures/" + url.PathEscape(id)
}
