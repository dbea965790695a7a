package web

import (
	"errors"
	"net/http"
	"net/url"
)

// secure sets the headers that keep what a channel sent from doing anything in a reader's browser: only the agent's own
// files run, and a page talks to nobody but the agent.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin") // with no-referrer, forms would send the Origin "null"
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what a page of another origin makes a reader's browser send. Browsers say where a request comes from
// in Sec-Fetch-Site, older ones in Origin; programs send neither.
func sameOrigin(r *http.Request) error {
	refused := errors.New("cross-origin request refused")
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return refused
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
		return refused
	}
	return nil
}
