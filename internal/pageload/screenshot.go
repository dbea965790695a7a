package pageload

import (
	"context"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of a screenshot.
const (
	maxScreenshot  = 512 << 10 // bytes
	screenshotTime = 5 * time.Second
)

// Screenshot takes a picture of the viewport: PNG, or JPEG when that is too large. Of a page that is not drawn there is
// none, which it takes 5 s to find out.
func (p *Page) Screenshot(ctx context.Context) (*probe.Picture, error) {
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
