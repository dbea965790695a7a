package demo

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// wishes adds what the app keeps a wish list by: write a wish down, read it, take it back. It is gone with its session.
func (o *orders) wishes(mux *http.ServeMux) {
	mux.HandleFunc("POST /v2/wishes", o.wish)
	mux.HandleFunc("GET /v2/wishes/{id}", o.wished)
	mux.HandleFunc("DELETE /v2/wishes/{id}", o.unwish)
}

// wish is a product that somebody wants some time.
type wish struct {
	ID      string `json:"id"`
	Product string `json:"product"`
	session string
}

func (o *orders) wish(w http.ResponseWriter, r *http.Request) {
	o.shop.work(r)
	wanted := wish{session: bearer(r)}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&wanted); err != nil || wanted.Product == "" {
		http.Error(w, `{"error":"want {\"product\": \"blue-mug\"}"}`, http.StatusBadRequest)
		return
	}
	wanted.ID = rand.Text()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known(w, wanted.session) {
		return
	}
	if len(o.wanted) >= maxSessions {
		o.wanted = slices.Delete(o.wanted, 0, 1)
	}
	o.wanted = append(o.wanted, wanted)
	w.Header().Set("Location", r.URL.Path+"/"+wanted.ID)
	w.WriteHeader(http.StatusCreated)
	answer(w, wanted)
}

func (o *orders) wished(w http.ResponseWriter, r *http.Request) {
	o.shop.work(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	if i, ok := o.find(w, r); ok {
		answer(w, o.wanted[i])
	}
}

func (o *orders) unwish(w http.ResponseWriter, r *http.Request) {
	o.shop.work(r)
	o.mu.Lock()
	defer o.mu.Unlock()
	if i, ok := o.find(w, r); ok {
		o.wanted = slices.Delete(o.wanted, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

// find returns which wish of the request's session is meant, or answers that there is none. The lock must be held.
func (o *orders) find(w http.ResponseWriter, r *http.Request) (int, bool) {
	session := bearer(r)
	if !o.known(w, session) {
		return 0, false
	}
	i := slices.IndexFunc(o.wanted, func(one wish) bool { return one.ID == r.PathValue("id") && one.session == session })
	if i < 0 || r.Method == http.MethodGet && o.shop.on(wishesLost) {
		http.Error(w, `{"error":"no such wish"}`, http.StatusNotFound)
		return 0, false
	}
	return i, true
}

// known reports whether a session is open, or answers that it is not. The lock must be held.
func (o *orders) known(w http.ResponseWriter, session string) bool {
	_, ok := o.baskets[session]
	if !ok {
		http.Error(w, `{"error":"log in first"}`, http.StatusUnauthorized)
	}
	return ok
}

// bearer returns the token of a request (RFC 6750 section 2.1).
func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}
