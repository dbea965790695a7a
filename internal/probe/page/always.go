package page

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxQuoted bounds what a finding repeats of a page, in bytes.
const maxQuoted = 300

// firstFlight is how many bytes a new connection brings before the server waits for an acknowledgement: ten segments
// (RFC 6928). What fits into it arrives no sooner when it is compressed.
const firstFlight = 10 * 1460

// secure finds pages that browsers mark as not secure.
func secure(v *view) *probe.Finding {
	if v.URL.Scheme == "https" || isLoopback(v.URL) {
		return nil
	}
	return probe.Findingf(notHTTPS, "landed on %s, want https", quotable(httpx.RedactURL(v.URL)))
}

// isLoopback reports whether a URL leads to this machine, which browsers trust without TLS (W3C Secure Contexts,
// section 3.1).
func isLoopback(u *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

// notEmpty returns a rule that finds pages without content, unless a status that has none is expected by name or range.
// Where texts are expected, they are missing from an empty page, which says it all.
func (e *Expect) notEmpty() rule {
	if len(e.Text) > 0 {
		return nil
	}
	chosen := len(e.Status) > 0 // and fits, or else no rule is asked
	return func(v *view) *probe.Finding {
		hasNone := v.Status == http.StatusNoContent || v.Status == http.StatusResetContent
		if len(v.Body) > 0 || v.Status >= http.StatusMultipleChoices || chosen && hasNone {
			return nil
		}
		return probe.Findingf(bodyEmpty, "status %d with an empty body, want a page", v.Status)
	}
}

// compressed finds texts that were sent as they are although compression would save a round trip.
func compressed(v *view) *probe.Finding {
	encoding := v.Header.Get("Content-Encoding")
	if v.WireBytes <= firstFlight || encoding != "" && !strings.EqualFold(encoding, "identity") || !v.content.isText() {
		return nil
	}
	return probe.Findingf(notCompressed, "%d bytes of %s without Content-Encoding, want gzip, br or zstd", v.WireBytes, v.content.media)
}

// quotable bounds a text from a page.
func quotable(text string) string { return probe.Clip(text, maxQuoted) }
