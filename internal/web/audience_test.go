package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ask gets a page with header fields in pairs.
func ask(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, r)
}

// TestAudience_IsRememberedByTheSwitchOnly follows the link of the switch, and everything that is like it and is not.
func TestAudience_IsRememberedByTheSwitchOnly(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	links := find(document(t, base+"/?range=7d"), "nav.switch a")
	click := attr(links[1], "href")
	if text(links[1]) != "IT" || !strings.Contains(click, "for=it") || !strings.Contains(click, "range=7d") {
		t.Fatalf("the switch to %q leads to %q", text(links[1]), click)
	}
	for name, tt := range map[string]struct {
		path   string
		header []string
		want   int
	}{
		"a click":                              {"/" + click, []string{"Sec-Fetch-Site", "same-origin"}, 1},
		"a click in a browser that tells less": {"/" + click, []string{"Referer", base + "/"}, 1},
		"a link of a colleague":                {"/" + click, []string{"Sec-Fetch-Site", "none"}, 0},
		"a link on another site":               {"/" + click, []string{"Sec-Fetch-Site", "cross-site"}, 0},
		"a link on another page":               {"/" + click, []string{"Referer", "http://wiki.example/"}, 0},
		"a program":                            {"/" + click, nil, 0},
		"the page asks for itself again":       {"/" + click, []string{"Sec-Fetch-Site", "same-origin", "Channelwatch-For", "it"}, 0},
		"another link of the page":             {"/?for=it", []string{"Sec-Fetch-Site", "same-origin"}, 0},
		"nobody":                               {"/?for=nobody&remember=1", []string{"Sec-Fetch-Site", "same-origin"}, 0},
	} {
		response, body := ask(t, base+tt.path, tt.header...)
		cookies := response.Cookies()
		if len(cookies) != tt.want {
			t.Errorf("%s: cookies %v, want %d", name, cookies, tt.want)
			continue
		}
		for _, c := range cookies {
			if c.Value != "it" || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || !c.HttpOnly {
				t.Errorf("%s: cookie %v, want one for all pages, Lax, that no script reads", name, c)
			}
		}
		if chosen := current(find(parse(t, body), "nav.switch a"))[0]; name != "nobody" && chosen != "IT" {
			t.Errorf("%s: the page is for %s, want IT", name, chosen)
		}
	}
}

// TestAudience_OfAPage lets the page win over the address, and the address over what the browser remembers. What the
// browser does not remember, links hand on.
func TestAudience_OfAPage(t *testing.T) {
	base := serve(t, &source{channels: channels()}, withViews(shop()))
	for name, tt := range map[string]struct {
		path, shown, cookie string
		want, link          string
	}{
		"at first":               {"/", "", "", "Marketing", "./channels/web"},
		"remembered":             {"/", "", "it", "IT", "./channels/web"},
		"nonsense is remembered": {"/", "", "nonsense", "Marketing", "./channels/web"},
		"in the address":         {"/?for=it", "", "", "IT", "./channels/web?for=it"},
		"in both":                {"/?for=it", "", "it", "IT", "./channels/web"},
		"against the browser":    {"/?for=marketing&range=7d", "", "it", "Marketing", "./channels/web?for=marketing&range=7d"},
		"another page switched":  {"/", "it", "marketing", "IT", "./channels/web?for=it"},
	} {
		header := []string{"Cookie", "channelwatch_for=" + tt.cookie}
		if tt.shown != "" {
			header = append(header, "Channelwatch-For", tt.shown)
		}
		_, body := ask(t, base+tt.path, header...)
		page := parse(t, body)
		got := []string{current(find(page, "nav.switch a"))[0], attr(find(page, "#web h2 a")[0], "href")}
		if diff := cmp.Diff([]string{tt.want, tt.link}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got, want := attr(find(page, "body")[0], "data-for"), strings.ToLower(tt.want); got != want {
			t.Errorf("%s: the scripts ask for %q again, want %q", name, got, want)
		}
	}
}
