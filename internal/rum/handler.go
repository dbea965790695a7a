package rum

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"
)

// The addresses that are served; all others are not found. The script finds the beacon's beside its own, so that a reverse
// proxy can put both below any path.
const (
	beaconPath = "/v1/vitals"
	scriptPath = "/v1/vitals.js"
)

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		// What net/http itself says of a panic tells the sender's address.
		if p := recover(); p != nil {
			s.log.Error("taking in a beacon panicked", "panic", p, "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case beaconPath:
		s.beacon(w, r)
	case scriptPath:
		s.script.ServeHTTP(w, r)
	default:
		refuse(w, http.StatusNotFound, "nothing here")
	}
}

// beacon answers a beacon: from the cheapest question to the dearest, so that a flood costs little.
func (s *Server) beacon(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		s.unknown[wrongMethod].Add(1)
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "want POST")
		return
	}
	a := s.appOf(r)
	if a == nil {
		s.unknown[wrongOrigin].Add(1)
		refuse(w, http.StatusForbidden, "origin may not send beacons")
		return
	}
	result, code, why := s.take(w, r, a)
	a.outcomes[result].Add(1)
	if code != http.StatusNoContent {
		refuse(w, code, why)
		return
	}
	w.WriteHeader(code)
}

// appOf returns the website that a request comes from, or nil.
func (s *Server) appOf(r *http.Request) *app {
	if origin := r.Header["Origin"]; len(origin) == 1 {
		return s.origins[origin[0]]
	}
	return nil
}

// take takes in a beacon of a website. What is opted out of, or comes from a program, is answered like any other, unread.
func (s *Server) take(w http.ResponseWriter, r *http.Request, a *app) (result outcome, code int, why string) {
	if r.Header["Content-Encoding"] != nil {
		return encoded, http.StatusUnsupportedMediaType, "want no content encoding"
	}
	if refused, ok := s.limits.admit(s.sender(r), s.now()); !ok {
		return refused, http.StatusTooManyRequests, "too many beacons"
	}
	switch {
	case r.Header.Get("Sec-Gpc") == "1" || r.Header.Get("Dnt") == "1":
		return optedOut, http.StatusNoContent, ""
	case fromProgram(r.UserAgent()):
		return automated, http.StatusNoContent, ""
	case r.ContentLength > maxBody:
		return tooLarge, http.StatusRequestEntityTooLarge, "body too large"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return tooLarge, http.StatusRequestEntityTooLarge, "body too large"
	} else if err != nil {
		return malformed, http.StatusBadRequest, "body is cut off"
	}
	if !takesType(r.Header.Get("Content-Type")) {
		return wrongType, http.StatusUnsupportedMediaType, "want text/plain or application/json"
	}
	b, err := decode(body)
	if err != nil {
		return malformed, http.StatusBadRequest, err.Error()
	}
	a.take(b)
	if b.Rate != s.sample {
		return stale, http.StatusNoContent, ""
	}
	return accepted, http.StatusNoContent, ""
}

// fromProgram reports whether a user agent is one that no customer looks at: this agent's own visits, and browsers without
// a window.
func fromProgram(userAgent string) bool {
	return strings.Contains(userAgent, "Channelwatch") || strings.Contains(userAgent, "HeadlessChrome")
}

// takesType reports whether a content type is text/plain, the one that browsers send to another site without asking first,
// or application/json.
func takesType(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "text/plain" || media == "application/json")
}

// refuse answers with an error and ends the connection, so that nothing more of the request is read.
func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Connection", "close")
	http.Error(w, why, code)
}
