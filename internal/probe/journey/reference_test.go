package journey_test

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// tokenAPI is an API of an app: a login gives a token, without which there is no account.
func tokenAPI() http.Handler {
	const token = "tok-51f7a0c2"
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/login", func(w http.ResponseWriter, r *http.Request) {
		var login struct{ User, Password string }
		if err := json.NewDecoder(r.Body).Decode(&login); err != nil || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "want JSON", http.StatusBadRequest)
			return
		}
		if login.User != "ada@example.com" || login.Password != `p"ss w\rd` {
			http.Error(w, "wrong password for "+login.Password, http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, `{"session":{"token":%q,"ttl":3600}}`, token)
	})
	mux.HandleFunc("GET /v1/account", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no account for "+r.Header.Get("Authorization"), http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintf(w, `{"name":"Ada","debug":%q}`, token)
	})
	return mux
}

const tokenLogin = `
url: %s
writes: true
variables: {user: ada@example.com}
secrets: {password: {env: TEST_JOURNEY_PASSWORD}}
steps:
  - name: login
    title: Log in
    url: /v1/login
    json: {user: "{{user}}", password: "{{password}}"}
    extract: [{name: token, jsonpath: $.session.token}]
  - name: account
    title: See the account
    url: /v1/account
    headers: {Authorization: "Bearer {{token}}"}
    expect: {json: [{path: $.name, equals: %s}]}
`

func TestTokenLogin(t *testing.T) {
	t.Setenv("TEST_JOURNEY_PASSWORD", `p"ss w\rd`)
	url := serve(t, tokenAPI())
	result := walk(t, fmt.Sprintf(tokenLogin, url, "Ada"))
	expect(t, &result, probe.Excellent, "", "login passed", "account passed")
	if result.Detail != "2 of 2 steps passed" {
		t.Errorf("got the detail %q", result.Detail)
	}
	// The body of the failed step holds the token, which stands in a credential header and so is a secret.
	result = walk(t, fmt.Sprintf(tokenLogin, url, "Eve"))
	expect(t, &result, probe.Poor, "json_unexpected", "login passed", "account failed")
	want := []probe.Finding{{
		Check: "json_unexpected", Title: "See the account failed", Marketing: "Customers cannot get past “See the account”.",
		Detail: `step 2 of 2 "See the account": $.name is "Ada", want "Eve"`,
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if start := result.Evidence.Exchanges[1].BodyStart; start != `{"name":"Ada","debug":"[redacted]"}` {
		t.Errorf("the body in the evidence starts with %q, want it without the token", start)
	}
}

func TestTokenLogin_WrongPassword(t *testing.T) {
	t.Setenv("TEST_JOURNEY_PASSWORD", "mistyped!")
	result := walk(t, fmt.Sprintf(tokenLogin, serve(t, tokenAPI()), "Ada"))
	expect(t, &result, probe.Poor, "status_unexpected", "login failed", "account skipped")
	if got := result.Findings[0].Title; got != "Log in failed" || len(result.Findings) != 1 {
		t.Errorf("got %+v, want one finding that names the step", result.Findings)
	}
	printed, err := json.Marshal(result)
	if err != nil || strings.Contains(string(printed), "mistyped!") || !strings.Contains(string(printed), "wrong password for [redacted]") {
		t.Errorf("got %s, want the answer without the password", printed)
	}
}

// site is a web site with a session cookie and a form with a hidden field against forgery.
func site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "guest-77", Path: "/", HttpOnly: true})
		_, _ = io.WriteString(w, `<!doctype html><form method=post><input type=hidden name=csrf value="a+b/c=&amp;d"><input name=user></form>`)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		session, err := r.Cookie("session")
		if err != nil || session.Value != "guest-77" || r.PostFormValue("csrf") != "a+b/c=&d" || r.PostFormValue("password") != "open & sesame" {
			http.Error(w, "forged", http.StatusForbidden)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "ada-78", Path: "/"})
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
		if session, err := r.Cookie("session"); err != nil || session.Value != "ada-78" {
			http.Redirect(w, r, "/login", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "<h1>Welcome,\n Ada</h1>")
	})
	return mux
}

