package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// glance is how often a page is looked at while something is waited for.
const glance = 100 * time.Millisecond

// act does the steps while loading lasts, waits until the page has come to rest again, and looks at it. A step that
// fails is the failure of the visit; an error is the browser's.
func (p *prober) act(ctx, loading context.Context, v *visit, page *pageload.Page) error {
	for i := range p.plan.steps {
		s := &p.plan.steps[i]
		if err := s.do(loading, page); err != nil {
			v.failure = s.failed(loading, err)
			break
		}
	}
	if len(p.plan.steps) > 0 {
		if v.failure == nil {
			resting, cancel := context.WithTimeout(loading, patience)
			page.Settle(resting)
			cancel()
		}
		end, err := look(ctx, page.Read)
		if err != nil {
			return err
		}
		v.acted(end)
	}
	if v.failure != nil || v.end.Crashed || v.end.Hung {
		return nil
	}
	var err error
	v.findings, err = look(ctx, func(ctx context.Context) ([]probe.Finding, error) { return p.plan.expect.elements(ctx, page) })
	switch {
	case errors.Is(err, pageload.ErrSelector):
		v.failure = failuref(probe.NotMeasured, "expect.selector: %v", err)
	case errors.Is(err, pageload.ErrCrashed):
		v.failure = failuref(pageCrashed, "the page crashed when it was looked at")
	case errors.Is(err, context.DeadlineExceeded):
		v.failure = failuref(pageHung, "the page stopped answering when it was looked at")
	default:
		return err
	}
	return nil
}

// failed sorts why a step failed. A selector that is none is the operator's doing, and rates no page.
func (s *step) failed(loading context.Context, err error) *failure {
	// Whoever reads it knows no contexts.
	why := quotable(strings.TrimSuffix(err.Error(), ": "+context.DeadlineExceeded.Error()))
	switch {
	case errors.Is(err, pageload.ErrSelector):
		return failuref(probe.NotMeasured, "%s: %s", s.title, why)
	case loading.Err() != nil:
		why += "; no time of the visit was left"
	}
	return failuref(stepFailed, "%s: %s", s.title, why)
}

// do does a step. Its error is for people.
func (s *step) do(ctx context.Context, page *pageload.Page) error {
	within := patience
	if s.does == asserts {
		within = moment
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	switch s.does {
	case goes:
		err := page.Goto(ctx, s.target)
		settle(ctx, page)
		return err
	case clicks:
		return page.Click(ctx, s.target)
	case enters:
		return page.Type(ctx, s.target, s.text, s.secret)
	case waits, asserts:
	}
	return s.sight.await(ctx, page)
}

// await looks at a page until it shows what it should, or the time is over.
func (s *sighted) await(ctx context.Context, page *pageload.Page) error {
	start := time.Now()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	now := &seen{}
	for {
		there, err := s.look(ctx, page, now)
		switch {
		case there:
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New(s.missed(now, time.Since(start)))
		}
	}
}

// look reports whether a page shows now what it should.
func (s *sighted) look(ctx context.Context, page *pageload.Page, now *seen) (bool, error) {
	if s.selector != "" {
		return page.Has(ctx, s.selector)
	}
	url, errURL := page.URL(ctx)
	title, errTitle := page.Title(ctx)
	text, errText := page.Text(ctx)
	if err := errors.Join(errURL, errTitle, errText); err != nil {
		return false, err
	}
	*now = seen{url, title, text}
	return s.sees(now), nil
}

// missed says what was waited for in vain, and what was there instead.
func (s *sighted) missed(now *seen, waited time.Duration) string {
	text := fmt.Sprintf("%s did not appear within %v", s.words, waited.Round(glance))
	if now.url != "" {
		text += fmt.Sprintf("; the page is %s, titled %q", shownURL(now.url), quotable(collapse(now.title)))
	}
	return text
}

// elements looks for what must be on the page.
func (r *rules) elements(ctx context.Context, page *pageload.Page) ([]probe.Finding, error) {
	var findings []probe.Finding
	for _, selector := range r.selectors {
		there, err := page.Has(ctx, selector)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", quotable(selector), err)
		}
		if !there {
			findings = append(findings, *probe.Findingf(selectorMissing, "no element matches %q", quotable(selector)))
		}
	}
	return findings, nil
}
