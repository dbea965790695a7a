package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// canonicals returns the absolute URLs that a page names as its canonical address, without doubles, those of Link
// fields (RFC 8288) first. What is no URL is returned as written.
func canonicals(page *url.URL, header http.Header, doc *document) []string {
	base := page
	if b, err := page.Parse(doc.base); err == nil {
		base = b
	}
	var found []string
	add := func(relativeTo *url.URL, reference string) {
		if u, err := relativeTo.Parse(reference); err == nil {
			reference = normalize(u)
			if ascii, err := httpx.ParseURL(reference); err == nil { // the host as DNS knows it
				reference = ascii.String()
			}
		}
		if !slices.Contains(found, reference) {
			found = append(found, reference)
		}
	}
	for _, field := range header.Values("Link") {
		for _, reference := range canonicalLinks(field) {
			add(page, reference)
		}
	}
	for _, reference := range doc.canonicals {
		add(base, reference)
	}
	return found
}

// canonicalLinks returns the targets of the links of a Link field whose relation is canonical.
func canonicalLinks(field string) []string {
	var targets []string
	for {
		_, rest, ok := strings.Cut(field, "<")
		if !ok {
			return targets
		}
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return targets
		}
		params := rest
		if end := nextLink(rest); end >= 0 {
			params, rest = rest[:end], rest[end:]
		} else {
			rest = ""
		}
		for param := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(param, "=")
			if strings.EqualFold(strings.TrimSpace(name), "rel") && hasWord(strings.Trim(strings.TrimSpace(value), `"`), "canonical") {
				targets = append(targets, target)
				break
			}
		}
		field = rest
	}
}

// nextLink returns where the comma that ends a link's parameters is, or -1: commas in quotes are part of a value.
func nextLink(params string) int {
	quoted := false
	for i := range len(params) {
		switch {
		case params[i] == '"' && (i == 0 || params[i-1] != '\\'):
			quoted = !quoted
		case params[i] == ',' && !quoted:
			return i
		}
	}
	return -1
}

// normalize writes a URL in the form in which two addresses of the same page are equal (RFC 3986, section 6.2):
// without fragment, default port and empty path.
func normalize(u *url.URL) string {
	c := *u
	c.Fragment, c.RawFragment = "", ""
	c.Scheme, c.Host = strings.ToLower(c.Scheme), strings.ToLower(c.Host)
	if port := c.Port(); c.Scheme == "https" && port == "443" || c.Scheme == "http" && port == "80" {
		c.Host = strings.TrimSuffix(c.Host, ":"+port)
	}
	if c.Path == "" && c.Host != "" {
		c.Path = "/"
	}
	return c.String()
}

// withoutTracking removes the query parameters of campaigns and click ids, which canonical addresses leave out.
func withoutTracking(u *url.URL) *url.URL {
	var kept []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "utm_"), slices.Contains([]string{"", "gclid", "fbclid", "msclkid", "ttclid", "_gl"}, name):
		default:
			kept = append(kept, pair)
		}
	}
	c := *u
	c.RawQuery, c.ForceQuery = strings.Join(kept, "&"), false
	return &c
}
