package demo

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// api returns the handler of the app's API.
func (s *Shop) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/catalogue", s.catalogue)
	mux.HandleFunc("POST /v1/login", s.login)
	mux.HandleFunc("GET /v1/basket", s.appBasket)
	return mux
}

type item struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Price float64 `json:"price"`
}

func items() []item {
	return []item{{"blue-mug", "Blue mug", 9}, {"red-mug", "Red mug", 9.5}, {"tea-pot", "Tea pot", 24}}
}

func (s *Shop) catalogue(w http.ResponseWriter, r *http.Request) {
	s.work(r)
	list := items()
	if s.on(emptyCatalogue) {
		list = list[:0]
	}
	answer(w, map[string]any{"made_up": true, "items": list})
}

func (s *Shop) login(w http.ResponseWriter, r *http.Request) {
	s.work(r)
	if s.on(loginDown) {
		http.Error(w, `{"error":"the login of the demo shop is down for a while, made up"}`, http.StatusInternalServerError)
		return
	}
	var customer struct {
		Name string `json:"customer"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&customer); err != nil || customer.Name == "" {
		http.Error(w, `{"error":"want {\"customer\": \"name\"}"}`, http.StatusBadRequest)
		return
	}
	answer(w, map[string]any{"made_up": true, "session": "demo-session", "customer": customer.Name})
}

func (s *Shop) appBasket(w http.ResponseWriter, r *http.Request) {
	s.work(r)
	if r.Header.Get("Authorization") != s.token {
		http.Error(w, `{"error":"log in first"}`, http.StatusUnauthorized)
		return
	}
	basket := map[string]any{"made_up": true, "items": items()[:1], "total": 9}
	if s.on(basketCut) {
		cut(w, basket)
		return
	}
	answer(w, basket)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the app may have gone
}

// cut announces a whole answer, sends half of it and hangs up.
func cut(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler) // what net/http offers to cut a connection
}
