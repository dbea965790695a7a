package httpx

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/quic-go/qpack"
	"golang.org/x/net/http/httpguts"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// fieldOverhead is what every field counts towards the size of a header beside its name and value (RFC 9114 section
// 4.2.2), in bytes.
const fieldOverhead = 32

// decodeHeader unpacks the header block of a response (RFC 9204) and checks its fields (RFC 9114 section 4.2).
func decodeHeader(block []byte) (*http.Response, error) {
	resp := &http.Response{Proto: "HTTP/3.0", ProtoMajor: 3, Header: make(http.Header)}
	next := qpack.NewDecoder().Decode(block)
	status, size := "", 0
	for {
		field, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, faultf(probe.ResponseMalformed, "header compression: %s", probe.Clip(err.Error(), maxFieldValue))
		}
		if size += len(field.Name) + len(field.Value) + fieldOverhead; size > headerLimit {
			return nil, faultf(probe.HeaderTooLarge, "response header is larger than the limit")
		}
		switch {
		case field.Name == ":status" && status == "" && len(resp.Header) == 0:
			status = field.Value
			continue
		case !httpguts.ValidHeaderFieldName(field.Name), strings.ToLower(field.Name) != field.Name:
			return nil, faultf(probe.ResponseMalformed, "field name %q, want lower-case letters, digits and hyphens", probe.Clip(field.Name, 40))
		case !httpguts.ValidHeaderFieldValue(field.Value):
			return nil, faultf(probe.ResponseMalformed, "field %s has a control character in its value", probe.Clip(field.Name, 40))
		}
		name := http.CanonicalHeaderKey(field.Name)
		resp.Header[name] = append(resp.Header[name], field.Value)
	}
	var err error
	if resp.StatusCode, err = parseStatus(status); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, faultf(probe.ResponseMalformed, "server switched protocols (status 101), which HTTP/3 does not have")
	}
	resp.ContentLength, err = declaredLength(resp.Header)
	return resp, err
}
