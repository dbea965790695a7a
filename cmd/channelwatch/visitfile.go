package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"mime"
	"os"
	"path/filepath"
	"strings"

	"github.com/channelwatch/channelwatch/internal/har"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// visitFiles names the files that evidence of a browser is written to; empty: not asked for.
type visitFiles struct{ har, screenshot string }

// write writes them. They show what the page showed, so they are for the owner's eyes only.
func (f visitFiles) write(ev *probe.Evidence) error {
	return errors.Join(f.writeHAR(ev), f.writeScreenshot(ev))
}

func (f visitFiles) writeHAR(ev *probe.Evidence) error {
	if f.har == "" {
		return nil
	}
	if ev.Counted() == nil {
		return fmt.Errorf("%s is not written: no page was opened in a browser", f.har)
	}
	var b bytes.Buffer
	if err := har.Write(&b, version, ev.Visits); err != nil {
		return err
	}
	return os.WriteFile(f.har, b.Bytes(), 0o600)
}

func (f visitFiles) writeScreenshot(ev *probe.Evidence) error {
	if f.screenshot == "" {
		return nil
	}
	counted, pictured := ev.Counted(), ev.Pictured()
	switch {
	case counted == nil:
		return fmt.Errorf("%s is not written: no page was opened in a browser", f.screenshot)
	case pictured == nil:
		return fmt.Errorf("%s is not written: there is no screenshot of run %d", f.screenshot, counted.Run)
	}
	data, err := asNamed(f.screenshot, pictured.Screenshot)
	if err != nil {
		return fmt.Errorf("%s is not written: %w", f.screenshot, err)
	}
	return os.WriteFile(f.screenshot, data, 0o600)
}

// asNamed returns a picture in the format that the name of its file promises. A name that promises none gets it as it is:
// PNG, or JPEG of pages that would be too large.
func asNamed(name string, p *probe.Picture) ([]byte, error) {
	media := mime.TypeByExtension(strings.ToLower(filepath.Ext(name)))
	if media == p.Media || media != "image/png" && media != "image/jpeg" {
		return p.Data, nil
	}
	decoded, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return nil, fmt.Errorf("reading a picture of type %s: %w", p.Media, err)
	}
	var b bytes.Buffer
	if media == "image/png" {
		err = png.Encode(&b, decoded)
	} else {
		err = jpeg.Encode(&b, decoded, &jpeg.Options{Quality: 90})
	}
	return b.Bytes(), err
}
