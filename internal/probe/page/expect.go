package page

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// canonicalSelf expects a page to name its own address.
const canonicalSelf = "self"

// compile checks the expectations and makes them ready; mayCompress says whether the page is asked for in compressed
// form. All mistakes are reported at once.
func (e *Expect) compile(mayCompress bool) (*rules, error) {
	text, errText := texts("expect.text", e.Text)
	notText, errNotText := texts("expect.not_text", e.NotText)
	asserts := assert.Rules{Status: e.Status, Contains: text, NotContains: notText}
	set, errSet := asserts.Compile("expect")
	r := &rules{
		asserts:  set,
		document: len(text)+len(notText) > 0 || e.Title != "" || e.Index != nil || e.Canonical != "",
		each:     []rule{secure},
	}
	if mayCompress {
		r.each = append(r.each, compressed)
	}
	finalURL, errFinalURL := e.finalURLRule()
	canonical, errCanonical := e.canonicalRule()
	encoding, errEncoding := e.charsetRule()
	for _, optional := range []rule{e.notEmpty(), e.titleRule(), finalURL, e.indexRule(), canonical, encoding} {
		if optional != nil {
			r.each = append(r.each, optional)
		}
	}
	return r, errors.Join(errText, errNotText, errSet, errFinalURL, errCanonical, errEncoding)
}

// texts returns the texts in the form in which the document's text is. Empty ones are mistakes and left out.
func texts(field string, list []string) ([]string, error) {
	var collapsed []string
	var errs []error
	for i, text := range list {
		if text = collapse(text); text == "" {
			errs = append(errs, probe.Fieldf(field+"["+strconv.Itoa(i)+"]", "is empty, want a text"))
			continue
		}
		collapsed = append(collapsed, text)
	}
	return collapsed, errors.Join(errs...)
}

func (e *Expect) titleRule() rule {
	if e.Title == "" {
		return nil
	}
	want := newPattern(collapse(e.Title))
	return func(v *view) *probe.Finding {
		if want.matches(v.document.title) {
			return nil
		}
		return probe.Findingf(titleWrong, "title %q, want %q", quotable(v.document.title), want.text)
	}
}

func (e *Expect) finalURLRule() (rule, error) {
	if e.FinalURL == "" {
		return nil, nil
	}
	text := e.FinalURL
	if !strings.Contains(text, "*") {
		u, err := httpx.ParseURL(text)
		if err != nil {
			return nil, probe.Fieldf("expect.final_url", "%w", err)
		}
		text = normalize(u)
	}
	want := newPattern(text)
	return func(v *view) *probe.Finding {
		got := normalize(v.URL)
		if want.matches(got) {
			return nil
		}
		return probe.Findingf(finalURLWrong, "landed on %s", gotAndWanted(got, text))
	}, nil
}

func (e *Expect) indexRule() rule {
	switch {
	case e.Index == nil:
		return nil
	case *e.Index:
		return func(v *view) *probe.Finding {
			if r, ok := hidden(exclusions(v)); ok {
				return probe.Findingf(noindexUnexpected, "%s, want no noindex", r.where)
			}
			return nil
		}
	}
	return func(v *view) *probe.Finding {
		found := exclusions(v)
		switch {
		case hiddenFromAll(found):
			return nil
		case len(found) > 0:
			return probe.Findingf(indexUnexpected, "only %s, want noindex for all robots", found[0].where)
		}
		return probe.Findingf(indexUnexpected, "no noindex in robots meta elements and X-Robots-Tag, want one")
	}
}

func (e *Expect) canonicalRule() (rule, error) {
	want := e.Canonical
	switch want {
	case "":
		return nil, nil
	case canonicalSelf:
	default:
		u, err := httpx.ParseURL(want)
		if err != nil {
			return nil, probe.Fieldf("expect.canonical", "%w, or self", err)
		}
		want = normalize(u)
	}
	return func(v *view) *probe.Finding {
		want := want
		if want == canonicalSelf {
			want = normalize(withoutTracking(v.URL))
		}
		found := canonicals(v.URL, v.Header, &v.document)
		switch {
		case len(found) == 0:
			return probe.Findingf(canonicalWrong, "no canonical link, want %s", httpx.RedactRawURL(want))
		case len(found) > 1:
			return probe.Findingf(canonicalWrong, "%d different canonical links, want only %s", len(found), httpx.RedactRawURL(want))
		case found[0] != want:
			return probe.Findingf(canonicalWrong, "canonical link to %s", gotAndWanted(found[0], want))
		}
		return nil
	}, nil
}

// charsetRule finds garbled letters always, and another encoding than expected when there is one.
func (e *Expect) charsetRule() (rule, error) {
	want := ""
	if e.Charset != "" {
		encoding, name := charset.Lookup(e.Charset)
		if encoding == nil {
			return nil, probe.Fieldf("expect.charset", "%q, want the name of an encoding such as utf-8", e.Charset)
		}
		want = name
	}
	return func(v *view) *probe.Finding {
		if want != "" && v.content.charset != want {
			return probe.Findingf(charsetWrong, "character encoding %s, want %s", v.content.charset, want)
		}
		if where := v.content.garbled(); where != "" {
			return probe.Findingf(charsetWrong, "%s", where)
		}
		return nil
	}, nil
}

// exclusions returns all instructions to leave a page out of search results.
func exclusions(v *view) []robots {
	return slices.Concat(v.document.robots, headerRobots(v.Header))
}
