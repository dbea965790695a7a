package pageload

import (
	"context"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxScreenshot bounds a screenshot in bytes.
const maxScreenshot = 512 << 10

// Screenshot takes a picture of the viewport: PNG, or JPEG when that is too large.
func (p *Page) Screenshot(ctx context.Context) (*probe.Picture, error) {
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
