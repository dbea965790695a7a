package httpx_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestClient_Redirects(t *testing.T) {
	t.Parallel()
	var elsewhere string
	mux := http.NewServeMux()
	to := func(path, location string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{strings.ReplaceAll(location, "ELSEWHERE", elsewhere)}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("moved"))
		})
	}
	to("/relative", "end", 302)
	to("/absolute", "http://ELSEWHERE/end", 307)
	to("/loop", "/loop2", 301)
	to("/loop2", "/loop#part", 308)
	to("/self", "/self", 302)
	to("/empty", "", 302)
	to("/broken", "http://%zz/", 302)
	to("/scheme", "javascript:alert(1)", 302)
	to("/nohost", "http:///x", 302)
	to("/one", "/two", 303)
	to("/two", "/three", 302)
	to("/three", "/end", 302)
	to("/refused", "http://127.0.0.1:1/", 302)
	to("/user", "http://a:b@ELSEWHERE/end", 302)
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) })
	mux.HandleFunc("/several", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{"/end", "/other"}
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/notmodified", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/end")
		w.WriteHeader(http.StatusMultipleChoices)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		http.Redirect(w, r, fmt.Sprintf("/count?n=%d", n+1), http.StatusFound)
	})
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err == nil {
			_, _ = w.Write([]byte("end"))
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/cookie", http.StatusFound)
	})
	mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" && strings.HasSuffix(r.Host, "x") {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write([]byte("end"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	other := httptest.NewServer(mux)
	t.Cleanup(other.Close)
	elsewhere = other.Listener.Addr().String()

	tests := []struct {
		name      string
		path      string
		opts      httpx.Options
		reason    probe.Reason
		status    int
		final     string
		exchanges int
	}{
		{name: "not followed", path: "/relative", status: 302, final: "/relative", exchanges: 1},
		{name: "relative", path: "/relative", opts: httpx.Options{MaxRedirects: 1}, status: 200, final: "/end", exchanges: 2},
		{name: "other host", path: "/absolute", opts: httpx.Options{MaxRedirects: 1}, status: 200, final: "http://ELSEWHERE/end", exchanges: 2},
		{name: "user info is dropped", path: "/user", opts: httpx.Options{MaxRedirects: 1}, status: 200, final: "http://ELSEWHERE/end", exchanges: 2},
		{name: "host allowed", path: "/absolute", opts: httpx.Options{MaxRedirects: 1, AllowedHosts: []string{"127.0.0.1"}}, status: 200, final: "http://ELSEWHERE/end", exchanges: 2},
		{name: "host forbidden", path: "/absolute", opts: httpx.Options{MaxRedirects: 1, AllowedHosts: []string{"*.example.com"}}, reason: probe.RedirectForbidden, status: 307, final: "/absolute", exchanges: 1},
		{name: "at the limit", path: "/one", opts: httpx.Options{MaxRedirects: 3}, status: 200, final: "/end", exchanges: 4},
		{name: "over the limit", path: "/one", opts: httpx.Options{MaxRedirects: 2}, reason: probe.RedirectLimit, status: 302, final: "/three", exchanges: 3},
		{name: "endless", path: "/count", opts: httpx.Options{MaxRedirects: 5}, reason: probe.RedirectLimit, status: 302, final: "/count?n=5", exchanges: 6},
		{name: "loop", path: "/loop", opts: httpx.Options{MaxRedirects: 10}, reason: probe.RedirectLoop, status: 308, final: "/loop2", exchanges: 2},
		{name: "to itself", path: "/self", opts: httpx.Options{MaxRedirects: 10}, reason: probe.RedirectLoop, status: 302, final: "/self", exchanges: 1},
		{name: "to itself with a cookie", path: "/cookie", opts: httpx.Options{MaxRedirects: 10}, status: 200, final: "/cookie", exchanges: 2},
		{name: "no location", path: "/none", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/none", exchanges: 1},
		{name: "empty location", path: "/empty", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/empty", exchanges: 1},
		{name: "broken location", path: "/broken", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/broken", exchanges: 1},
		{name: "other scheme", path: "/scheme", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/scheme", exchanges: 1},
		{name: "no host", path: "/nohost", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/nohost", exchanges: 1},
		{name: "several locations", path: "/several", opts: httpx.Options{MaxRedirects: 1}, reason: probe.RedirectMalformed, status: 302, final: "/several", exchanges: 1},
		{name: "status that is not followed", path: "/notmodified", opts: httpx.Options{MaxRedirects: 1}, status: 300, final: "/notmodified", exchanges: 1},
		{name: "to a closed port", path: "/refused", opts: httpx.Options{MaxRedirects: 1}, reason: probe.ConnectRefused, status: 0, final: "http://127.0.0.1:1/", exchanges: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp := do(t, newClient(t, test.opts), &httpx.Request{URL: server.URL + test.path})
			if resp.Reason != test.reason || resp.Status != test.status {
				t.Errorf("got %q (%s), status %d; want %q, %d", resp.Reason, resp.Detail, resp.Status, test.reason, test.status)
			}
			want := strings.ReplaceAll(test.final, "ELSEWHERE", elsewhere)
			if strings.HasPrefix(want, "/") {
				want = server.URL + want
			}
			if resp.FinalURL != want || len(resp.Exchanges) != test.exchanges {
				t.Errorf("ended at %s after %d exchanges, want %s after %d", resp.FinalURL, len(resp.Exchanges), want, test.exchanges)
			}
			if test.status == 200 && string(resp.Body) != "end" {
				t.Errorf("got body %q, want that of the last exchange", resp.Body)
			}
		})
	}
}

func TestClient_RedirectDowngrade(t *testing.T) {
	cert, options := tlsTarget(t)
	plain := httptest.NewServer(http.HandlerFunc(hello))
	defer plain.Close()
	addr := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL, http.StatusFound)
	})
	for _, test := range []struct {
		allow  bool
		reason probe.Reason
		hasTLS bool
	}{{false, probe.RedirectDowngrade, true}, {true, "", false}} {
		resp := do(t, newClient(t, httpx.Options{TLS: options, MaxRedirects: 1, AllowDowngrade: test.allow}), &httpx.Request{URL: "https://" + addr})
		if resp.Reason != test.reason || resp.NotAfter.IsZero() == test.hasTLS {
			t.Errorf("downgrade allowed %v: got %q (%s), certificate until %v", test.allow, resp.Reason, resp.Detail, resp.NotAfter)
		}
	}
}