func TestCookieAndForm(t *testing.T) {
	t.Setenv("TEST_JOURNEY_PASSWORD", "open & sesame")
	const with = `
url: %s/login
writes: true
secrets: {password: {env: TEST_JOURNEY_PASSWORD}}
steps:
  - name: open
    title: Open the login page
    extract: [{name: csrf, css: "form input[name=csrf]", attribute: VALUE, secret: true}]
  - name: login
    title: Log in
    url: /login
    form: {csrf: "{{ csrf }}", password: "{{password}}"}
    expect: {contains: [Welcome]}
    extract: [{name: greeting, css: h1}, {name: session, cookie: session}]
  - name: return
    title: Come back
    url: /account?hello={{greeting}}
    headers: {X-Session: "{{session}}"}
    expect: {contains: [Welcome]}
`
	result := walk(t, fmt.Sprintf(with, serve(t, site())))
	expect(t, &result, probe.Excellent, "", "open passed", "login passed", "return passed")
	var exchanges []string
	for _, e := range result.Evidence.Exchanges {
		exchanges = append(exchanges, fmt.Sprintf("%s: %s %d", e.Step, e.Method, e.Status))
	}
	if diff := cmp.Diff([]string{"open: GET 200", "login: POST 303", "login: GET 200", "return: GET 200"}, exchanges); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
}

// notes is an API that keeps notes.
type notes struct {
	mu     sync.Mutex
	kept   map[string]string
	last   int
	broken bool // reading fails
	locked bool // deleting fails
}

func (n *notes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/notes/")
	switch {
	case r.Method == http.MethodPost:
		text, _ := io.ReadAll(r.Body)
		n.last++
		id = fmt.Sprintf("n/%d", n.last) // which has to be escaped in a path
		n.kept[id] = string(text)
		w.Header().Set("X-Note", id)
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet && n.broken:
		http.Error(w, "database is gone", http.StatusInternalServerError)
	case r.Method == http.MethodGet && n.kept[id] != "":
		_, _ = io.WriteString(w, n.kept[id])
	case r.Method == http.MethodDelete && !n.locked && n.kept[id] != "":
		delete(n.kept, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, "no note "+id, http.StatusConflict)
	}
}

const createReadDelete = `
url: %s
writes: true
steps:
  - name: create
    title: Write a note
    url: /notes
    headers: {Content-Type: text/plain}
    body: "probe {{run}}"
    expect: {status: ["201"]}
    extract: [{name: id, header: x-note}]
  - name: read
    title: Read the note
    url: /notes/{{id}}
    extract: [{name: written, regex: "^probe ([a-z0-9]{26})$"}]
  - name: again
    title: Read it again
    url: "/notes/{{id}}?written={{written}}"
cleanup:
  - {name: delete, title: Delete the note, method: DELETE, url: "/notes/{{id}}"}
  - {name: forget, title: Forget what was read, method: DELETE, url: "/notes/{{id}}?{{written}}", expect: {status: ["409"]}}
`

func TestCreateReadDelete(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		api    *notes
		rating probe.Rating
		cause  probe.CheckID
		left   int
		steps  []string
		titles []string
	}{
		"fine": {
			api: &notes{}, rating: probe.Excellent,
			steps: []string{"create passed", "read passed", "again passed", "delete passed", "forget passed"},
		},
		"a failure in the middle is cleaned up": {
			api: &notes{broken: true}, rating: probe.Poor, cause: "status_unexpected",
			steps:  []string{"create passed", "read failed", "again skipped", "delete passed", "forget skipped"},
			titles: []string{"Read the note failed"},
		},
		"a failed cleanup is its own finding": {
			api: &notes{locked: true}, rating: probe.Good, left: 1,
			steps:  []string{"create passed", "read passed", "again passed", "delete failed", "forget passed"},
			titles: []string{"Delete the note failed"},
		},
		"both": {
			api: &notes{broken: true, locked: true}, rating: probe.Poor, cause: "status_unexpected", left: 1,
			steps:  []string{"create passed", "read failed", "again skipped", "delete failed", "forget skipped"},
			titles: []string{"Read the note failed", "Delete the note failed"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.api.kept = make(map[string]string)
			result := walk(t, fmt.Sprintf(createReadDelete, serve(t, c.api)))
			expect(t, &result, c.rating, c.cause, c.steps...)
			var titles []string
			for _, f := range result.Findings {
				titles = append(titles, f.Title)
			}
			if diff := cmp.Diff(c.titles, titles); diff != "" || len(c.api.kept) != c.left {
				t.Errorf("%d notes are left, want %d; findings (-want +got):\n%s", len(c.api.kept), c.left, diff)
			}
			checkSums(t, &result)
		})
	}
}

