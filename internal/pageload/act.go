package pageload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// pollEvery is how often a page is asked for something to appear.
const pollEvery = 50 * time.Millisecond

// spot is where an element is, and whether a customer could click it.
type spot struct {
	State string  `json:"state"` // absent, hidden, covered or ready
	By    string  `json:"by"`    // what covers it
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
}

// Click clicks the first element that a CSS selector matches, as a mouse does, in its middle. It waits until the element is
// there, can be seen, is covered by nothing else and stands still. Elements within frames of other sites are not found.
func (p *Page) Click(ctx context.Context, selector string) error {
	at, err := p.find(ctx, selector)
	if err != nil {
		return err
	}
	if err := p.act(ctx); err != nil {
		return err
	}
	for _, press := range []struct {
		kind   string
		button string
		clicks int
	}{{"mouseMoved", "none", 0}, {"mousePressed", "left", 1}, {"mouseReleased", "left", 1}} {
		params := map[string]any{"type": press.kind, "x": at.X, "y": at.Y, "button": press.button, "clickCount": press.clicks}
		if err := p.call(ctx, "Input.dispatchMouseEvent", params, nil); err != nil {
			return fmt.Errorf("clicking %q: %w", selector, err)
		}
	}
	return nil
}

// Type clicks the first element that a CSS selector matches and replaces what is in it with a text. The text stands in no
// error. When it is secret, no picture is taken from there on: a page may show it anywhere and in any form.
func (p *Page) Type(ctx context.Context, selector, text string, secret bool) error {
	if err := p.Click(ctx, selector); err != nil {
		return err
	}
	var focused bool
	if err := p.ask(ctx, "selector => channelwatchHands.focus(selector)", &focused, selector); err != nil {
		return fmt.Errorf("typing into %q: %w", selector, err)
	}
	if !focused {
		return fmt.Errorf("typing into %q: the element takes no text", selector)
	}
	if secret {
		p.film.close()
	}
	if err := p.call(ctx, "Input.insertText", map[string]any{"text": text}, nil); err != nil {
		return fmt.Errorf("typing into %q: %w", selector, err)
	}
	return nil
}

// Wait waits until an element that a CSS selector matches can be seen.
func (p *Page) Wait(ctx context.Context, selector string) error {
	return p.until(ctx, selector, false, func(_, now spot) bool { return now.State == "ready" || now.State == "covered" })
}

// Has reports whether an element matches a CSS selector, be it visible or not.
func (p *Page) Has(ctx context.Context, selector string) (bool, error) {
	var found bool
	err := p.ask(ctx, "selector => channelwatchHands.has(selector)", &found, selector)
	return found, err
}

// Text returns the visible text of the page, bounded to 1 MiB.
func (p *Page) Text(ctx context.Context) (string, error) {
	var text string
	err := p.ask(ctx, "limit => channelwatchHands.text(limit)", &text, textLimit)
	return probe.Clip(text, textLimit), err
}

// Title returns the title of the page.
func (p *Page) Title(ctx context.Context) (string, error) {
	var title string
	err := p.ask(ctx, "() => channelwatchHands.title()", &title)
	return title, err
}

// URL returns the address of the page as a script of it would see it: not redacted.
func (p *Page) URL(ctx context.Context) (string, error) {
	var address string
	err := p.ask(ctx, "() => location.href", &address)
	return address, err
}

// act notes that the page is about to be acted on. Cookies that are there by then were set without consent.
func (p *Page) act(ctx context.Context) error {
	if !p.jarred {
		cookies, err := p.jar(ctx)
		if err != nil {
			return err
		}
		p.cookies, p.jarred = cookies, true
	}
	p.journal.act(time.Now())
	return nil
}

// find waits until an element can be clicked and stands still.
func (p *Page) find(ctx context.Context, selector string) (spot, error) {
	var found spot
	err := p.until(ctx, selector, true, func(before, now spot) bool {
		found = now
		return now.State == "ready" && now == before
	})
	return found, err
}

// until asks for an element until enough says so of what was seen last and what is seen now. The error says what was wrong
// with it when ctx ended.
func (p *Page) until(ctx context.Context, selector string, scroll bool, enough func(before, now spot) bool) error {
	var before spot
	for {
		var now spot
		err := p.ask(ctx, "(selector, scroll) => channelwatchHands.locate(selector, scroll)", &now, selector, scroll)
		if err == nil && enough(before, now) {
			return nil
		}
		if err == nil {
			before = now
			err = pause(ctx, pollEvery)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s: %w", before.trouble(selector), err)
		}
		if err != nil {
			return fmt.Errorf("looking for %q: %w", selector, err)
		}
	}
}

// trouble says why an element cannot be acted on.
func (s spot) trouble(selector string) string {
	switch {
	case s.State == "":
		return fmt.Sprintf("the page does not answer when asked for %q", selector)
	case s.State == "absent":
		return fmt.Sprintf("no element matches %q", selector)
	case s.State == "hidden":
		return fmt.Sprintf("%q is not visible", selector)
	case s.State == "covered" && s.By != "":
		return fmt.Sprintf("%q is covered by %s", selector, shownText(s.By))
	case s.State == "covered":
		return fmt.Sprintf("%q is out of view", selector)
	}
	return fmt.Sprintf("%q does not stand still", selector)
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
