package demo

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed templates/page.html
var pageTemplate string

// slowness is how much longer slow pages take: between the limits of good and fair of the configuration.
const slowness = 1300 * time.Millisecond

// site is one of the two websites.
type site struct {
	shop   *Shop
	name   string
	mobile bool
	page   *template.Template
}

// view is what a page shows.
type view struct {
	Site, Title, Text string
	Canonical         string
	Hidden            bool   // from search engines
	Form              string // what a form to sign in must bring back; empty: there is no form
	Products          []product
}

type product struct{ ID, Name, Price string }

func bestSeller() product { return product{"blue-mug", "Blue mug", "€ 9.00"} }

func products() []product {
	return []product{bestSeller(), {"red-mug", "Red mug", "€ 9.50"}, {"tea-pot", "Tea pot", "€ 24.00"}}
}

// site returns the handler of a website.
func (s *Shop) site(name string, mobile bool) http.Handler {
	st := &site{shop: s, name: name, mobile: mobile, page: template.Must(template.New("page").Parse(pageTemplate))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", st.home)
	mux.HandleFunc("GET /search", st.search)
	mux.HandleFunc("GET /product/{id}", st.product)
	mux.HandleFunc("GET /basket", st.basket)
	if mobile {
		mux.Handle("/v2/", s.orders())
	} else {
		st.accounts(mux)
	}
	return mux
}

func (st *site) home(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	st.show(w, r, view{
		Title: "Welcome", Text: "Three products, free delivery, no money needed.",
		Hidden: st.shop.on(hiddenFromSearch), Products: products(),
	})
}

func (st *site) search(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	switch {
	case st.shop.on(searchDown):
		http.Error(w, "The search of the demo shop is down for a while. This is made up.", http.StatusServiceUnavailable)
	case !st.mobile && st.shop.on(searchLoop):
		http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
	default:
		st.show(w, r, view{Title: "Search", Text: "Three products found", Products: products()})
	}
}

func (st *site) product(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	if st.shop.on(slowProducts) {
		st.shop.wait(r.Context().Done(), slowness)
	}
	shown := bestSeller()
	if st.shop.on(wrongPrice) {
		shown.Price = "€ 0.00"
	}
	v := view{Title: shown.Name, Products: []product{shown}}
	if st.mobile && st.shop.on(stagingCanonical) {
		v.Canonical = "https://staging.shop.example" + r.URL.Path
	}
	st.show(w, r, v)
}

func (st *site) basket(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	if !st.mobile && st.shop.on(basketHangs) {
		// The customer gives up first.
		st.shop.wait(r.Context().Done(), time.Minute)
		return
	}
	st.show(w, r, view{Title: "Basket", Text: "Your basket holds one product.", Hidden: true, Products: []product{bestSeller()}})
}

// show writes a page. Its canonical address is its own unless v says otherwise.
func (st *site) show(w http.ResponseWriter, r *http.Request, v view) {
	v.Site = st.name
	if v.Canonical == "" {
		v.Canonical = "https://" + r.Host + r.URL.Path
	}
	var body bytes.Buffer
	if err := st.page.Execute(&body, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // the customer may have gone
}