// checkSums checks that a result takes as long as its steps, without the cleanup, and that each is measured.
func checkSums(t *testing.T, result *probe.Result) {
	t.Helper()
	var want []probe.Measurement
	var total time.Duration
	var phases probe.Phases
	for _, s := range result.Evidence.Steps {
		if s.Outcome == probe.StepSkipped || s.Name == "delete" || s.Name == "forget" {
			continue
		}
		total += s.Duration
		phases.AddAll(&s.Phases)
		ended := "journey_step_passes_total"
		if s.Outcome == probe.StepFailed {
			ended = "journey_step_failures_total"
		}
		want = append(want,
			probe.Measurement{Metric: ended, Label: s.Name, Value: 1},
			probe.Measurement{Metric: "journey_step_seconds", Label: s.Name, Value: s.Duration.Seconds()})
	}
	if diff := cmp.Diff(want, result.Measurements); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	if total != result.Duration || result.Phases != phases || phases.Sum() != total || total == 0 {
		t.Errorf("took %v in %+v, want the %v of the steps", result.Duration, result.Phases, total)
	}
}

// shop is a shop with a search, products and a basket that belongs to a cookie.
func shop() http.Handler {
	products := map[string]string{"p 1": "Trail runner", "p 2": "Road runner"}
	page := template.Must(template.New("search").Parse(`<ul id=results>{{range $id, $name := .}}<li><a href="products/{{$id}}?from=search#top">{{$name}}</a>{{end}}</ul>`))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /shop/search", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("q") != "running shoes & more" {
			_, _ = io.WriteString(w, "nothing found")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "basket", Value: "b1"})
		_ = page.Execute(w, products)
	})
	mux.HandleFunc("GET /shop/products/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("from") != "search" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprintf(w, `<h1>%s</h1><button data-sku="%s">Buy</button>`, products[r.PathValue("id")], r.PathValue("id"))
	})
	mux.HandleFunc("POST /shop/basket", func(w http.ResponseWriter, r *http.Request) {
		if basket, err := r.Cookie("basket"); err != nil || basket.Value != "b1" || r.PostFormValue("sku") != "p 1" {
			http.Error(w, "no basket", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"items":[{"name":"Trail runner"}]}`)
	})
	return mux
}

const searchToCart = `
url: %s/shop/search
writes: true
variables: {words: "running shoes & more"}
steps:
  - name: search
    title: Search for shoes
    url: "/shop/search?q={{words}}"
    extract: [{name: product, css: "#results a", attribute: href}]
  - name: product
    title: Look at the first
    url: "{{product}}"
    extract: [{name: sku, css: "button[data-sku]", attribute: data-sku}, {name: shoe, css: h1}]
  - name: basket
    title: Put it into the basket
    url: /shop/basket
    form: {sku: "{{sku}}"}
    assert:
      - {name: the shoe is in the basket, jsonpath: {path: "$.items[0].name", equals: %s}}
      - {name: delivery is free, severity: fair, contains: free}
  - name: total
    title: See the total
    url: "/shop/search?q={{words}}"
`

func TestSearchToCart(t *testing.T) {
	t.Parallel()
	url := serve(t, shop())
	result := walk(t, fmt.Sprintf(searchToCart, url, "Trail runner"))
	expect(t, &result, probe.Fair, "assertion_fair", "search passed", "product passed", "basket passed", "total passed")
	want := []probe.Finding{{
		Check: "assertion_fair", Title: "Put it into the basket: delivery is free",
		Detail: `step 3 of 4 "Put it into the basket": ` + result.Findings[0].Detail[len(`step 3 of 4 "Put it into the basket": `):],
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	result = walk(t, fmt.Sprintf(searchToCart, url, "Sandal"))
	expect(t, &result, probe.Poor, "assertion_poor", "search passed", "product passed", "basket failed", "total skipped")
	if f := result.Find("assertion_poor"); f == nil || f.Title != "Put it into the basket: the shoe is in the basket" ||
		f.Marketing != "Customers cannot get past “Put it into the basket”." {
		t.Errorf("got %+v, want the rule and its step named", f)
	}
}

func TestSearchToCart_NothingFound(t *testing.T) {
	t.Parallel()
	with := strings.Replace(fmt.Sprintf(searchToCart, serve(t, shop()), "x"), "shoes & more", "socks", 1)
	result := walk(t, with)
	expect(t, &result, probe.Poor, "journey_step_failed", "search failed", "product skipped", "basket skipped", "total skipped")
	want := []probe.Finding{{
		Check: "journey_step_failed", Title: "Search for shoes failed", Marketing: "Customers cannot get past “Search for shoes”.",
		Detail: `step 1 of 4 "Search for shoes": product: css #results a selects nothing`,
	}}
	if diff := cmp.Diff(want, result.Findings); diff != "" || result.Evidence.Exchanges[0].BodyStart != "nothing found" {
		t.Errorf("body %q, findings (-want +got):\n%s", result.Evidence.Exchanges[0].BodyStart, diff)
	}
}
