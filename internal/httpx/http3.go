package httpx

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Numbers of RFC 9114: types of frames (section 7.2), of the stream that carries settings (section 6.2.1), and the setting
// that bounds the header that we take (section 7.2.4.1).
const (
	http3Data          = 0x0
	http3Headers       = 0x1
	http3Settings      = 0x4
	http3ControlStream = 0x0
	http3MaxHeader     = 0x6
)

// http3Exchange is the one request stream of a connection. It runs on the goroutine of the probe; what the library does
// for the connection runs beside it, and is waited for when the connection is closed.
type http3Exchange struct {
	*exchange

	stream   *quic.Stream
	r        *bufio.Reader
	left     uint64 // bytes of the DATA frame that is read now
	skipped  int    // frames without content so far
	declared int64  // content length, -1 when unknown
}

// http3 makes the exchange by HTTP/3 (RFC 9114) with the first of the addresses that answers.
func (x *exchange) http3(ctx context.Context, req *http.Request, line *quicLine) (*http.Response, error) {
	stream, err := openStreams(ctx, line.conn)
	if err != nil {
		x.mark(probe.Send)
		return nil, quicSendFault(err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = stream.SetDeadline(deadline) // fails on a closed stream only, and then the next read says so
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	h := &http3Exchange{exchange: x, stream: stream, r: bufio.NewReaderSize(stream, 4<<10), declared: -1}
	cut := h.send(req)
	h.mark(probe.Send)
	resp, err := h.header()
	switch {
	case err != nil && cut != nil:
		// What the server said matters more than how it hung up, but it said nothing.
		return nil, quicSendFault(cut)
	case err != nil:
		return nil, err
	}
	x.head(resp.StatusCode, "HTTP/3", resp.Header)
	if x.follow && isRedirect(resp.StatusCode) {
		x.mark(probe.Receive)
		return resp, nil
	}
	limit := x.client.opts.BodyLimit
	x.content, err = readBody(h, h.declared, limit)
	x.mark(probe.Receive)
	if err != nil {
		return nil, h.bodyFault(err)
	}
	return resp, x.checkLength(h.declared)
}

// openStreams sends the settings and opens the stream of the request.
func openStreams(ctx context.Context, conn *quic.Conn) (*quic.Stream, error) {
	control, err := conn.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	setting := quicvarint.Append(quicvarint.Append(nil, http3MaxHeader), headerLimit)
	if _, err := control.Write(appendFrame([]byte{http3ControlStream}, http3Settings, setting)); err != nil {
		return nil, err
	}
	return conn.OpenStreamSync(ctx)
}

func appendFrame(to []byte, kind uint64, payload []byte) []byte {
	to = quicvarint.Append(to, kind)
	to = quicvarint.Append(to, uint64(len(payload)))
	return append(to, payload...)
}

// send writes the request and ends the stream on our side.
func (h *http3Exchange) send(req *http.Request) error {
	var block bytes.Buffer
	encoder := qpack.NewEncoder(&block)
	for name, value := range h.requestFields(req) {
		_ = encoder.WriteField(qpack.HeaderField{Name: name, Value: value}) // a bytes.Buffer takes everything
	}
	message := appendFrame(nil, http3Headers, block.Bytes())
	if len(h.body) > 0 {
		message = appendFrame(message, http3Data, h.body)
	}
	if _, err := h.stream.Write(message); err != nil {
		return err
	}
	return h.stream.Close()
}

// header reads frames up to the header of the final response. Informational ones before it are passed over, and the wait
// goes on until the next.
func (h *http3Exchange) header() (*http.Response, error) {
	for range maxInformational + 1 {
		length, err := h.nextHeader()
		h.mark(probe.Wait)
		if err != nil {
			return nil, err
		}
		resp, err := h.readHeader(length)
		if err != nil || resp.StatusCode >= http.StatusOK {
			if err != nil {
				h.mark(probe.Receive)
			}
			return resp, err
		}
	}
	h.mark(probe.Receive)
	return nil, faultf(probe.ResponseMalformed, "more than %d informational responses (1xx)", maxInformational)
}

// nextHeader returns the length of the header block that begins next.
func (h *http3Exchange) nextHeader() (uint64, error) {
	kind, length, err := h.frame()
	switch {
	case err != nil:
		return 0, quicWaitFault(err)
	case kind != http3Headers:
		return 0, faultf(probe.ResponseMalformed, "response begins with a body, want a header")
	case length > headerLimit:
		return 0, faultf(probe.HeaderTooLarge, "response header is larger than the limit")
	}
	return length, nil
}

// readHeader reads a header block.
func (h *http3Exchange) readHeader(length uint64) (*http.Response, error) {
	block := make([]byte, length)
	if _, err := io.ReadFull(h.r, block); err != nil {
		switch {
		case timedOut(err):
			return nil, faultf(probe.ResponseTimeout, "response header not complete in time")
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, faultf(probe.ResponseMalformed, "stream ended in the middle of the response header")
		}
		return nil, faultf(probe.ConnectionReset, "stream cut in the middle of the response header")
	}
	resp, err := decodeHeader(block)
	if err == nil {
		h.declared = resp.ContentLength
	}
	return resp, err
}

// frame returns the type and length of the next frame that matters. Unknown ones are skipped, a few and small ones only:
// they exist to be ignored (RFC 9114 section 7.2.8).
func (h *http3Exchange) frame() (kind, length uint64, err error) {
	for {
		if kind, err = quicvarint.Read(h.r); err != nil {
			return 0, 0, err
		}
		if length, err = quicvarint.Read(h.r); err != nil {
			return 0, 0, unexpected(err)
		}
		if kind == http3Headers || kind == http3Data && length > 0 {
			return kind, length, nil
		}
		if slices.Contains(http3Elsewhere(), kind) {
			return 0, 0, faultf(probe.ResponseMalformed, "HTTP/3 frame of type %#x on the stream of a request", kind)
		}
		if h.skipped++; h.skipped > maxControlFrames || length > frameSize {
			return 0, 0, faultf(probe.ResponseMalformed, "more than %d HTTP/3 frames without content, or a long one", maxControlFrames)
		}
		if _, err := io.CopyN(io.Discard, h.r, int64(length)); err != nil {
			return 0, 0, unexpected(err)
		}
	}
}

// http3Elsewhere are the types of frames that have no place on the stream of a request: CANCEL_PUSH, SETTINGS, PUSH_PROMISE,
// which we do not allow, GOAWAY and MAX_PUSH_ID (RFC 9114 section 7.2), and what HTTP/2 had instead (section 7.2.8).
func http3Elsewhere() []uint64 {
	return []uint64{0x3, http3Settings, 0x5, 0x7, 0xd, 0x2, 0x6, 0x8, 0x9}
}

// Read reads the body. It ends with the stream, which may have a trailer.
func (h *http3Exchange) Read(p []byte) (int, error) {
	if h.left == 0 {
		kind, length, err := h.frame()
		if err != nil {
			return 0, err
		}
		if kind == http3Headers {
			return 0, h.trailer(length)
		}
		h.left = length
	}
	n, err := h.r.Read(p[:min(uint64(len(p)), h.left)])
	h.left -= uint64(n)
	if n > 0 {
		return n, nil // an error comes again
	}
	return n, unexpected(err)
}

// trailer passes over the fields behind the body, which nothing but unknown frames may follow.
func (h *http3Exchange) trailer(length uint64) error {
	if length > headerLimit {
		return faultf(probe.ResponseMalformed, "trailer is larger than the limit")
	}
	if _, err := io.CopyN(io.Discard, h.r, int64(length)); err != nil {
		return unexpected(err)
	}
	if _, _, err := h.frame(); err != nil {
		return err // io.EOF is the end of the body
	}
	return faultf(probe.ResponseMalformed, "second response header, or a body, behind the trailer")
}

// unexpected makes the end of a stream one in the middle.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// quicSendFault says why a request could not be written. When it is the whole connection that ended, nothing could be
// read either, and why it ended is the reason.
func quicSendFault(err error) error {
	if _, ok := errors.AsType[*quic.StreamError](err); ok || timedOut(err) || errors.Is(err, context.DeadlineExceeded) {
		return sendFault(err)
	}
	return quicWaitFault(err)
}

// quicWaitFault says why no response began.
func quicWaitFault(err error) error {
	transport, isTransport := errors.AsType[*quic.TransportError](err)
	_, isReset := errors.AsType[*quic.StatelessResetError](err)
	stream, isStream := errors.AsType[*quic.StreamError](err)
	app, isApp := errors.AsType[*quic.ApplicationError](err)
	_, isFault := errors.AsType[*fault](err)
	switch {
	case isFault:
		return err
	case timedOut(err):
		return faultf(probe.ResponseTimeout, "no response in time")
	case isTransport && transport.Remote && transport.ErrorCode.IsCryptoError():
		return faultf(probe.TLSHandshake, "server refused the connection after the handshake: %s", probe.Clip(transport.Error(), maxFieldValue))
	case isReset, wasReset(err):
		return faultf(probe.ConnectionReset, "connection reset before the first byte of a response")
	case isStream:
		return faultf(probe.ConnectionReset, "stream reset (code %#x) before a response", uint64(stream.ErrorCode))
	case isApp:
		return faultf(probe.ConnectionClosed, "connection given up (code %#x) before a response", uint64(app.ErrorCode))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return faultf(probe.ResponseMalformed, "stream ended in the middle of a frame before a response")
	case isTransport, errors.Is(err, io.EOF):
		return faultf(probe.ConnectionClosed, "connection or stream closed before a response")
	}
	return faultf(probe.ConnectionReset, "waiting for response: %s", bare(err))
}

// bodyFault says why a body did not come to its end.
func (h *http3Exchange) bodyFault(err error) error {
	if _, ok := errors.AsType[*fault](err); ok {
		return err
	}
	if !errors.Is(err, errBudget) && !timedOut(err) {
		err = io.ErrUnexpectedEOF // whatever cut it
	}
	return bodyFault(err, int64(len(h.content)), h.declared, h.client.opts.BodyLimit)
}
