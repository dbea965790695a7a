package httpx

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// acceptEncoding is what browsers offer over https.
const acceptEncoding = "gzip, deflate, br, zstd"

// maxEncodings is how many encodings may be applied to one body: nobody needs more than one, some send two.
const maxEncodings = 2

// zstdWindow is the largest window that a decoder must support for HTTP (RFC 9659), in bytes.
const zstdWindow = 8 << 20

// decode undoes the content encodings of a body, each within the limit. What browsers shrug off is no fault, and told as
// odd: an encoding that nobody knows, such as "none" or "utf-8", leaves the body as it is, and a gzip stream may lack its
// trailer or have something behind it.
func decode(content []byte, response, request http.Header, limit int64) (body []byte, odd string, err error) {
	if len(content) == 0 || len(response["Content-Encoding"]) == 0 {
		return content, "", nil
	}
	encodings := fieldTokens(response["Content-Encoding"])
	encodings = slices.DeleteFunc(encodings, func(e string) bool { return e == "identity" })
	if i := slices.IndexFunc(encodings, func(e string) bool { return !known(e) }); i >= 0 {
		return content, fmt.Sprintf("Content-Encoding %q is none, want gzip, deflate, br or zstd", probe.Clip(encodings[i], 40)), nil
	}
	if len(encodings) > maxEncodings {
		return nil, "", faultf(probe.EncodingInvalid, "%d content encodings, want at most %d", len(encodings), maxEncodings)
	}
	for _, encoding := range slices.Backward(encodings) {
		if !offered(request["Accept-Encoding"], encoding) {
			return nil, "", faultf(probe.EncodingInvalid, "content encoding %q was not offered", encoding)
		}
		packed := content
		r, err := decoder(encoding, packed)
		if err == nil {
			content, err = readBody(r, -1, limit)
		}
		if err != nil && strings.HasSuffix(encoding, "gzip") && !errors.Is(err, errBudget) {
			var note string
			if content, note = gunzipOdd(packed, limit); note != "" {
				odd, err = note, nil
			}
		}
		switch {
		case errors.Is(err, errBudget):
			return nil, "", faultf(probe.BodyTooLarge, "body decoded from %s has more than %d bytes", encoding, limit)
		case err != nil:
			return nil, "", faultf(probe.EncodingInvalid, "body is not valid %s: %s", encoding, probe.Clip(err.Error(), maxFieldValue))
		}
	}
	return content, odd, nil
}

// gunzipOdd unpacks a gzip stream whose data is complete (RFC 1952) but whose end is not right, and says what is odd.
// It says nothing when the stream is broken.
func gunzipOdd(packed []byte, limit int64) (content []byte, odd string) {
	const trailer = 8 // bytes: checksum and length
	r := bytes.NewReader(packed)
	if _, err := gzip.NewReader(r); err != nil {
		return nil, ""
	}
	content, err := readBody(flate.NewReader(r), -1, limit)
	rest := packed[len(packed)-r.Len():]
	switch {
	case err != nil:
		return nil, ""
	case len(rest) < trailer:
		return content, fmt.Sprintf("gzip stream ends with %d bytes of its trailer, want %d", len(rest), trailer)
	case len(rest) == trailer, binary.LittleEndian.Uint32(rest) != crc32.ChecksumIEEE(content), bytes.HasPrefix(rest[trailer:], []byte{0x1f, 0x8b}):
		return nil, "" // a wrong checksum, or a second stream that is broken
	}
	return content, fmt.Sprintf("%d bytes after the end of the gzip stream, want none", len(rest)-trailer)
}

// known reports whether decoder undoes an encoding.
func known(encoding string) bool {
	switch encoding {
	case "gzip", "x-gzip", "br", "deflate", "zstd":
		return true
	}
	return false
}

// decoder returns a reader that undoes one encoding. None of them starts goroutines.
func decoder(encoding string, content []byte) (io.Reader, error) {
	r := bytes.NewReader(content)
	switch encoding {
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "br":
		return brotli.NewReader(r), nil
	case "deflate":
		// Some servers send raw deflate data without the zlib wrapper that RFC 9110 section 8.4.1.2 asks for, and all
		// browsers read both.
		if wrapped, err := zlib.NewReader(r); err == nil {
			return wrapped, nil
		}
		return flate.NewReader(bytes.NewReader(content)), nil
	case "zstd":
		decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return nil, errors.New("unknown encoding")
}

// offered reports whether a request allowed an encoding.
func offered(accept []string, encoding string) bool {
	if len(accept) == 1 && accept[0] == acceptEncoding {
		return true // the client's own, which has all that are known
	}
	for _, token := range fieldTokens(accept) {
		name, params, _ := strings.Cut(token, ";")
		name = strings.TrimSpace(name)
		refused := strings.ReplaceAll(params, " ", "") == "q=0"
		if (name == encoding || name == "x-"+encoding || "x-"+name == encoding || name == "*") && !refused {
			return true
		}
	}
	return false
}

// fieldTokens splits the values of a list field, in lower case.
func fieldTokens(values []string) []string {
	var tokens []string
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if token = strings.ToLower(strings.TrimSpace(token)); token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}
