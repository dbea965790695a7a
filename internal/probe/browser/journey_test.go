package browser_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
)

// shop is a small shop: a form that takes a login, and the page behind it.
func shop(secret string, typed *atomic.Value) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			html(`<title>Login</title><h1>Welcome</h1><form action=/account method=post>
				<input id=name name=name><input id=key name=key><button id=go>Log in</button></form>
				<script>document.querySelector('#key').oninput = e => console.log('typed ' + e.target.value)</script>`)(w, r)
		case "/account":
			typed.Store(r.FormValue("name") + ":" + r.FormValue("key"))
			if r.FormValue("key") != secret {
				http.Redirect(w, r, "/", http.StatusSeeOther)
				return
			}
			http.Redirect(w, r, "/orders?for="+r.FormValue("name"), http.StatusSeeOther)
		case "/orders":
			html("<title>Your orders</title><h1>Orders</h1><p>Hello, Ada<style>p{text-transform:uppercase}</style>")(w, r)
		case "/echo":
			html("<title>"+secret+"</title><h1>"+secret+"</h1><p>Your key is "+secret+"<script>console.error('"+secret+"', btoa('"+secret+"'), btoa('ada:"+secret+"'))</script><p>"+strings.ToUpper(secret))(w, r)
		}
	}
}

func login(variable string, more ...browser.Step) []browser.Step {
	return append([]browser.Step{
		{Type: &browser.TypeStep{Selector: "#name", Text: "ada"}},
		{Name: "type the key", Type: &browser.TypeStep{Selector: "#key", Secret: probe.Secret{Env: variable}}},
		{Click: "#go"},
	}, more...)
}

func TestProbe_Journey(t *testing.T) {
	const variable, secret = "CHANNELWATCH_TEST_KEY", "s3cr3t&key/42"
	t.Setenv(variable, secret)
	kind := browser.QuickKind()
	for name, tt := range map[string]struct {
		steps  []browser.Step
		expect browser.Expect
		reason probe.Reason
		detail string
		shown  bool // whether there is a picture of where the steps led
	}{
		"to its end": {
			steps: login(variable, browser.Step{Wait: &browser.Sight{Text: "hello, ada"}}, browser.Step{Assert: &browser.Sight{URL: "*/orders?for=ada"}},
				browser.Step{Assert: &browser.Sight{Title: "Your*"}}, browser.Step{Assert: &browser.Sight{Selector: "h1"}}),
			expect: browser.Expect{Text: []string{"Hello,  Ada"}, Selector: []string{"p"}, Title: "Your orders", FinalURL: "*/orders?for=ada"},
		},
		"to another address": {
			steps: []browser.Step{{Goto: "BASE/orders"}, {Assert: &browser.Sight{Text: "Orders"}}}, shown: true,
		},
		"a missing element": {
			steps: append([]browser.Step{{Name: "search for shoes", Click: "#search"}}, login(variable)...), reason: "step_failed",
			detail: `step 1 (search for shoes): no element matches "#search"`, shown: true,
		},
		"a selector that is none": {
			steps: []browser.Step{{Click: "p:nth(1)"}}, reason: "not_measured",
			detail: `step 1 (click p:nth(1)): looking for "p:nth(1)": no CSS selector`, shown: true,
		},
		"an expected selector that is none": {
			steps: []browser.Step{{Assert: &browser.Sight{Text: "Welcome"}}}, expect: browser.Expect{Selector: []string{"h1", "p >> a"}},
			reason: "not_measured", detail: `expect.selector: "p >> a": no CSS selector`, shown: true,
		},
		"a text that does not come": {
			steps: []browser.Step{{Assert: &browser.Sight{Text: "Thanks"}}}, reason: "step_failed",
			detail: `step 1 (see the text "Thanks"): the text "Thanks" did not appear within 2s; the page is http://`, shown: true,
		},
		"a page that shows the secret": {
			steps: login(variable, browser.Step{Wait: &browser.Sight{Text: "hello, ada"}}, browser.Step{Goto: "BASE/echo"}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var typed atomic.Value
			url := serve(t, shop(secret, &typed))
			for i := range tt.steps {
				tt.steps[i].Goto = strings.Replace(tt.steps[i].Goto, "BASE", url, 1)
			}
			result := run(t, kind, local(url+"/", func(c *browser.Config) { c.Steps, c.Expect = tt.steps, tt.expect }))
			if result.Reason != tt.reason || !strings.Contains(result.Detail, tt.detail) {
				t.Errorf("got reason %q: %s, want %q: …%s…", result.Reason, result.Detail, tt.reason, tt.detail)
			}
			for _, finding := range result.Findings {
				if finding.Check != "js_errors" {
					t.Errorf("got %+v, want no finding", finding)
				}
			}
			if got := typed.Load(); got != nil && got != "ada:"+secret {
				t.Errorf("server got %q, want name and key", got)
			}
			checkSecretFree(t, &result, secret)
			visits := result.Evidence.Visits
			if last := visits[len(visits)-1]; (last.Screenshot != nil) != tt.shown || !visits[0].Published {
				t.Errorf("got the picture %v and first visit published %v, want %v and true", last.Screenshot, visits[0].Published, tt.shown)
			}
			if !tt.shown && visits[0].Screenshot == nil {
				t.Error("got no picture of the page before the secret")
			}
		})
	}
}

