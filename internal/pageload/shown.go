package pageload

import (
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of what pages can put into evidence, in bytes.
const (
	maxURL  = 1 << 10
	maxText = 500
	maxWord = 100

	maxHostName = 253 // RFC 1035, section 2.3.4
)

// shownURL returns an address as evidence may hold it: without user info and query values, bounded. What stands in a
// data: address says nothing to people.
func shownURL(raw string) string {
	if raw == "" {
		return ""
	}
	if scheme, _, ok := strings.Cut(raw, ":"); ok && (scheme == "data" || scheme == "blob") {
		return scheme + ":…"
	}
	return probe.Clip(httpx.RedactRawURL(raw), maxURL)
}

// shownText returns a text of a page as evidence may hold it: on one line, bounded, the addresses in it as shownURL has
// them.
func shownText(text string) string {
	const most = 4 << 10 // nothing beyond can be within maxText
	text = probe.Clip(text, most)
	var clean strings.Builder
	for {
		at := strings.Index(text, "://")
		if at < 0 {
			break
		}
		start := at - len(scheme(text[:at]))
		end := at + strings.IndexFunc(text[at:], endsURL)
		if end < at {
			end = len(text)
		}
		clean.WriteString(text[:start])
		if start == at {
			clean.WriteString(text[at:end]) // no address
		} else {
			clean.WriteString(shownURL(text[start:end]))
		}
		text = text[end:]
	}
	clean.WriteString(text)
	return probe.Clip(strings.Join(strings.Fields(clean.String()), " "), maxText)
}

// scheme returns the letters at the end of text.
func scheme(text string) string {
	at := strings.LastIndexFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	return text[at+1:]
}

// endsURL tells characters at which an address in a text ends.
func endsURL(r rune) bool { return r <= ' ' || strings.ContainsRune(`"'<>()[]{}`+"`…", r) }
