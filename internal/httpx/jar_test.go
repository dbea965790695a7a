package httpx_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// TestClient_DoWithJarKeepsCookies logs in, which sets one cookie on a redirect and one on the page that it leads to, and
// asks again with the same jar and with another.
func TestClient_DoWithJarKeepsCookies(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("/home", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/home"})
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Header.Get("Cookie")) })
	mux.HandleFunc("/home/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Header.Get("Cookie")) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client := newClient(t, httpx.Options{MaxRedirects: 2})
	ask := func(client *httpx.Client, path string, jar *httpx.Jar) string {
		t.Helper()
		response, err := client.DoWithJar(t.Context(), &httpx.Request{URL: server.URL + path}, jar)
		if err != nil || response.Reason != "" {
			t.Fatalf("%s: got the error %v and %+v, want an answer", path, err, response)
		}
		return string(response.Body)
	}
	jar := new(httpx.Jar)
	ask(client, "/login", jar)
	for path, want := range map[string]string{"/echo": "session=s1", "/home/echo": "seen=yes; session=s1"} {
		if got := ask(client.Sibling(), path, jar); got != want {
			t.Errorf("%s: sent the cookies %q, want %q", path, got, want)
		}
	}
	if got := ask(client, "/echo", new(httpx.Jar)); got != "" {
		t.Errorf("sent the cookies %q with a new jar, want none", got)
	}
	home, err := url.Parse(server.URL + "/home")
	if err != nil {
		t.Fatal(err)
	}
	value, ok := jar.Value(home, "session")
	if _, other := jar.Value(home.JoinPath("../other"), "seen"); value != "s1" || !ok || other {
		t.Errorf("session is %q (%v), and seen is known elsewhere: %v; want s1 and no", value, ok, other)
	}
}
