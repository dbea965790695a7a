package demo

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
)

// orders is what the app and the mobile website order by, an API that a customer walks through to order something: log in,
// search, put a product into the basket, look at it; or to keep a wish list. What is in a basket is gone with its session.
type orders struct {
	shop *Shop

	mu      sync.Mutex
	baskets map[string][]item // by session
	wanted  []wish            // oldest first
}

// maxSessions bounds the baskets that are kept; beyond it all are dropped.
const maxSessions = 100

func (s *Shop) orders() http.Handler {
	o := &orders{shop: s, baskets: make(map[string][]item)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/session", o.open)
	mux.HandleFunc("GET /v2/search", o.search)
	mux.HandleFunc("POST /v2/basket", o.add)
	mux.HandleFunc("GET /v2/basket", o.look)
	mux.HandleFunc("DELETE /v2/basket", o.empty)
	o.wishes(mux)
	return mux
}

func (o *orders) open(w http.ResponseWriter, r *http.Request) {
	o.shop.work(r)
	session := rand.Text()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.baskets) >= maxSessions {
		clear(o.baskets)
	}
	o.baskets[session] = nil
	answer(w, map[string]any{"made_up": true, "session": session})
}

func (o *orders) search(w http.ResponseWriter, r *http.Request) {
	o.shop.work(r)
	if o.shop.on(slowOrders) {
		o.shop.wait(r.Context().Done(), slowness)
	}
	answer(w, map[string]any{"made_up": true, "items": items()})
}

// session calls use with the basket of the request's session, which it may change.
func (o *orders) session(w http.ResponseWriter, r *http.Request, use func(basket []item) []item) {
	o.shop.work(r)
	session := r.Header.Get("X-Session")
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known(w, session) {
		return
	}
	basket := use(o.baskets[session])
	o.baskets[session] = basket
	answer(w, map[string]any{"made_up": true, "items": append([]item{}, basket...)})
}

func (o *orders) add(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&wanted); err != nil {
		http.Error(w, `{"error":"want {\"id\": \"blue-mug\"}"}`, http.StatusBadRequest)
		return
	}
	o.session(w, r, func(basket []item) []item {
		for _, one := range items() {
			if one.ID == wanted.ID && !o.shop.on(basketForgets) {
				return append(basket[:min(len(basket), maxSessions)], one)
			}
		}
		return basket
	})
}

func (o *orders) look(w http.ResponseWriter, r *http.Request) {
	o.session(w, r, func(basket []item) []item { return basket })
}

func (o *orders) empty(w http.ResponseWriter, r *http.Request) {
	o.session(w, r, func([]item) []item { return nil })
}