// checkSecretFree looks for a secret, and parts of it that are worth anything, in all that is shown of a result.
func checkSecretFree(t *testing.T, result *probe.Result, secret string) {
	t.Helper()
	data, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	printed := string(data) + fmt.Sprintf("%+v %+v", result, result.Evidence.Visits)
	for _, spelling := range []string{
		secret, strings.ToUpper(secret), base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("ada:" + secret))[6:],
	} {
		for i := range len(spelling) - 6 {
			if part := spelling[i : i+6]; strings.Contains(printed, part) {
				t.Errorf("got %q of the secret in %s", part, printed)
				return
			}
		}
	}
}

// TestProbe_PicturesEndBeforeSecrets compares all pictures of visits that type two secrets into a page that shows them
// where it can: they would differ if a secret was to be seen.
func TestProbe_PicturesEndBeforeSecrets(t *testing.T) {
	const variable = "CHANNELWATCH_TEST_KEY"
	kind := browser.QuickKind()
	url := serve(t, html(`<title>Login</title><h1>Welcome</h1><style>*{caret-color:transparent}p{text-transform:uppercase}</style>
		<div id=d><input id=key></div><input id=copy><p id=p></p><p id=q></p><iframe id=f srcdoc="<p id=x>frame"></iframe><div id=s></div>
		<script>const root = s.attachShadow({mode: 'closed'});
		key.oninput = () => { const typed = key.value;
			copy.value = p.textContent = root.innerHTML = f.contentDocument.getElementById('x').textContent = typed;
			for (const letter of typed) q.append(Object.assign(document.createElement('b'), {textContent: letter + ' '}));
			d.innerHTML = '<input id=other>'; other.value = typed;
		}</script>`))
	picture := func(secret string) []byte {
		t.Helper()
		t.Setenv(variable, secret)
		result := run(t, kind, local(url+"/", func(c *browser.Config) {
			c.Steps = []browser.Step{{Type: &browser.TypeStep{Selector: "#key", Secret: probe.Secret{Env: variable}}}}
		}))
		visits := result.Evidence.Visits
		if len(visits) != 1 || visits[0].Screenshot == nil || len(visits[0].Filmstrip) == 0 {
			t.Fatalf("got %+v, want one visit with the pictures from before the secret: %s", visits, result.Detail)
		}
		return visits[0].Screenshot.Data
	}
	if first, second := picture("WWWWWWWW"), picture("iiiiiiii"); !bytes.Equal(first, second) {
		t.Error("two secrets make different pictures, want them from before they were typed")
	}
}

func TestProbe_InteractionIsTimed(t *testing.T) {
	url := serve(t, html(`<title>Shop</title><h1>Shoes</h1><button id=buy>Buy</button><p id=said></p><script>
		document.querySelector('#buy').onclick = () => {
			for (const end = performance.now() + 300; performance.now() < end;);
			document.querySelector('#said').textContent = 'Bought';
		}</script>`))
	result := fitting(t, browser.QuickKind(), local(url+"/", func(c *browser.Config) {
		c.Steps = []browser.Step{{Click: "#buy"}, {Wait: &browser.Sight{Text: "Bought"}}}
	}), func(result *probe.Result) string {
		if got := measured(result, "web_vital_seconds", "inp"); got < 0.3 || got > 1 {
			return fmt.Sprintf("an interaction of %v s, want 300 ms and what a frame takes", got)
		}
		return ""
	})
	if len(result.Evidence.Visits) != 1 || result.Reason != "" {
		t.Errorf("got %d visits and reason %q (%s), want one page", len(result.Evidence.Visits), result.Reason, result.Detail)
	}
	var slow *probe.Finding
	for i := range result.Findings {
		if result.Findings[i].Check == "slow_interaction" || result.Findings[i].Check == "slow_interaction_heavy" {
			slow = &result.Findings[i]
		}
	}
	if slow == nil {
		t.Errorf("got findings %+v, want a slow interaction", result.Findings)
	}
}

// TestProbe_RestlessPage has pages that ask for something all the time, and never come to rest: the steps get their time.
func TestProbe_RestlessPage(t *testing.T) {
	t.Parallel()
	url := serve(t, html(`<title>Shop</title><h1>Shoes</h1><button id=buy>Buy</button><p id=said></p><script>
		setInterval(() => fetch('/ok'), 200);
		buy.onclick = () => { said.textContent = 'Bought' }</script>`))
	for name, tt := range map[string]struct {
		within time.Duration
		warm   bool
		steps  []browser.Step
	}{
		"steps": {within: 15 * time.Second, steps: []browser.Step{{Click: "#buy"}, {Wait: &browser.Sight{Text: "Bought"}}}},
		"steps to other pages": {within: 30 * time.Second, steps: []browser.Step{ // each page takes half of what is left
			{Goto: url + "/a"}, {Goto: url + "/b"}, {Click: "#buy"}, {Assert: &browser.Sight{Text: "Bought"}},
		}},
		"the second load": {within: 15 * time.Second, warm: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := runWithin(t, browser.WatchfulKind(), local(url+"/", func(c *browser.Config) { c.Warm, c.Steps = tt.warm, tt.steps }), tt.within)
			if result.Reason != "" || measured(&result, "visit_settled", "") != 0 {
				t.Errorf("got reason %q: %s, want a page that never came to rest", result.Reason, result.Detail)
			}
		})
	}
}
