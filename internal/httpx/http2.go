package httpx

import (
	"errors"
	"io"
	"net/http"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Numbers of RFC 9113.
const (
	onlyStream    = 1         // the first stream that a client opens, and the only one of a probe
	initialWindow = 65535     // flow-control window of streams and connections before anybody says otherwise
	frameSize     = 16 << 10  // largest payload that every peer takes
	maxWindow     = 1<<31 - 1 // largest flow-control window
)

// maxControlFrames is how many frames that carry no body may come before an exchange is given up: a flood of them is an
// attack or a defect (RFC 9113 section 10.5).
const maxControlFrames = 1000

// A server that writes as it thinks sends small frames; a hundred thousand are no page.
const (
	smallFrame     = 64 // bytes
	maxSmallFrames = 100_000
)

// http2Exchange is one stream on a connection of its own. It runs on the goroutine of the probe: frames are read only
// when the next step needs one, so the clocks are exact and nothing is left behind.
type http2Exchange struct {
	*exchange

	req     *http.Request
	buffers *buffers
	framer  *http2.Framer

	connWindow   int64 // bytes of body that may be sent, by connection
	streamWindow int64 // and by stream
	peerInitial  int64 // SETTINGS_INITIAL_WINDOW_SIZE of the peer
	peerFrame    int64 // SETTINGS_MAX_FRAME_SIZE of the peer
	settled      bool  // the peer's first SETTINGS frame came
	control      int   // frames without body so far
	small        int   // frames with a few bytes of it so far
	interim      int   // informational responses so far

	begun    bool           // a header that may be the final one began
	resp     *http.Response // final header, once it came
	ended    bool           // the peer ended the stream
	declared int64          // content length, -1 when unknown
}

// http2 sends the request and reads the response as HTTP/2 (RFC 9113).
func (x *exchange) http2(req *http.Request, b *buffers) (*http.Response, error) {
	// Until the final header is there: room for one of the limit, whose compression may not have saved anything, and for
	// other frames. From then on frames and body have limits of their own.
	b.wire.left = 2*headerLimit + 64<<10
	h := &http2Exchange{
		exchange: x, req: req, buffers: b, framer: http2.NewFramer(b.w, b.r), declared: -1,
		connWindow: initialWindow, streamWindow: initialWindow, peerInitial: initialWindow, peerFrame: frameSize,
	}
	h.framer.SetMaxReadFrameSize(frameSize)
	h.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	h.framer.MaxHeaderListSize = headerLimit
	h.framer.SetReuseFrames()

	cut, err := h.send()
	h.sent()
	if err != nil {
		x.mark(probe.Send)
		return nil, err
	}
	for h.resp == nil && err == nil {
		err = h.step() // also when the request was cut off: what the server said matters more than how it hung up
	}
	if err != nil && cut != nil && !refused(err) {
		x.mark(probe.Send)
		return nil, cut
	}
	if err != nil {
		if h.begun {
			x.mark(probe.Receive)
		} else {
			x.mark(probe.Wait)
		}
		return nil, err
	}
	x.head(h.resp.StatusCode, "HTTP/2", h.resp.Header)
	if x.follow && isRedirect(h.resp.StatusCode) {
		x.mark(probe.Receive)
		return h.resp, nil
	}
	for !h.ended && err == nil {
		err = h.step()
	}
	if err == nil {
		err = h.checkLength(h.declared)
	}
	x.mark(probe.Receive)
	return h.resp, err
}

// sent ends the phase of sending: when the request is written, or when the response comes before that.
func (h *http2Exchange) sent() {
	if _, ok := h.record.Phases.Get(probe.Send); !ok {
		h.mark(probe.Send)
	}
}

// step reads one frame and acts on it.
func (h *http2Exchange) step() error {
	head, err := h.framer.ReadFrameHeader()
	if err == nil && !h.settled && head.Type != http2.FrameSettings {
		return faultf(probe.ResponseMalformed, "HTTP/2 connection begins with a %v frame, want SETTINGS", head.Type)
	}
	if err != nil {
		return h.readFault(err)
	}
	if head.Type == http2.FrameHeaders && head.StreamID == onlyStream && h.resp == nil {
		h.sent()
		h.mark(probe.Wait) // once more after an informational header
		h.begun = true
	}
	ahead, left := int64(h.buffers.r.Buffered()), h.buffers.wire.left
	frame, err := h.framer.ReadFrameForHeader(head)
	if err != nil {
		// The framer says protocol or compression error when it gives up on a header block that does not end. A block of the
		// limit has at least 5/8 of it on the wire: the shortest Huffman code has 5 bits.
		_, refused := errors.AsType[http2.ConnectionError](err)
		read := ahead + left - h.buffers.wire.left
		if refused && head.Type == http2.FrameHeaders && read > headerLimit/8*5 {
			return faultf(probe.HeaderTooLarge, "response header is larger than the limit")
		}
		return h.readFault(err)
	}
	if err := h.count(frame); err != nil {
		return err
	}
	return h.handle(frame)
}

// count gives up floods of frames that bring little or nothing.
func (h *http2Exchange) count(frame http2.Frame) error {
	data, ok := frame.(*http2.DataFrame)
	switch {
	case !ok || len(data.Data()) == 0:
		if h.control++; h.control > maxControlFrames {
			return faultf(probe.ResponseMalformed, "more than %d HTTP/2 frames without content", maxControlFrames)
		}
	case len(data.Data()) < smallFrame:
		if h.small++; h.small > maxSmallFrames {
			return faultf(probe.ResponseMalformed, "more than %d HTTP/2 frames with less than %d bytes", maxSmallFrames, smallFrame)
		}
	}
	return nil
}

func (h *http2Exchange) handle(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.MetaHeadersFrame:
		return h.headers(frame)
	case *http2.DataFrame:
		return h.data(frame)
	case *http2.SettingsFrame:
		return h.settings(frame)
	case *http2.PingFrame:
		if !frame.IsAck() {
			h.reply(h.framer.WritePing(true, frame.Data))
		}
	case *http2.WindowUpdateFrame:
		return h.window(frame)
	case *http2.RSTStreamFrame:
		if h.resp != nil {
			return faultf(probe.BodyTruncated, "stream reset (%v) after %d bytes of the body", frame.ErrCode, len(h.content))
		}
		return faultf(probe.ConnectionReset, "stream reset (%v) before a complete response header", frame.ErrCode)
	case *http2.GoAwayFrame:
		if frame.LastStreamID >= onlyStream && frame.ErrCode == http2.ErrCodeNo {
			return nil // the peer will still answer
		}
		if h.resp != nil {
			return faultf(probe.BodyTruncated, "connection given up (%v) after %d bytes of the body", frame.ErrCode, len(h.content))
		}
		return faultf(probe.ConnectionClosed, "connection given up (%v) before a complete response header", frame.ErrCode)
	case *http2.PushPromiseFrame:
		return faultf(probe.ResponseMalformed, "server pushed although push is switched off")
	}
	return nil
}

