package push_test

import (
	"net/url"
	"testing"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestParseProvider(t *testing.T) {
	t.Parallel()
	const (
		none  = "base_url: not an absolute URL, want https://host"
		more  = "base_url: has user info, query or fragment, want https://host and a path at most"
		plain = "base_url: is not https, want https, or http to 127.0.0.1, ::1 or localhost"
	)
	for raw, want := range map[string]string{
		"https://push.example.com": "", "https://push.example.com:8443/api/": "", "http://127.0.0.1:1": "", "http://127.9.9.9": "",
		"http://[::1]:80/x": "", "http://localhost:8080": "", "http://[::ffff:127.0.0.1]": "",
		"": none, "push.example.com": none, "ftp://push.example.com": none, "https://": none, "https://[": none, "https://a:0": none,
		"https://bob:hunter2@push.example.com": more, "https://push.example.com/?key=hunter2": more, "https://push.example.com/#a": more,
		"https://push.example.com/?": more,
		"http://push.example.com":    plain, "http://localhost.example.com": plain, "http://10.0.0.1": plain, "http://128.0.0.1": plain,
	} {
		u, err := push.ParseProvider("base_url", raw)
		switch {
		case want == "" && (err != nil || u.String() != raw):
			t.Errorf("%q: got %v and %v, want it as it is", raw, u, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%q: got %v, want %s", raw, err, want)
		}
	}
}

func TestHostPort(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://a/b": "a:443", "wss://a": "a:443", "http://a": "a:80", "ws://a/": "a:80", "https://a:1": "a:1", "http://[::1]/": "[::1]:80",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := push.HostPort(u); got != want {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "LocalHost": true,
		"": false, "10.0.0.1": false, "localhost.example.com": false, "::": false,
	} {
		if got := push.IsLoopback(host); got != want {
			t.Errorf("%s: got %t, want %t", host, got, want)
		}
	}
}
