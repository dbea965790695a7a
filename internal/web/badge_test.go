package web_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestBadge(t *testing.T) {
	views := shop()
	views.channels[1].Title = `Shop & "Co" ` + hostile
	base := serve(t, &source{}, withViews(views))
	tests := []struct{ channel, title, fill, letters string }{
		{"app", "Mobile app: Poor 41.2", "#c8374b", "#ffffff"},
		{"web", `Shop & "Co" <script>alert(1)</script>"': Good 88.7`, "#a3d9a5", "#14202b"},
		{"mobile", "Mobile website: Excellent 100", "#1f6fb2", "#ffffff"},
		{"push", "Push messages: Fair 71", "#f0be4a", "#14202b"},
		{"social", "Social previews: Unknown", "#6b7785", "#ffffff"},
	}
	for _, tt := range tests {
		t.Run(tt.channel, func(t *testing.T) {
			response, body := request(t, http.MethodGet, base+"/badge/"+tt.channel+".svg")
			if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "image/svg+xml" {
				t.Fatalf("%d %s, want 200 image/svg+xml", response.StatusCode, got)
			}
			if got := response.Header.Get("Cache-Control"); got != "max-age=30" {
				t.Errorf("Cache-Control %q, want max-age=30", got)
			}
			var badge struct {
				Label string `xml:"aria-label,attr"`
				Role  string `xml:"role,attr"`
				Title string `xml:"title"`
			}
			if err := xml.Unmarshal([]byte(body), &badge); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			title := tt.title
			if badge.Role != "img" || badge.Label != badge.Title {
				t.Errorf("role %q, label %q, title %q, want an image with one name", badge.Role, badge.Label, badge.Title)
			}
			if badge.Title != title {
				t.Errorf("title %q, want %q", badge.Title, title)
			}
			if !strings.Contains(body, `fill="`+tt.fill+`"`) || !strings.Contains(body, `fill="`+tt.letters+`" font-weight`) {
				t.Errorf("want %s letters on %s:\n%s", tt.letters, tt.fill, body)
			}
		})
	}
	for _, path := range []string{"/badge/none.svg", "/badge/web", "/badge/web.png"} {
		if response, _ := request(t, http.MethodGet, base+path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, response.StatusCode)
		}
	}
}

// TestBadge_WithoutScores still is a picture, of a channel that is known.
func TestBadge_WithoutScores(t *testing.T) {
	broken := shop()
	broken.err = errors.New("timeout")
	for name, base := range map[string]string{
		"no history": serve(t, &source{channels: channels()}), "views fail": serve(t, &source{channels: channels()}, withViews(broken)),
	} {
		response, body := request(t, http.MethodGet, base+"/badge/web.svg")
		if response.StatusCode != http.StatusOK || !strings.Contains(body, "<title>web: no scores</title>") {
			t.Errorf("%s: %d %s, want a badge that says so", name, response.StatusCode, body)
		}
		for d := xml.NewDecoder(strings.NewReader(body)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if response, _ := request(t, http.MethodGet, base+"/badge/other.svg"); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: an unknown channel has a badge: %d, want 404", name, response.StatusCode)
		}
	}
}
