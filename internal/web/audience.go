package web

import (
	"net/http"
	"net/url"
)

const (
	// audienceCookie remembers which sentences a reader wants. It holds nothing else.
	audienceCookie = "channelwatch_for"
	// rememberKey stands in the links of the switch, and nowhere else.
	rememberKey = "remember"
	// refetchHeader is what the scripts send when they ask for an open page again: the audience that it is for. Another page
	// of the same reader may have been switched meanwhile.
	refetchHeader = "Channelwatch-For"
)

// audience returns whether the sentences for IT come first, and whether only this page knows that: links must hand it on
// then. What the reader sees already comes first, then what the address says, then what the browser remembers.
func audience(w http.ResponseWriter, r *http.Request) (it, unkept bool) {
	remembered := "marketing"
	if cookie, err := r.Cookie(audienceCookie); err == nil && cookie.Value == "it" {
		remembered = "it"
	}
	for _, asked := range []string{r.Header.Get(refetchHeader), r.URL.Query().Get("for")} {
		if asked != "it" && asked != "marketing" {
			continue
		}
		if switched(r) {
			http.SetCookie(w, &http.Cookie{
				Name: audienceCookie, Value: asked, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
				Secure: r.TLS != nil,
			})
			remembered = asked
		}
		return asked == "it", asked != remembered
	}
	return remembered == "it", false
}

// switched reports whether a reader clicked on the switch of a page of ours. A link that somebody sent decides nothing for
// the next year.
func switched(r *http.Request) bool {
	if r.Header.Get(refetchHeader) != "" || r.URL.Query().Get(rememberKey) == "" {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	from, err := url.Parse(r.Referer()) // browsers say where a request comes from only to HTTPS and this machine
	return err == nil && from.Host == r.Host
}
