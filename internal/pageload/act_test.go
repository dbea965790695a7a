package pageload_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/pageload"
)

func TestClick(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, html, selector, wrong string }{
		{"in view", `<button id=b>Buy</button>`, "#b", ""},
		{"below the fold", `<div style="height:5000px"></div><button id=b>Buy</button>`, "#b", ""},
		{"by its text", `<button id=b><span>Buy <b>now</b></span></button>`, "button", ""},
		{"appears later", `<script>setTimeout(() => { document.body.innerHTML = '<button id=b>Buy</button>'; arm() }, 300)</script>`, "#b", ""},
		{"moves first", `<button id=b style="position:absolute;left:0;animation:m .5s"></button><style>@keyframes m{from{left:400px}}#b{width:50px;height:50px}</style>`, "#b", ""},
		{"uncovered later", `<button id=b>Buy</button><div id=over style="position:fixed;inset:0"></div><script>setTimeout(() => over.remove(), 300)</script>`, "#b", ""},
		{"absent", ``, "#b", `no element matches "#b"`},
		{"hidden", `<button id=b style="display:none">Buy</button>`, "#b", `"#b" is not visible`},
		{"invisible", `<button id=b style="visibility:hidden">Buy</button>`, "#b", `"#b" is not visible`},
		{"without size", `<div id=b></div>`, "#b", `"#b" is not visible`},
		{"covered", `<button id=b>Buy</button><div id=consent style="position:fixed;inset:0">Cookies?</div>`, "#b", `"#b" is covered by div#consent`},
		{"moving", `<button id=b style="position:absolute;animation:m 1s infinite">x</button><style>@keyframes m{from{left:0}to{left:900px}}</style>`, "#b", `"#b" does not stand still`},
		{"no selector", ``, "##", `looking for "##": no CSS selector`},
	}
	const arm = `<title>waiting</title><script>const arm = () => { const b = document.querySelector('#b'); if (b) b.onclick = (e) => {
		document.title = e.isTrusted ? 'clicked' : 'faked' } }; addEventListener('load', arm)</script>`
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shop := serve(t, map[string]string{"/": arm + test.html})
			page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, screen())
			load(t, page, "http://shop.example/")
			patience := 20 * time.Second
			if test.wrong != "" {
				patience = 1500 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := page.Click(ctx, test.selector)
			if test.wrong != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.wrong) {
					t.Errorf("got error %v, want %s", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if title, err := page.Title(ctx); title != "clicked" {
				t.Errorf("got title %q, %v; want clicked", title, err)
			}
		})
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	const secret = "geheim4711"
	shop := serve(t, map[string]string{"/": `<input id=user value=old><textarea id=note></textarea><input id=fixed readonly><p id=words>words</p>
		<script>user.oninput = () => { console.log('typed ' + user.value.length); document.title = user.value }; note.oninput = () => { document.title = note.value }</script>`})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, screen())
	load(t, page, "http://shop.example/")
	ctx := visitContext(t)
	for _, selector := range []string{"#user", "#note"} {
		if err := page.Type(ctx, selector, secret, false); err != nil {
			t.Fatal(err)
		}
		if title, _ := page.Title(ctx); title != secret {
			t.Errorf("%s holds %q, want %q", selector, title, secret)
		}
	}
	for selector, want := range map[string]string{
		"#fixed": `typing into "#fixed": the element takes no text`, "#words": `typing into "#words": the element takes no text`,
	} {
		if err := page.Type(ctx, selector, secret, true); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := page.Type(short, "#none", secret, true); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got error %v, want one without the text", err)
	}
}

