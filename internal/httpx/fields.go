package httpx

import (
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// requestFields yields the header of a request as HTTP/2 and HTTP/3 write it (RFC 9113 section 8.3.1, RFC 9114 section
// 4.3.1): pseudo-header fields first, then names in order, so that a request is the same every time.
func (x *exchange) requestFields(req *http.Request) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		host := req.Host
		if host == "" {
			host = req.URL.Host
		}
		if !yield(":authority", host) || !yield(":method", req.Method) || !yield(":path", req.URL.RequestURI()) || !yield(":scheme", req.URL.Scheme) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(req.Header)) {
			if name == "Host" {
				continue
			}
			for _, value := range req.Header[name] {
				if !yield(strings.ToLower(name), value) {
					return
				}
			}
		}
		if len(x.body) > 0 || x.method == http.MethodPost || x.method == http.MethodPut || x.method == http.MethodPatch {
			yield("content-length", strconv.Itoa(len(x.body)))
		}
	}
}

// parseStatus reads the pseudo-header field :status.
func parseStatus(text string) (int, error) {
	status, err := strconv.Atoi(text)
	if err != nil || len(text) != 3 || status < http.StatusContinue {
		return 0, faultf(probe.ResponseMalformed, "status code %q, want 100 to 599", probe.Clip(text, 40))
	}
	return status, nil
}

// declaredLength returns the content length that a header declares, -1 when it declares none.
func declaredLength(header http.Header) (int64, error) {
	lengths := header["Content-Length"]
	if len(lengths) == 0 {
		return -1, nil
	}
	declared, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil || len(lengths) > 1 && lengths[1] != lengths[0] {
		return 0, faultf(probe.ResponseMalformed, "content length is not one number")
	}
	return int64(declared), nil
}

// checkLength compares a body that ended with its declared length, which is -1 when there is none.
func (x *exchange) checkLength(declared int64) error {
	got := int64(len(x.content))
	switch {
	case declared < 0, x.method == http.MethodHead, x.status == http.StatusNotModified:
		return nil
	case got < declared:
		return bodyFault(io.ErrUnexpectedEOF, got, declared, x.client.opts.BodyLimit)
	case got > declared:
		return faultf(probe.ResponseMalformed, "body has %d bytes, declared were %d", got, declared)
	}
	return nil
}
