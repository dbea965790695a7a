package httpx_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Pages that set a cookie and send the customer back to themselves get it back as they wrote it.
func TestClient_RedirectCookiesAsSet(t *testing.T) {
	for _, cookie := range []string{`consent={"a":1}`, `sid="abc"`, "cart[a]=1", "a=b=c", "a=1, 2"} {
		t.Run(cookie, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Header.Get("Cookie") {
				case "":
					w.Header().Set("Set-Cookie", cookie+"; Path=/; HttpOnly")
					http.Redirect(w, r, "/", http.StatusFound)
				case cookie:
					_, _ = w.Write([]byte("end"))
				default:
					w.WriteHeader(http.StatusBadRequest)
				}
			}))
			defer server.Close()
			resp := do(t, newClient(t, httpx.Options{MaxRedirects: 3}), &httpx.Request{URL: server.URL})
			if resp.Reason != "" || string(resp.Body) != "end" {
				t.Errorf("got %q (%s), status %d, want the page", resp.Reason, resp.Detail, resp.Status)
			}
		})
	}
}

// Locations that browsers follow although RFC 3986 does not allow them.
func TestClient_RedirectLeniently(t *testing.T) {
	for _, test := range []struct{ location, path string }{
		{"/ok/100%-off", "/ok/100%25-off"},
		{"http:/ok", "/ok"},
		{"/ok\t/x", "/ok/x"},
		{"/ok?a=b c", "/ok?a=b%20c"},
	} {
		t.Run(test.location, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					w.Header()["Location"] = []string{test.location}
					w.WriteHeader(http.StatusFound)
					return
				}
				_, _ = io.WriteString(w, r.RequestURI)
			}))
			defer server.Close()
			resp := do(t, newClient(t, httpx.Options{MaxRedirects: 1}), &httpx.Request{URL: server.URL + "/"})
			if resp.Reason != "" || string(resp.Body) != test.path {
				t.Errorf("got %q (%s), arrived at %q, want %s", resp.Reason, resp.Detail, resp.Body, test.path)
			}
			if resp.URL == nil || resp.URL.String() != resp.FinalURL {
				t.Errorf("got URL %v and text %s, want the same", resp.URL, resp.FinalURL)
			}
		})
	}
}

// The body of a request may hold a password: it is for the site that the operator wrote.
func TestClient_RedirectWithBody(t *testing.T) {
	const secret = "hunter2"
	var got string // what the other site got
	away := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + string(body)
	}))
	defer away.Close()
	for _, test := range []struct {
		status int
		body   string
		reason probe.Reason
		got    string
	}{
		{status: 307, body: secret, reason: probe.RedirectForbidden},
		{status: 308, body: secret, reason: probe.RedirectForbidden},
		{status: 308, got: "POST "},
		{status: 302, body: secret, got: "GET "},
		{status: 303, body: secret, got: "GET "},
	} {
		got = ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", away.URL)
			w.WriteHeader(test.status)
			_, _ = io.Copy(io.Discard, r.Body)
		}))
		resp := do(t, newClient(t, httpx.Options{MaxRedirects: 1, AllowedHosts: []string{"127.0.0.1"}}),
			&httpx.Request{Method: http.MethodPost, URL: server.URL, Body: []byte(test.body)})
		server.Close()
		if resp.Reason != test.reason || got != test.got {
			t.Errorf("status %d, body %q: got %q (%s), the other site got %q; want %q and %q",
				test.status, test.body, resp.Reason, resp.Detail, got, test.reason, test.got)
		}
		if strings.Contains(resp.Detail, secret) {
			t.Errorf("the body is shown: %s", resp.Detail)
		}
	}
}

// However long the addresses are that a server thinks of, what is kept of them is not.
func TestClient_RedirectToLongAddresses(t *testing.T) {
	long := "/" + strings.Repeat("x", 200<<10)
	for _, test := range []struct {
		location string
		reason   probe.Reason
	}{
		{long, ""},
		{"/", probe.RedirectLoop},
		{"https://" + long[1:300] + ".test" + long, probe.RedirectForbidden},
		{"ftp://shop.test" + long, probe.RedirectMalformed},
		{"http:///" + long, probe.RedirectMalformed},
	} {
		url := "http://" + listen(t, func(c net.Conn) {
			request, err := http.ReadRequest(bufio.NewReaderSize(c, 1<<20))
			if err != nil {
				return
			}
			if request.URL.Path == long {
				_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "+test.location+"\r\n\r\n")
		})
		resp := do(t, newClient(t, httpx.Options{MaxRedirects: 3, AllowedHosts: []string{"127.0.0.1"}}), &httpx.Request{URL: url + "/"})
		if resp.Reason != test.reason || len(resp.Detail) > 2<<10 {
			t.Errorf("%.20s: got %q and a detail of %d bytes, want %q and at most 2 KiB", test.location, resp.Reason, len(resp.Detail), test.reason)
		}
		for i := range resp.Exchanges {
			if n := len(resp.Exchanges[i].URL); n > 3<<10 {
				t.Errorf("%.20s: evidence has a URL of %d bytes, want at most 3 KiB", test.location, n)
			}
		}
	}
}