// headers takes a block of header fields: informational, final or trailing.
func (h *http2Exchange) headers(frame *http2.MetaHeadersFrame) error {
	switch {
	case frame.StreamID != onlyStream:
		return faultf(probe.ResponseMalformed, "response on stream %d, want %d", frame.StreamID, onlyStream)
	case frame.Truncated:
		return faultf(probe.HeaderTooLarge, "response header is larger than the limit")
	case h.resp != nil: // trailers
		if !frame.StreamEnded() {
			return faultf(probe.ResponseMalformed, "second response header on one stream")
		}
		h.ended = true
		return nil
	}
	status, err := parseStatus(frame.PseudoValue("status"))
	if err != nil {
		return err
	}
	if status < http.StatusOK {
		if status == http.StatusSwitchingProtocols || frame.StreamEnded() {
			return faultf(probe.ResponseMalformed, "informational status %d as the whole response", status)
		}
		if h.interim++; h.interim > maxInformational {
			return faultf(probe.ResponseMalformed, "more than %d informational responses (1xx)", maxInformational)
		}
		h.begun = false
		return nil
	}
	header := make(http.Header, len(frame.RegularFields()))
	for _, field := range frame.RegularFields() {
		name := http.CanonicalHeaderKey(field.Name)
		header[name] = append(header[name], field.Value)
	}
	if h.declared, err = declaredLength(header); err != nil {
		return err
	}
	h.ended = frame.StreamEnded()
	h.buffers.wire.unlimited()
	h.resp = &http.Response{
		StatusCode: status, Proto: "HTTP/2.0", ProtoMajor: 2, Header: header, ContentLength: h.declared,
	}
	return nil
}

