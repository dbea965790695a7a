package httpx

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// redacted stands for a value that is not shown.
const redacted = "xxx"

// maxFieldValue bounds one value of evidence, in bytes.
const maxFieldValue = 512

// RedactURL returns the URL without user info and fragment and with every query value replaced, for logs, evidence and
// labels for people. Names of query parameters stay. A URL without a hierarchy is not shown at all.
func RedactURL(u *url.URL) string {
	if u.Opaque != "" {
		return redacted // as in "bob:password@example.com", where a scheme was forgotten
	}
	if u.User == nil && u.RawQuery == "" && u.Fragment == "" {
		return u.String()
	}
	clean := *u
	clean.User, clean.Fragment, clean.RawFragment = nil, "", ""
	clean.RawQuery = redactQuery(u.RawQuery)
	return clean.String()
}

// maxURL bounds a URL in evidence, in bytes.
const maxURL = 2 << 10

// shown returns a URL for one line of text.
func shown(u *url.URL) string { return probe.Clip(RedactURL(u), maxFieldValue) }

// RedactRawURL is RedactURL for a URL in text. What cannot be parsed is not shown at all.
func RedactRawURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return redacted
	}
	return RedactURL(u)
}

func redactQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, value, ok := strings.Cut(part, "="); ok && value != "" {
			parts[i] = name + "=" + redacted
		} else if !ok && part != "" {
			parts[i] = redacted // a lone word may itself be a token
		}
	}
	return strings.Join(parts, "&")
}

// evidenceFields are the response header fields that evidence may hold: none of them carries credentials or cookies.
func evidenceFields() []string {
	return []string{
		"Age", "Alt-Svc", "Cache-Control", "Cache-Status", "Cdn-Cache-Control", "Cf-Cache-Status", "Content-Encoding", "Content-Language",
		"Content-Length", "Content-Security-Policy", "Content-Type", "Date", "Etag", "Expires", "Last-Modified", "Location",
		"Retry-After", "Server", "Server-Timing", "Strict-Transport-Security", "Surrogate-Control", "Transfer-Encoding", "Vary", "Via",
		"X-Cache", "X-Cache-Hits", "X-Cache-Status", "X-Content-Type-Options", "X-Frame-Options", "X-Robots-Tag", "X-Served-By",
		"X-Varnish", "X-Vercel-Cache",
	}
}

// evidenceHeader returns the allowed fields of a response header, each bounded and with URLs redacted.
func evidenceHeader(fields []string, header http.Header) []probe.Header {
	count := 0
	for _, name := range fields {
		if len(header[name]) > 0 {
			count++
		}
	}
	kept := make([]probe.Header, 0, count)
	for _, name := range fields {
		values := header[name]
		if len(values) == 0 {
			continue
		}
		value := values[0]
		if len(values) > 1 {
			value = strings.Join(values, ", ")
		}
		if name == "Location" {
			value = RedactRawURL(value)
		}
		kept = append(kept, probe.Header{Name: name, Value: probe.Clip(value, maxFieldValue)})
	}
	return kept
}
