package browser

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxQuoted bounds what a finding repeats of a page, in bytes.
const maxQuoted = 300

// quotable bounds a text from a page.
func quotable(text string) string { return probe.Clip(text, maxQuoted) }

// shownURL returns a URL for one line of text, without values of its query.
func shownURL(raw string) string { return quotable(httpx.RedactRawURL(raw)) }

// readable returns a text in the form in which two that read the same are equal: white space and case are a matter of
// style sheets, which turn "Add to basket" into "ADD TO BASKET".
func readable(text string) string { return strings.ToLower(collapse(text)) }

// collapse makes every run of white space one space.
func collapse(text string) string { return strings.Join(strings.Fields(text), " ") }

// pattern is a text in which * stands for any characters, also none.
type pattern struct {
	text string // as written, for people
	re   *regexp.Regexp
}

func newPattern(text string) *pattern {
	parts := strings.Split(text, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return &pattern{text, regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)}
}

// matches reports whether all of s fits.
func (p *pattern) matches(s string) bool { return p.re.MatchString(s) }

// newURLPattern reads an address in which * stands for any characters. One without is written as browsers write it.
func newURLPattern(field, text string) (*pattern, error) {
	if strings.Contains(text, "*") {
		return newPattern(text), nil
	}
	u, err := httpx.ParseURL(text)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return newPattern(normalize(u)), nil
}

// normalize writes a URL as a browser does, without fragment, default port and empty path.
func normalize(u *url.URL) string {
	c := *u
	c.Fragment, c.RawFragment, c.User = "", "", nil
	c.Host = strings.ToLower(c.Host)
	if port := c.Port(); c.Scheme == "https" && port == "443" || c.Scheme == "http" && port == "80" {
		c.Host = strings.TrimSuffix(c.Host, ":"+port)
	}
	if c.Path == "" {
		c.Path = "/"
	}
	return c.String()
}

// withoutFragment returns the address of a page without the place on it.
func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}