// data takes a piece of the body.
func (h *http2Exchange) data(frame *http2.DataFrame) error {
	if frame.StreamID != onlyStream || h.resp == nil {
		return faultf(probe.ResponseMalformed, "body on stream %d before its header", frame.StreamID)
	}
	limit := h.client.opts.BodyLimit
	piece := frame.Data()
	if h.content == nil && h.declared > 0 {
		h.content = make([]byte, 0, min(h.declared, limit, 64<<10))
	}
	if int64(len(h.content)+len(piece)) > limit {
		return bodyFault(errBudget, limit, h.declared, limit)
	}
	h.content = append(h.content, piece...)
	h.ended = frame.StreamEnded()
	// The windows are as large as the limit, so only padding, which counts as well, has to be given back.
	if padding := frame.Length - uint32(len(piece)); padding > 0 && !h.ended {
		h.reply(errors.Join(h.framer.WriteWindowUpdate(0, padding), h.framer.WriteWindowUpdate(onlyStream, padding)))
	}
	return nil
}

// settings takes the peer's settings and acknowledges them.
func (h *http2Exchange) settings(frame *http2.SettingsFrame) error {
	if frame.IsAck() {
		return nil
	}
	h.settled = true
	if size, ok := frame.Value(http2.SettingInitialWindowSize); ok {
		if size > maxWindow {
			return faultf(probe.ResponseMalformed, "initial window of %d bytes, want at most %d", size, maxWindow)
		}
		h.streamWindow += int64(size) - h.peerInitial
		h.peerInitial = int64(size)
	}
	if size, ok := frame.Value(http2.SettingMaxFrameSize); ok && size >= frameSize {
		h.peerFrame = int64(size)
	}
	h.reply(h.framer.WriteSettingsAck())
	return nil
}

func (h *http2Exchange) window(frame *http2.WindowUpdateFrame) error {
	window := &h.streamWindow
	if frame.StreamID == 0 {
		window = &h.connWindow
	}
	if *window += int64(frame.Increment); *window > maxWindow {
		return faultf(probe.ResponseMalformed, "flow-control window over %d bytes", maxWindow)
	}
	return nil
}

// reply sends what was written in answer to a frame. When that is impossible, the peer has hung up but may have sent its
// response before: the next read tells.
func (h *http2Exchange) reply(written error) {
	if written == nil {
		_ = h.buffers.w.Flush()
	}
}

// refused reports whether a fault of reading is the server's word that it does not take this client.
func refused(err error) bool {
	reason, _ := reasonOf(err)
	return reason == probe.TLSHandshake
}

// readFault says why no frame could be read.
func (h *http2Exchange) readFault(err error) error {
	if h.buffers.wire.over {
		return faultf(probe.HeaderTooLarge, "response header, or what comes before it, is larger than the limit")
	}
	_, connErr := errors.AsType[http2.ConnectionError](err)
	_, streamErr := errors.AsType[http2.StreamError](err)
	if connErr || streamErr || errors.Is(err, http2.ErrFrameTooLarge) {
		return faultf(probe.ResponseMalformed, "reading HTTP/2 frame: %s", probe.Clip(err.Error(), maxFieldValue))
	}
	if h.resp == nil {
		return waitFault(err)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return bodyFault(err, int64(len(h.content)), h.declared, h.client.opts.BodyLimit)
}
