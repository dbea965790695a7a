package httpx

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Request is what to ask for. It may be used again and by several goroutines as long as nobody changes it.
type Request struct {
	Method string      // empty is GET
	URL    string      // absolute, http or https; user info becomes basic authentication
	Header http.Header // sent to the first host only: dropped for good when a redirect leaves it
	Body   []byte      // sent with any method; nil sends none

	// FromContent marks a URL that was found in content and not written by the operator: whatever the policy of the
	// client, only global addresses are connected to, unless it is AnyAddress. It is for kinds that follow links or load
	// what a page refers to; no kind of this version does.
	FromContent bool
}

// Response is what came of a request, redirects included. A service that is broken gives a Response with a Reason, never
// an error, and everything that was seen until then stays in it.
type Response struct {
	Reason probe.Reason // why the last exchange is not complete; empty when it is, whatever its status
	Detail string       // one line on the reason: what was got and what was wanted; no secret

	// Findings is what is odd about a complete response but harms no customer. Kinds add it to their own.
	Findings []probe.Finding

	Status   int // of the last exchange; 0 when there was no response
	Header   http.Header
	Body     []byte   // decoded; what had arrived when it is truncated and not encoded
	URL      *url.URL // where the last exchange went, without user info; it must not be changed
	FinalURL string   // the same as text, with its query: print it by RedactRawURL only
	Protocol string   // "HTTP/1.0", "HTTP/1.1", "HTTP/2" or "HTTP/3"

	Start    time.Time
	Duration time.Duration // sum of the phases
	Phases   probe.Phases  // over all exchanges
	// Exchanges is the redacted record of all exchanges in order. Only the last has the start of its body, and only when
	// something is wrong: see KeepBodyStart.
	Exchanges []probe.Exchange

	WireBytes int64 // body of the last exchange as transferred
	BodyBytes int64 // body of the last exchange after decoding

	// NotBefore and NotAfter are of the certificate of the last TLS exchange that expires first: of the chain that a
	// browser would build when there is one, else of the chain that the server sent. Zero without TLS.
	NotBefore, NotAfter time.Time

	last *exchange // see TryHTTP3
}

// BodyStartLimit is how much of a body is kept as evidence, in bytes.
const BodyStartLimit = 4 << 10

// KeepBodyStart puts the start of the body into the record of the last exchange. The client does it by itself when
// there is a reason or a status from 400; kinds call it when an expectation about the content is not met.
func (r *Response) KeepBodyStart() {
	if len(r.Exchanges) == 0 {
		return
	}
	end := min(len(r.Body), BodyStartLimit)
	for end > 0 && end < len(r.Body) && !utf8.RuneStart(r.Body[end]) {
		end--
	}
	r.Exchanges[len(r.Exchanges)-1].BodyStart = strings.ToValidUTF8(string(r.Body[:end]), "\uFFFD")
}

// ParseURL parses the URL of a request: absolute, http or https, with a host. Its error never shows user info or query.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		if parseErr, ok := errors.AsType[*url.Error](err); ok {
			err = parseErr.Err // without the URL
		}
		if strings.Contains(raw, "@") {
			err = errors.New("malformed, and not shown because it may hold a password")
		}
		return nil, fmt.Errorf("parsing URL: %w", err)
	}
	switch {
	case u.Opaque != "":
		return nil, errors.New("URL without // after its scheme, want http://host or https://host")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme of %s, want http or https", shown(u))
	case u.Hostname() == "":
		return nil, fmt.Errorf("URL %s has no host", shown(u))
	case u.Port() != "":
		if n, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("port %q, want 1 to 65535", u.Port())
		}
	}
	return asciiHost(u)
}

// asciiHost replaces an internationalised host name by its ASCII form (RFC 5891), which is what DNS and TLS know.
func asciiHost(u *url.URL) (*url.URL, error) {
	host := u.Hostname()
	for i := range len(host) {
		if host[i] < utf8.RuneSelf {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return nil, fmt.Errorf("host name %q: %w", host, err)
		}
		if port := u.Port(); port != "" {
			ascii += ":" + port
		}
		u.Host = ascii
		break
	}
	return u, nil
}
