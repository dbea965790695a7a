package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/web"
)

func TestWall_Tiles(t *testing.T) {
	for channels, columns := range map[int]int{1: 1, 2: 2, 6: 3, 12: 4, 24: 6, 60: 10, 200: 10} {
		page := document(t, serve(t, &source{}, withViews(fleet(channels)))+"/wall")
		if got := len(find(page, "li.tile")); got != channels {
			t.Errorf("%d channels: %d tiles", channels, got)
		}
		if got, want := attr(find(page, "ol.tiles")[0], "class"), fmt.Sprintf("tiles columns%d", columns); got != want {
			t.Errorf("%d channels: class %q, want %q", channels, got, want)
		}
	}
}

func TestWall_SaysWhatMatters(t *testing.T) {
	page := document(t, serve(t, &source{}, withViews(shop()))+"/wall")
	tile := find(page, "li.poor")
	if len(tile) != 1 {
		t.Fatalf("%d poor tiles, want that of the mobile app", len(tile))
	}
	got := map[string]string{}
	for _, part := range []string{"h2", ".word", ".cause"} {
		got[part] = text(find(tile[0], part)...)
	}
	want := map[string]string{"h2": "Mobile app", ".word": "Poor 41.2", ".cause": "slow server"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tile (-want +got):\n%s", diff)
	}
	if since := text(find(tile[0], ".since")...); !strings.HasPrefix(since, "since ") {
		t.Errorf("the tile says %q, want since when", since)
	}
	if got := text(find(page, "li.unknown .word")...); got != "Unknown" {
		t.Errorf("a channel without data shows %q, want no number", got)
	}
}

// TestWall_WithoutScores shows the last results, and says why.
func TestWall_WithoutScores(t *testing.T) {
	base := serve(t, &source{channels: channels()}, func(o *web.Options) {
		o.History = func() (string, bool) { return "The history is opening.", false }
	})
	page := document(t, base+"/wall")
	want := []string{
		"Web shop: Home Excellent Nothing to complain about.", "Web shop: Search Poor no answer", "Web shop: Basket Unknown No result yet.",
	}
	if diff := cmp.Diff(want, texts(find(page, "li.tile"))); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	if got := text(find(page, "p.calm")...); got != "The history is opening." {
		t.Errorf("the page says %q, want why there are no scores", got)
	}
}
