package web_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/web"
)

// askAs asks for a path under the name of a host.
func askAs(t *testing.T, method, url, host string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Origin", "http://"+host)
	response, body := do(t, r)
	return response.StatusCode, body
}

// TestServer_RefusesForeignHosts asks as a page does whose name was made to resolve to 127.0.0.1.
func TestServer_RefusesForeignHosts(t *testing.T) {
	base := serve(t, &source{channels: channels(), ready: true})
	port := base[strings.LastIndexByte(base, ':'):]
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]", "0.0.0.0"} {
		if status, body := askAs(t, http.MethodPost, base+"/-/reload", host+port); status != http.StatusMisdirectedRequest {
			t.Errorf("a reload asked of %s: %d %q, want 421", host, status, body)
		}
	}
	for _, path := range []string{
		"/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/results", "/api/v1/config", "/assets/0/style.css", "/channels/web", "/incidents", "/wall", "/badge/web.svg", "/api/v1/channels", "/touchpoints/web/home", "/nowhere",
	} {
		status, body := askAs(t, http.MethodGet, base+path, "evil.example"+port)
		if status != http.StatusMisdirectedRequest || !strings.Contains(body, "ask for localhost or 127.0.0.1") {
			t.Errorf("GET %s of a foreign host: %d %q, want 421 and what to do", path, status, body)
		}
	}
	for _, host := range []string{
		"localhost" + port, "LocalHost", "localhost.", "127.0.0.1" + port, "127.0.0.1", "127.1.2.3:1", "[::1]" + port, "[::1]", "[::ffff:127.0.0.1]:80",
	} {
		if status, body := askAs(t, http.MethodPost, base+"/-/reload", host); status != http.StatusOK {
			t.Errorf("a reload asked of %s: %d %q, want 200", host, status, body)
		}
	}
}

// TestServer_AnyHostOnANetwork lets an agent that was opened to the network be asked by whatever name it has there.
func TestServer_AnyHostOnANetwork(t *testing.T) {
	addr := serveOn(t, &source{}, "0.0.0.0:0")
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if status, body := askAs(t, http.MethodGet, "http://127.0.0.1:"+port+"/-/healthy", "agent.shop.example"); status != http.StatusOK {
		t.Errorf("asked by name: %d %q, want 200", status, body)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:9977": true, "127.8.8.8:1": true, "[::1]:9977": true, "0.0.0.0:9977": false, "[::]:9977": false, "192.0.2.1:9977": false,
	} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := web.Loopback(addr); got != want {
			t.Errorf("Loopback(%s) = %t, want %t", address, got, want)
		}
	}
}
