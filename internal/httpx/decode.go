package httpx

import (
	"bytes"
	"compress/zlib"
	"errors"
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

// decode undoes the content encodings of a body, each within the limit.
func decode(content []byte, response, request http.Header, limit int64) ([]byte, error) {
	if len(content) == 0 {
		return content, nil
	}
	encodings := fieldTokens(response["Content-Encoding"])
	encodings = slices.DeleteFunc(encodings, func(e string) bool { return e == "identity" })
	if len(encodings) > maxEncodings {
		return nil, faultf(probe.EncodingInvalid, "%d content encodings, want at most %d", len(encodings), maxEncodings)
	}
	for _, encoding := range slices.Backward(encodings) {
		if !offered(request["Accept-Encoding"], encoding) {
			return nil, faultf(probe.EncodingInvalid, "content encoding %q was not offered", clip(encoding, 40))
		}
		r, err := decoder(encoding, content)
		if err == nil {
			content, err = readBody(r, -1, limit)
		}
		switch {
		case errors.Is(err, errBudget):
			return nil, faultf(probe.BodyTooLarge, "body decoded from %s has more than %d bytes", encoding, limit)
		case err != nil:
			return nil, faultf(probe.EncodingInvalid, "body is not valid %s: %s", encoding, clip(err.Error(), maxFieldValue))
		}
	}
	return content, nil
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
