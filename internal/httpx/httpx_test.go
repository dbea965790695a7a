package httpx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func newClient(t *testing.T, opts httpx.Options) *httpx.Client {
	t.Helper()
	client, err := httpx.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func do(t *testing.T, client *httpx.Client, req *httpx.Request) *httpx.Response {
	t.Helper()
	resp, err := client.Do(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestClient_PlainExchange(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
			http.Redirect(w, r, "/b?token=secret", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("hello " + r.Header.Get("Cookie") + r.UserAgent()))
	}))
	defer server.Close()
	resp := do(t, newClient(t, httpx.Options{MaxRedirects: 5, UserAgent: "x"}), &httpx.Request{URL: server.URL + "/a"})
	if got, want := string(resp.Body), "hello seen=1x"; got != want || resp.Reason != "" || resp.Status != 200 {
		t.Errorf("got %q, %q (%s), %d; want %q", got, resp.Reason, resp.Detail, resp.Status, want)
	}
	if got, want := resp.Exchanges[1].URL, server.URL+"/b?token=xxx"; got != want {
		t.Errorf("got URL %s in the evidence, want %s", got, want)
	}
	if _, ok := resp.Phases.Get(probe.Resolve); ok {
		t.Error("a literal address has a resolve phase")
	}
}
