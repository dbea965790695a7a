package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/web"
)

func TestPicture(t *testing.T) {
	kept := map[string][2]string{
		strings.Repeat("a1", 32): {"image/png", "\x89PNG…"},
		strings.Repeat("b2", 32): {"image/jpeg", "\xff\xd8…"},
		strings.Repeat("c3", 32): {"image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"},
		strings.Repeat("d4", 32): {"text/html", hostile},
	}
	asked := 0
	with := func(o *web.Options) {
		o.Picture = func(id string) (string, []byte, bool) {
			asked++
			p, ok := kept[id]
			return p[0], []byte(p[1]), ok
		}
	}
	base, without := serve(t, &source{channels: channels()}, with), serve(t, &source{channels: channels()})
	tests := []struct {
		name, url string
		status    int
		media     string
		asked     int
	}{
		{"png", base + "/touchpoints/web/home/pictures/" + strings.Repeat("a1", 32), 200, "image/png", 1},
		{"jpeg", base + "/touchpoints/web/home/pictures/" + strings.Repeat("b2", 32), 200, "image/jpeg", 1},
		{"svg runs scripts", base + "/touchpoints/web/home/pictures/" + strings.Repeat("c3", 32), 404, "", 1},
		{"html", base + "/touchpoints/web/home/pictures/" + strings.Repeat("d4", 32), 404, "", 1},
		{"no longer kept", base + "/touchpoints/web/home/pictures/" + strings.Repeat("e5", 32), 404, "", 1},
		{"not of this agent", base + "/touchpoints/web/gone/pictures/" + strings.Repeat("a1", 32), 404, "", 0},
		{"no name of a picture", base + "/touchpoints/web/home/pictures/..%2f..%2fetc%2fpasswd", 404, "", 0},
		{"too short", base + "/touchpoints/web/home/pictures/a1", 404, "", 0},
		{"too long", base + "/touchpoints/web/home/pictures/" + strings.Repeat("a", 129), 404, "", 0},
		{"no pictures at all", without + "/touchpoints/web/home/pictures/" + strings.Repeat("a1", 32), 404, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked = 0
			response, body := request(t, http.MethodGet, tt.url)
			if response.StatusCode != tt.status || asked != tt.asked {
				t.Errorf("status %d after %d questions, want %d after %d", response.StatusCode, asked, tt.status, tt.asked)
			}
			if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options %q, want nosniff", got)
			}
			cache := response.Header.Get("Cache-Control")
			if tt.status != http.StatusOK {
				if strings.Contains(cache, "immutable") {
					t.Errorf("Cache-Control %q of what is not there", cache)
				}
				return
			}
			if response.Header.Get("Content-Type") != tt.media || body != kept[tt.url[len(tt.url)-64:]][1] {
				t.Errorf("got %s %q, want %s", response.Header.Get("Content-Type"), body, tt.media)
			}
			if cache != "private, max-age=86400, immutable" {
				t.Errorf("Cache-Control %q, want a private one for good", cache)
			}
			if policy := response.Header.Get("Content-Security-Policy"); policy != "default-src 'none'; sandbox" {
				t.Errorf("policy %q, want one that lets nothing run", policy)
			}
		})
	}
}
