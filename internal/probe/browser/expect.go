package browser

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// rule looks at a page and returns what is wrong with it, or nil.
type rule func(*pageload.Load) *probe.Finding

// rules are the compiled expectations. They are immutable.
type rules struct {
	status    *assert.Set
	selectors []string // that must find an element; only a page that is still open can be asked
	each      []rule
}

// compile checks the expectations and makes them ready. All mistakes are reported at once.
func (e *Expect) compile() (*rules, error) {
	status := assert.Rules{Status: e.Status}
	set, errStatus := status.Compile("expect")
	errs := []error{errStatus}
	r := &rules{status: set, each: []rule{secure}}
	for i, text := range e.Text {
		r.each = append(r.each, textRule(text, true))
		errs = append(errs, notEmpty(fmt.Sprintf("expect.text[%d]", i), "a text", text))
	}
	for i, text := range e.NotText {
		r.each = append(r.each, textRule(text, false))
		errs = append(errs, notEmpty(fmt.Sprintf("expect.not_text[%d]", i), "a text", text))
	}
	for i, selector := range e.Selector {
		r.selectors = append(r.selectors, selector)
		errs = append(errs, checkSelector(fmt.Sprintf("expect.selector[%d]", i), "a CSS selector", selector))
	}
	if e.Title != "" {
		r.each = append(r.each, titleRule(e.Title))
	}
	if e.FinalURL != "" {
		want, err := newURLPattern("expect.final_url", e.FinalURL)
		errs = append(errs, err)
		r.each = append(r.each, finalURLRule(want))
	}
	if len(e.Text) == 0 && len(e.Status) == 0 {
		// Somebody who expects a text or a status knows what the page is for.
		r.each = append(r.each, soft404)
	}
	return r, errors.Join(errs...)
}

// notEmpty returns the mistake of a list's element without content.
func notEmpty(field, want, text string) error {
	if collapse(text) == "" {
		return probe.Fieldf(field, "is empty, want %s", want)
	}
	return nil
}

// unexpected returns what is wrong with the status of a document, or nil.
func (r *rules) unexpected(status int) *probe.Finding {
	if findings := r.status.Check(&assert.Response{Status: status}); len(findings) > 0 {
		return &findings[0]
	}
	return nil
}

// secure finds pages that browsers mark as not secure. They trust this machine without TLS (W3C Secure Contexts,
// section 3.1).
func secure(load *pageload.Load) *probe.Finding {
	u, err := url.Parse(load.URL)
	if err != nil || u.Scheme == "https" || isLoopback(u.Hostname()) {
		return nil
	}
	return probe.Findingf(notHTTPS, "landed on %s, want https", shownURL(load.URL))
}

func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

func textRule(text string, wanted bool) rule {
	needle, shown := readable(text), quotable(text)
	return func(load *pageload.Load) *probe.Finding {
		found := strings.Contains(readable(load.Text), needle)
		switch {
		case wanted && !found:
			return probe.Findingf(assert.TextMissing, "%d words without %q; the text starts with %q", load.Content.Words, shown,
				quotable(collapse(load.Text)))
		case !wanted && found:
			return probe.Findingf(assert.TextForbidden, "the page says %q, want none of it", shown)
		}
		return nil
	}
}

func titleRule(text string) rule {
	want := newPattern(collapse(text))
	return func(load *pageload.Load) *probe.Finding {
		if got := collapse(load.Content.Title); !want.matches(got) {
			return probe.Findingf(titleWrong, "title %q, want %q", quotable(got), want.text)
		}
		return nil
	}
}

func finalURLRule(want *pattern) rule {
	return func(load *pageload.Load) *probe.Finding {
		if want.matches(withoutFragment(load.URL)) {
			return nil
		}
		got, wanted := shownURL(load.URL), shownURL(want.text)
		if got == wanted {
			wanted += " (they differ in the query)"
		}
		return probe.Findingf(finalURLWrong, "landed on %s, want %s", got, wanted)
	}
}
