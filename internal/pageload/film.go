package pageload

import (
	"bytes"
	"image"
	_ "image/jpeg" // to read the size of a picture
	_ "image/png"  // as above
	"slices"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of a filmstrip.
const (
	filmWidth = 400 // pixels
	maxFrames = 12
	maxFrame  = 20 << 10 // bytes
	filmJPEG  = 40       // quality in percent
	mediaJPEG = "image/jpeg"
	mediaPNG  = "image/png"
)

// screencastFrame is one picture of the browser's screencast. The next one comes when it was acknowledged.
type screencastFrame struct {
	Data     []byte `json:"data"`
	Session  int    `json:"sessionId"`
	Metadata struct {
		Timestamp float64 `json:"timestamp"` // seconds since 1970
	} `json:"metadata"`
}

// film keeps a few pictures of a page on its way to its final look.
type film struct {
	mu     sync.Mutex
	frames []screencastFrame
	closed bool // a secret was typed: whatever comes now may show it
}

// close ends the taking of pictures for good. What was taken before stays.
func (f *film) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

func (f *film) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// add keeps a frame that differs from the one before. When there are too many, the one goes that leaves the smallest gap;
// the first and the last stay.
func (f *film) add(frame screencastFrame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.frames); f.closed || len(frame.Data) > maxFrame || n > 0 && bytes.Equal(f.frames[n-1].Data, frame.Data) {
		return
	}
	f.frames = append(f.frames, frame)
	if len(f.frames) <= maxFrames {
		return
	}
	drop, least := 1, f.gap(1)
	for i := 2; i < len(f.frames)-1; i++ {
		if gap := f.gap(i); gap < least {
			drop, least = i, gap
		}
	}
	f.frames = slices.Delete(f.frames, drop, drop+1)
}

// gap returns the seconds between the neighbours of a frame.
func (f *film) gap(i int) float64 {
	return f.frames[i+1].Metadata.Timestamp - f.frames[i-1].Metadata.Timestamp
}

func (f *film) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames = nil
}

// pictures returns the frames since a moment, in seconds since 1970.
func (f *film) pictures(since float64) []probe.Picture {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []probe.Picture
	for _, frame := range f.frames {
		if at := frame.Metadata.Timestamp; at >= since {
			all = append(all, newPicture(seconds(at-since), mediaJPEG, frame.Data))
		}
	}
	return all
}

func newPicture(at time.Duration, media string, data []byte) probe.Picture {
	p := probe.Picture{At: at, Media: media, Bytes: int64(len(data)), Data: data}
	// A picture that cannot be read is shown in whatever size it has.
	if size, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		p.Width, p.Height = size.Width, size.Height
	}
	return p
}
