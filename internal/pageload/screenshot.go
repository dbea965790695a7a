package pageload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of a screenshot.
const (
	maxScreenshot  = 512 << 10 // bytes
	screenshotTime = 5 * time.Second
)

// ErrSecret says that no picture is taken because the page may show a secret that was typed.
var ErrSecret = errors.New("a secret was typed")

// Screenshot takes a picture of the viewport: PNG, or JPEG when that is too large. Of a page that is not drawn there is
// none, which it takes 5 s to find out. After a secret was typed the error is ErrSecret.
func (p *Page) Screenshot(ctx context.Context) (*probe.Picture, error) {
	if p.film.isClosed() {
		return nil, ErrSecret
	}
	ctx, cancel := context.WithTimeout(ctx, screenshotTime)
	defer cancel()
	for _, form := range []struct {
		media, format string
		quality       int
	}{
		{media: mediaPNG, format: "png"}, {mediaJPEG, "jpeg", 70}, {mediaJPEG, "jpeg", 25},
	} {
		params := map[string]any{"format": form.format}
		if form.quality > 0 {
			params["quality"] = form.quality
		}
		var shot struct {
			Data []byte `json:"data"`
		}
		if err := p.call(ctx, "Page.captureScreenshot", params, &shot); err != nil {
			return nil, fmt.Errorf("taking a picture of the page: %w", err)
		}
		if len(shot.Data) <= maxScreenshot {
			picture := newPicture(p.journal.age(time.Now()), form.media, shot.Data)
			return &picture, nil
		}
	}
	return nil, fmt.Errorf("taking a picture of the page: it is larger than %d bytes in every form", maxScreenshot)
}
