package pageload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Goto sends the browser to an address and waits until it has begun to show a document. It begins a new load, whatever
// the page was at before. The error is ErrNoDocument when the browser got none, and ErrCrashed when the page crashed.
func (p *Page) Goto(ctx context.Context, url string) error {
	p.journal.turn(time.Now())
	p.film.clear()
	p.jarred, p.settled, p.ended = false, false, time.Time{}
	if err := p.shoot(ctx); err != nil {
		return err
	}
	var answer struct {
		Error    string `json:"errorText"`
		Download bool   `json:"isDownload"`
	}
	err := p.call(ctx, "Page.navigate", map[string]any{"url": url}, &answer)
	return p.outcome(answer.Error, answer.Download, err)
}

// shoot starts the screencast. A browser without one gives no filmstrip.
func (p *Page) shoot(ctx context.Context) error {
	err := p.call(ctx, "Page.startScreencast", map[string]any{
		"format": "jpeg", "quality": filmJPEG, "maxWidth": filmWidth, "maxHeight": filmWidth,
	}, nil)
	if _, refused := errors.AsType[*cdp.Error](err); refused {
		return nil
	}
	return err
}

// outcome says what became of a navigation.
func (p *Page) outcome(cause string, download bool, err error) error {
	if refused, ok := errors.AsType[*cdp.Error](err); ok {
		cause, err = refused.Message, nil // of an address that is none
	}
	if err != nil {
		return err
	}
	cause = probe.Clip(cause, maxText)
	if p.journal.refuse(cause, download) {
		return fmt.Errorf("%w: %s", ErrNoDocument, cause)
	}
	return nil
}
