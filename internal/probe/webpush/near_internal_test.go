package webpush

import (
	"net/url"
	"testing"
)

func TestNear(t *testing.T) {
	t.Parallel()
	tests := []struct {
		service, endpoint string
		want              bool
	}{
		{"wss://push.services.mozilla.com/", "https://updates.push.services.mozilla.com/wpush/v2/x", true},
		{"wss://push.example.com/", "https://push.example.com:8443/x", true},
		{"wss://push.example.com/", "https://PUSH.example.com/x", true},
		{"wss://autoconnect.example.co.uk/", "https://autoendpoint.example.co.uk/x", true},
		{"wss://push.example.co.uk/", "https://push.other.co.uk/x", false},
		{"wss://push.example.com/", "https://example.org/x", false},
		{"wss://push.example.com/", "https://localhost/x", false},
		{"wss://push.example.com/", "https://127.0.0.1/x", false},
		{"wss://push.example.com/", "https://10.0.0.1/x", false},
		{"wss://push.example.com/", "https://intranet/x", false},
		{"ws://127.0.0.1:1/", "http://localhost:2/x", true},
		{"ws://127.0.0.1:1/", "https://10.0.0.1/x", false},
		{"wss://192.168.0.1/", "https://10.168.0.1/x", false}, // not the domain 0.1
		{"wss://192.168.0.1/", "https://192.168.0.1:9/x", true},
		{"wss://push/", "https://push/x", true},
	}
	for _, test := range tests {
		service, err := url.Parse(test.service)
		if err != nil {
			t.Fatal(err)
		}
		endpoint, err := url.Parse(test.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if got := near(service, endpoint); got != test.want {
			t.Errorf("%s for %s: got %t, want %t", test.endpoint, test.service, got, test.want)
		}
	}
}
