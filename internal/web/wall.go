package web

import (
	"net/http"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// wallPage is for a screen on a wall: one big tile for each channel.
type wallPage struct {
	frame
	Tiles   []wallTile
	Columns int
	Light   bool
}

type wallTile struct {
	Title, Type, Plain string
	Rating             probe.Rating
	Row                *channelRow // nil without scores
}

func (h *handler) wall(w http.ResponseWriter, r *http.Request) {
	f := h.frame(w, r, "wall", "Wall", 0)
	page := &wallPage{frame: f, Light: r.URL.Query().Get("theme") == "light"}
	o, why := h.readOverview(r.Context(), view.Hour)
	if o == nil {
		page.Why = why
		page.Tiles = h.lastTiles(&page.frame)
	} else {
		page.addNotice(why)
		page.addNotice(silence(o))
		if at := newest(o); !at.IsZero() {
			page.Now = at
		}
		page.tooYoung(o.At, timelines(o)...)
		from := page.start(o.From, o.At)
		for i := range o.Channels {
			row := channelRow{&o.Channels[i], &page.frame, from, o.At, false}
			page.Tiles = append(page.Tiles, wallTile{Title: row.Title, Type: row.Type, Rating: row.Rating, Row: &row})
		}
	}
	page.Columns = wallColumns(len(page.Tiles))
	h.page(w, r, http.StatusOK, "wall", page)
}

// lastTiles returns a tile for each touchpoint, with its last result.
func (h *handler) lastTiles(f *frame) []wallTile {
	var tiles []wallTile
	for _, c := range h.opts.Source.Channels() {
		for _, tp := range c.Touchpoints {
			status := h.touchpointStatus(tp, f)
			plain := status.Plain
			if status.Cause != nil {
				plain = status.Cause.Title
			}
			tiles = append(tiles, wallTile{Title: c.Title + ": " + tp.Title, Type: string(c.Type), Plain: plain, Rating: status.Rating})
		}
	}
	return tiles
}

// wallColumns returns how many columns make tiles that are a little wider than high on a wide screen.
func wallColumns(tiles int) int {
	columns := 1
	for columns < 10 && columns*((columns*2+2)/3) < tiles {
		columns++
	}
	return columns
}