// What the request itself carries is for the host that it was written for, and does not come back with a redirect back.
func TestClient_RedirectHeaders(t *testing.T) {
	type seen struct{ host, header string }
	var got []seen
	var home, away *httptest.Server
	record := func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var fields []string
		for _, name := range []string{"Authorization", "Content-Type", "Cookie", "User-Agent", "X-Key", "X-Profile"} {
			if v := r.Header.Get(name); v != "" {
				fields = append(fields, name+"="+v)
			}
		}
		host := "home"
		if r.Host == away.Listener.Addr().String() {
			host = "away"
		}
		got = append(got, seen{host + r.URL.Path, fmt.Sprintf("%s %s %s", r.Method, strings.Join(fields, " "), body)})
	}
	home = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record(r)
		switch r.URL.Path {
		case "/1":
			http.SetCookie(w, &http.Cookie{Name: "id", Value: "7", Path: "/"})
			http.Redirect(w, r, "/2", http.StatusPermanentRedirect)
		case "/2":
			http.Redirect(w, r, away.URL+"/3", http.StatusFound)
		}
	}))
	defer home.Close()
	away = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record(r)
		http.Redirect(w, r, home.URL+"/4", http.StatusFound)
	}))
	defer away.Close()
	client := newClient(t, httpx.Options{MaxRedirects: 5, UserAgent: "agent", Header: http.Header{"X-Profile": {"phone"}}})
	resp := do(t, client, &httpx.Request{
		Method: "POST", URL: home.URL + "/1", Body: []byte("body"),
		Header: http.Header{
			"Authorization": {"geheim"}, "X-Key": {"geheim"}, "Content-Type": {"text/plain"}, "Cookie": {"own=1"}, "User-Agent": {"mine"},
		},
	})
	// The cookie is one of 127.0.0.1 and, as cookies are, not of a port (RFC 6265 section 8.5).
	want := []seen{
		{"home/1", "POST Authorization=geheim Content-Type=text/plain Cookie=own=1 User-Agent=mine X-Key=geheim X-Profile=phone body"},
		{"home/2", "POST Authorization=geheim Content-Type=text/plain Cookie=own=1; id=7 User-Agent=mine X-Key=geheim X-Profile=phone body"},
		{"away/3", "GET Cookie=id=7 User-Agent=agent X-Profile=phone "},
		{"home/4", "GET Cookie=id=7 User-Agent=agent X-Profile=phone "},
	}
	if !slices.Equal(got, want) || resp.Reason != "" {
		t.Errorf("got %q (%s), want %q", got, resp.Detail, want)
	}
}

// The user info of the first URL stays there as well.
func TestClient_RedirectWithoutUserInfo(t *testing.T) {
	got := make(chan string, 1)
	away := listen(t, func(c net.Conn) {
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		got <- string(b[:n])
		_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	})
	home := listen(t, answer("HTTP/1.1 302 Found\r\nLocation: http://"+away+"/\r\n\r\n"))
	do(t, newClient(t, httpx.Options{MaxRedirects: 1}), &httpx.Request{URL: "http://a:geheim@" + home})
	if sent := <-got; strings.Contains(sent, "Authorization") || strings.Contains(sent, "Referer") {
		t.Errorf("the other host got %q", sent)
	}
}

// Nobody waits for the body of a redirect.
func TestClient_RedirectBodyIsNotAwaited(t *testing.T) {
	var url string
	addr := listen(t, func(c net.Conn) {
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		if strings.HasPrefix(string(b[:n]), "GET /end") {
			_, _ = c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
			return
		}
		_, _ = c.Write([]byte("HTTP/1.1 302 Found\r\nLocation: " + url + "/end\r\nContent-Length: 100\r\n\r\n"))
		hang(c)
	})
	url = "http://" + addr
	resp, err := newClient(t, httpx.Options{MaxRedirects: 1}).Do(within(t, time.Minute), &httpx.Request{URL: url})
	if err != nil || resp.Status != 204 {
		t.Errorf("got %+v, %v, want status 204", resp, err)
	}
}
