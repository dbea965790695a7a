package demo

import (
	"crypto/rand"
	"net/http"
)

// The cookies of a customer who signs in.
const (
	visitCookie    = "visit"    // whose value the form must bring back, so that no other site can send it
	customerCookie = "customer" // of those who are signed in
	customerName   = "demo"
)

// accounts adds what customers sign in by: a form with a hidden field against forgery.
func (st *site) accounts(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", st.form)
	mux.HandleFunc("POST /login", st.signIn)
	mux.HandleFunc("GET /account", st.account)
}

func (st *site) form(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	visit := rand.Text()
	http.SetCookie(w, cookie(visitCookie, visit))
	st.show(w, r, view{Title: "Sign in", Text: "The only customer is called demo.", Hidden: true, Form: visit})
}

func (st *site) signIn(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	visit, err := r.Cookie(visitCookie)
	switch {
	case st.shop.on(formExpired), err != nil, r.PostFormValue("visit") != visit.Value:
		http.Error(w, "This form has expired, says the demo shop. This is made up.", http.StatusForbidden)
	case r.PostFormValue("customer") != customerName, r.PostFormValue("password") != st.shop.token:
		http.Error(w, "The demo shop does not know this customer.", http.StatusUnauthorized)
	default:
		http.SetCookie(w, cookie(customerCookie, customerName))
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}

func (st *site) account(w http.ResponseWriter, r *http.Request) {
	st.shop.work(r)
	if customer, err := r.Cookie(customerCookie); err != nil || customer.Value != customerName {
		http.Redirect(w, r, "/login", http.StatusFound)
		return
	}
	st.show(w, r, view{Title: "Your account", Text: "You have ordered one product.", Hidden: true, Products: []product{bestSeller()}})
}

func cookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
