package probe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestVisit_JSON(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	visit := probe.Visit{
		Run: 1, Published: true, Browser: "chromium 156", URL: "https://shop.example/", Status: 200, Settled: true,
		Vitals: map[string]float64{"lcp": 1.5}, Largest: &probe.Element{Selector: "img#hero"},
		Shifts:   []probe.Shift{{At: 1500 * ms, Value: 0.25, Selector: "div#banner"}},
		Requests: []probe.Request{{URL: "https://ads.example/", Method: "GET", Type: "script", Site: "ads.example", ThirdParty: true, Status: 200, Bytes: 7, Start: 100 * ms, Blocked: 10 * ms, Wait: 20 * ms, Receive: 30 * ms}},
		Console:  []probe.ConsoleLine{{At: 200 * ms, Level: "error", Text: "boom", Line: 3}},
		Screenshot: &probe.Picture{
			At: 3 * time.Second, Media: "image/png", Width: 2, Height: 1, Bytes: 9, ID: "abc", Data: []byte("not shown"),
		},
	}
	got, err := json.Marshal(visit)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(got, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "start")
	want := map[string]any{
		"run": 1.0, "published": true, "browser": "chromium 156", "url": "https://shop.example/", "status": 200.0, "settled": true,
		"vitals": map[string]any{"lcp": 1.5}, "largest": map[string]any{"selector": "img#hero"},
		"layout_shifts": []any{map[string]any{"at_seconds": 1.5, "value": 0.25, "selector": "div#banner"}},
		"content":       map[string]any{"words": 0.0, "links": 0.0, "pictures": 0.0, "nodes": 0.0},
		"requests": []any{map[string]any{
			"url": "https://ads.example/", "method": "GET", "type": "script", "site": "ads.example", "third_party": true, "status": 200.0,
			"bytes": 7.0, "start_seconds": 0.1, "blocked_seconds": 0.01, "wait_seconds": 0.02, "receive_seconds": 0.03,
		}},
		"console":    []any{map[string]any{"at_seconds": 0.2, "level": "error", "text": "boom", "line": 3.0}},
		"screenshot": map[string]any{"at_seconds": 3.0, "media": "image/png", "width": 2.0, "height": 1.0, "bytes": 9.0, "id": "abc"},
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if strings.Contains(string(got), "bm90IHNob3du") { // "not shown" in base64
		t.Error("JSON holds the bytes of the picture")
	}
}

func TestEvidence_Pictures(t *testing.T) {
	t.Parallel()
	picture := func(id string) probe.Picture { return probe.Picture{ID: id} }
	first, third := picture("first"), picture("third")
	evidence := &probe.Evidence{Visits: []probe.Visit{
		{Screenshot: &first, Filmstrip: []probe.Picture{picture("film 1"), picture("film 2")}},
		{},
		{Screenshot: &third},
	}}
	var ids []string
	evidence.Pictures(func(p *probe.Picture) bool {
		ids = append(ids, p.ID)
		p.ID = "seen"
		return true
	})
	if diff := cmp.Diff([]string{"first", "film 1", "film 2", "third"}, ids); diff != "" {
		t.Errorf("pictures (-want +got):\n%s", diff)
	}
	if evidence.Visits[0].Filmstrip[1].ID != "seen" {
		t.Error("got a copy, want the picture itself")
	}
	for stop := 1; stop <= 4; stop++ {
		n := 0
		evidence.Pictures(func(*probe.Picture) bool {
			n++
			return n < stop
		})
		if n != stop {
			t.Errorf("got %d pictures, want an end after %d", n, stop)
		}
	}
	var none *probe.Evidence
	none.Pictures(func(*probe.Picture) bool {
		t.Error("no evidence has a picture")
		return true
	})
}

// TestEvidence_Counted tells the page that was measured from the one that the steps of its run led to.
func TestEvidence_Counted(t *testing.T) {
	shot := &probe.Picture{}
	tests := map[string]struct {
		visits            []probe.Visit
		counted, pictured string
	}{
		"no visit":         {nil, "", ""},
		"one":              {[]probe.Visit{{Run: 1, URL: "a", Published: true, Screenshot: shot}}, "a", "a"},
		"without pictures": {[]probe.Visit{{Run: 1, URL: "a", Published: true}}, "a", ""},
		"of a journey": {[]probe.Visit{
			{Run: 1, URL: "a", Published: true}, {Run: 1, URL: "b", Screenshot: shot}, {Run: 2, URL: "c"}, {Run: 2, URL: "d", Screenshot: shot},
		}, "a", "b"},
		"of several runs": {[]probe.Visit{
			{Run: 1, URL: "a"}, {Run: 1, URL: "b", Screenshot: shot}, {Run: 2, URL: "c", Published: true}, {Run: 2, URL: "d", Screenshot: shot},
		}, "c", "d"},
		"of a failure": {[]probe.Visit{{Run: 1, URL: "a", Screenshot: shot}, {Run: 2, URL: "b"}}, "b", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url := func(v *probe.Visit) string {
				if v == nil {
					return ""
				}
				return v.URL
			}
			e := &probe.Evidence{Visits: tt.visits}
			if got := [2]string{url(e.Counted()), url(e.Pictured())}; got != [2]string{tt.counted, tt.pictured} {
				t.Errorf("%q counts and is pictured, want %q and %q", got, tt.counted, tt.pictured)
			}
		})
	}
	var none *probe.Evidence
	if none.Counted() != nil || none.Pictured() != nil {
		t.Error("no evidence has a visit")
	}
}
