package browser

import (
	"fmt"
	"strings"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Caps of one run: twenty times what the median page has (HTTP Archive, 2024).
const (
	maxBytes    = 50 << 20
	maxRequests = 2000
)

// mostMoves is how often a page may send itself on, by script or meta refresh, without coming to rest. Signing in takes
// three or four.
const mostMoves = 4

// failure is why a visit has no figures.
type failure struct {
	reason probe.Reason
	detail string
}

func failuref(reason probe.Reason, format string, args ...any) *failure {
	return &failure{reason, fmt.Sprintf(format, args...)}
}

// judge returns why a visit failed, or nil. What stopped the visit comes first, then what the document is.
func (p *plan) judge(v *visit) *failure {
	load := v.load
	switch {
	case v.failure != nil && (v.failure.reason != stepFailed || !v.end.Crashed && !v.end.Hung):
		return v.failure // of steps that end with the page, the page's end is the cause
	case v.crashed():
		return failuref(pageCrashed, "the page crashed at %s, %s", shownURL(v.end.URL), v.secondTry())
	case circles(load):
		return inCircles(load)
	case circles(v.end):
		return inCircles(v.end)
	case load.Download:
		return failuref(pageDownload, "%s is a download (%s), want a page", shownURL(p.url), orUnknown(load.MIME))
	case v.egress.OverBytes:
		return failuref(pageTooLarge, "stopped after %d bytes, want at most %d", v.egress.In, int64(maxBytes))
	case v.egress.OverRequests:
		return failuref(pageTooLarge, "stopped after %d requests, want at most that", maxRequests)
	case load.Counts.Requests-load.Counts.Blocked > maxRequests: // the proxy does not see those within TLS
		return failuref(pageTooLarge, "%d requests, want at most %d", load.Counts.Requests-load.Counts.Blocked, maxRequests)
	}
	if failed := p.unreached(v); failed != nil {
		return failed
	}
	if load.Hung || v.end.Hung {
		return failuref(pageHung, "the page stopped answering after %v", rounded(v.end.Duration))
	}
	if wrong := p.expect.unexpected(load.Status); wrong != nil {
		return &failure{wrong.Check, wrong.Detail}
	}
	if end := v.end; end != load && (end.Error != "" || end.Status >= 400) {
		return failuref(stepFailed, "the steps led to %s, which has status %d%s", shownURL(end.URL), end.Status, behind(end.Error))
	}
	if v.vitals.FCP == nil {
		return failuref(nothingPainted, "status %d, but nothing was painted within %v", load.Status, rounded(load.Duration))
	}
	return nil
}

// circles reports whether a page sends itself on and on.
func circles(load *pageload.Load) bool { return load.Moves > mostMoves && !load.Settled }

func inCircles(load *pageload.Load) *failure {
	return failuref(probe.RedirectLoop, "the page sent itself on %d times within %v without coming to rest, in the end to %s", load.Moves,
		rounded(load.Duration), shownURL(load.URL))
}

// secondTry says what became of a second try at a page that crashed.
func (v *visit) secondTry() string {
	if v.again {
		return "and again in a fresh context"
	}
	return "with no time left for a second try"
}

func orUnknown(text string) string {
	if text == "" {
		return "of an unknown type"
	}
	return quotable(text)
}

// unreached returns why there is no document, or nil. The proxy knows best what happened on the network.
func (p *plan) unreached(v *visit) *failure {
	load := v.load
	if load.Status != 0 && (load.Error == "" || load.Status >= 400) {
		return nil // an error page without content is an error to the browser, too
	}
	if failed := p.network(v); failed != nil {
		return failed
	}
	if load.Error == "" {
		return failuref(probe.ResponseTimeout, "no answer from %s within %v", shownURL(p.url), rounded(load.Duration))
	}
	code := strings.TrimPrefix(load.Error, "net::")
	reason := probe.ResponseMalformed
	for _, row := range netErrors() {
		if strings.HasPrefix(code, row.prefix) {
			reason = row.reason
			break
		}
	}
	return failuref(reason, "opening %s: %s", shownURL(orElse(load.URL, p.url)), quotable(load.Error))
}

// network returns what kept the proxy of the run from the server of the document, or nil.
func (p *plan) network(v *visit) *failure {
	for _, address := range []string{v.load.URL, p.url} {
		host, port := server(address)
		reason, detail := v.egress.Failure(host, port)
		switch {
		case reason == "":
			continue
		case reason == probe.NotMeasured:
			reason = browserFailed
		case reason == probe.AddressForbidden && !p.private:
			detail += "; allow_private lets pages of an intranet through"
		}
		return failuref(reason, "connecting to %s: %s", quotable(host), quotable(detail))
	}
	return nil
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// netErrors returns what the browser's errors (Chromium, net/base/net_error_list.h) mean, by their beginning: the first
// that fits decides.
func netErrors() []struct {
	prefix string
	reason probe.Reason
} {
	return []struct {
		prefix string
		reason probe.Reason
	}{
		{"ERR_NAME_", probe.DNSNotFound},
		{"ERR_CONNECTION_REFUSED", probe.ConnectRefused},
		{"ERR_CONNECTION_TIMED_OUT", probe.ConnectTimeout},
		{"ERR_UNSAFE_PORT", portBlocked},
		{"ERR_ADDRESS_", probe.ConnectUnreachable},
		{"ERR_INTERNET_DISCONNECTED", probe.ConnectUnreachable},
		{"ERR_TUNNEL_CONNECTION_FAILED", probe.ConnectUnreachable},
		{"ERR_CONNECTION_RESET", probe.ConnectionReset},
		{"ERR_CONNECTION_", probe.ConnectionClosed},
		{"ERR_SOCKET_NOT_CONNECTED", probe.ConnectionClosed},
		{"ERR_EMPTY_RESPONSE", probe.ConnectionClosed},
		{"ERR_TIMED_OUT", probe.ResponseTimeout},
		{"ERR_CERT_DATE_INVALID", probe.TLSExpired},
		{"ERR_CERT_COMMON_NAME_INVALID", probe.TLSWrongHost},
		{"ERR_CERT_", probe.TLSUntrusted},
		{"ERR_SSL_", probe.TLSHandshake},
		{"ERR_BAD_SSL_", probe.TLSHandshake},
		{"ERR_TOO_MANY_REDIRECTS", probe.RedirectLoop},
		{"ERR_UNSAFE_REDIRECT", probe.RedirectMalformed},
		{"ERR_INVALID_REDIRECT", probe.RedirectMalformed},
		{"ERR_RESPONSE_HEADERS_TOO_BIG", probe.HeaderTooLarge},
		{"ERR_CONTENT_LENGTH_MISMATCH", probe.BodyTruncated},
		{"ERR_INCOMPLETE_CHUNKED_ENCODING", probe.BodyTruncated},
		{"ERR_CONTENT_DECODING", probe.EncodingInvalid},
		{"ERR_ABORTED", nothingPainted}, // such as a status of 204: the browser stays where it was
		{"ERR_PROXY_", browserFailed},
		{"ERR_INSUFFICIENT_RESOURCES", browserFailed},
		{"ERR_OUT_OF_MEMORY", browserFailed},
		{"ERR_FAILED", browserFailed},
	}
}

// behind writes what the browser says of a page behind what else there is to say; nothing without it.
func behind(text string) string {
	if text == "" {
		return ""
	}
	return " (" + quotable(text) + ")"
}
