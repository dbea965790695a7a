package web_test

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
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

// TestColours_CanBeRead measures the contrast of the letters on every rating (WCAG 2.2, 1.4.3), and that pages and badges
// have the same colours.
func TestColours_CanBeRead(t *testing.T) {
	base := serve(t, &source{}, withViews(shop()))
	_, style := request(t, http.MethodGet, base+"/assets/0/style.css")
	for _, channel := range []string{"app", "web", "mobile", "push", "social"} {
		_, body := request(t, http.MethodGet, base+"/badge/"+channel+".svg")
		colours := regexp.MustCompile(`fill="(#[0-9a-f]{6})"`).FindAllStringSubmatch(body, -1)
		if len(colours) != 4 {
			t.Fatalf("%s: colours %v, want those of two boxes and two texts", channel, colours)
		}
		title, rating, titleText, ratingText := colours[0][1], colours[1][1], colours[2][1], colours[3][1]
		for _, pair := range [][2]string{{title, titleText}, {rating, ratingText}} {
			if got := contrast(t, pair[0], pair[1]); got < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", channel, pair[1], pair[0], got)
			}
		}
		if !strings.Contains(style, ": "+rating+";") {
			t.Errorf("%s: the pages do not know the colour %s", channel, rating)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		rgb, err := hex.DecodeString(colour[1:])
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := float64(rgb[i]) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += weight * v
		}
		return sum
	}
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
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

// TestBadge_IsNotTurned has a title that would make browsers print the rating backwards.
func TestBadge_IsNotTurned(t *testing.T) {
	views := shop()
	views.channels[1].Title = "\u202eWeb\u2067 shop"
	_, body := request(t, http.MethodGet, serve(t, &source{}, withViews(views))+"/badge/web.svg")
	if !strings.Contains(body, `aria-label="Web shop: Good 88.7"`) || strings.ContainsAny(body, "\u202e\u2067") {
		t.Errorf("the badge turns what follows its title: %s", body)
	}
}