// TestType_SecretsEndPictures has a page that shows what is typed where no look at it would find it: from there on neither
// it nor any other page is pictured.
func TestType_SecretsEndPictures(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{
		"/": `<title>Log in</title><style>*{caret-color:transparent}</style><h1>Welcome</h1><input id=key><canvas id=c width=400 height=100></canvas>
			<script>key.oninput = () => { const on = c.getContext('2d'); on.font = '40px sans-serif'; on.fillText(key.value, 10, 50) }</script>`,
		"/account": `<h1 style="font-size:90px">4711</h1>`,
	})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, screen())
	before := len(load(t, page, "http://shop.example/").Filmstrip)
	ctx := visitContext(t)
	if shot, err := page.Screenshot(ctx); err != nil || before == 0 {
		t.Fatalf("got the picture %v, %v and %d frames, want pictures before a secret is typed", shot, err, before)
	}
	if err := page.Click(ctx, "#key"); err != nil { // so that typing makes no frame before the secret is there
		t.Fatal(err)
	}
	page.Settle(ctx)
	typed := time.Now()
	if err := page.Type(ctx, "#key", "geheim4711", true); err != nil {
		t.Fatal(err)
	}
	page.Settle(ctx)
	l := read(t, page)
	for _, frame := range l.Filmstrip {
		if late := l.Start.Add(frame.At).Sub(typed); late > 0 {
			t.Errorf("got a frame %v after a secret was typed, want those from before only", late)
		}
	}
	if shot, err := page.Screenshot(ctx); !errors.Is(err, pageload.ErrSecret) {
		t.Errorf("got the picture %v, %v; want ErrSecret", shot, err)
	}
	if frames := load(t, page, "http://shop.example/account").Filmstrip; len(frames) != 0 {
		t.Errorf("got %d frames of the page behind, want none", len(frames))
	}
	if shot, err := page.Screenshot(ctx); !errors.Is(err, pageload.ErrSecret) {
		t.Errorf("got the picture %v, %v of the page behind; want ErrSecret", shot, err)
	}
}

func TestPage_Asks(t *testing.T) {
	t.Parallel()
	shop := serve(t, map[string]string{"/": `<title>Shop</title><p>seen</p><p style="display:none" class=hidden>unseen</p><script>history.pushState(0, '', '/there?q=1')</script>`})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, screen())
	load(t, page, "http://shop.example/")
	ctx := visitContext(t)
	if text, err := page.Text(ctx); text != "seen" || err != nil {
		t.Errorf("got text %q, %v; want seen", text, err)
	}
	if title, err := page.Title(ctx); title != "Shop" || err != nil {
		t.Errorf("got title %q, %v; want Shop", title, err)
	}
	if address, err := page.URL(ctx); address != "http://shop.example/there?q=1" || err != nil {
		t.Errorf("got address %q, %v", address, err)
	}
	for selector, want := range map[string]bool{"p": true, ".hidden": true, ".none": false} {
		if got, err := page.Has(ctx, selector); got != want || err != nil {
			t.Errorf("Has(%q): got %v, %v; want %v", selector, got, err, want)
		}
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := page.Wait(short, ".hidden"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "is not visible") {
		t.Errorf("got error %v, want that it is not visible", err)
	}
	if err := page.Wait(ctx, "p"); err != nil {
		t.Error(err)
	}
}

// TestClick_LeadsOn follows a link: the books are those of the page that it leads to.
func TestClick_LeadsOn(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		http.SetCookie(w, &http.Cookie{Name: strings.Trim(r.URL.Path, "/") + "seen", Value: "1"})
		_, _ = io.WriteString(w, map[string]string{
			"/":     `<script>gone()</script><img src=/pixel><a id=next href=/next>next</a><a id=file href=/file>file</a>`,
			"/next": "<p>the next page",
		}[r.URL.Path])
	})
	mux.HandleFunc("/pixel", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		_, _ = w.Write(make([]byte, 100))
	})
	page, _ := open(t, map[string]*httptest.Server{"shop.example": start(t, mux)}, quick())
	first := load(t, page, "http://shop.example/")
	act := func(selector string) *pageload.Load {
		t.Helper()
		if err := page.Click(visitContext(t), selector); err != nil {
			t.Fatal(err)
		}
		if !page.Settle(visitContext(t)) {
			t.Errorf("not settled after a click on %s", selector)
		}
		return read(t, page)
	}
	same := act("#file")
	if same.URL != first.URL || same.Error != "" || same.Counts.Requests != first.Counts.Requests || same.Vitals.LCP == nil || *same.Vitals.LCP != *first.Vitals.LCP {
		t.Errorf("after a download: got %+v, want the page as it was", same)
	}
	next := act("#next")
	if next.URL != "http://shop.example/next" || next.Counts.Requests != 1 || next.Counts.JSErrors != 0 || next.Redirect != 0 || next.Vitals.LCP == nil {
		t.Errorf("got %+v, want the next page", next)
	}
	if !next.Start.After(first.Start) || next.Vitals.LCP == nil || *next.Vitals.LCP > next.Duration {
		t.Errorf("got LCP %v of %v, want times since the click", next.Vitals.LCP, next.Duration)
	}
	if len(first.Cookies) != 1 || len(next.Cookies) != 1 {
		t.Errorf("got cookies %+v, want those before the first click", next.Cookies)
	}
	again := load(t, page, "http://shop.example/next")
	if len(again.Cookies) != 2 || again.Counts.Requests != 1 {
		t.Errorf("got %+v, want a load of its own", again)
	}
}
