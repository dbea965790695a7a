package httpx

import (
	"bytes"
	"context"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// send writes preface, settings, request header and body. It returns early, without an error, when the response comes
// before the body is written. A request that was cut off may have been answered before; what the server said against it
// ends the exchange.
func (h *http2Exchange) send() (cut, said error) {
	window := uint32(min(h.client.opts.BodyLimit+1, maxWindow-initialWindow))
	if _, err := h.buffers.w.WriteString(http2.ClientPreface); err != nil {
		return sendFault(err), nil
	}
	err := h.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: window},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: h.framer.MaxHeaderListSize},
	)
	if err == nil {
		err = h.framer.WriteWindowUpdate(0, window)
	}
	if err == nil {
		err = h.sendHeader()
	}
	if err == nil && len(h.body) == 0 {
		err = h.buffers.w.Flush()
	}
	if err != nil {
		return sendFault(err), nil
	}
	return h.sendBody()
}

// sendHeader writes the header fields in one HEADERS frame and as many CONTINUATION frames as they need.
func (h *http2Exchange) sendHeader() error {
	block := h.encodeHeader()
	first := block[:min(len(block), frameSize)]
	err := h.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: onlyStream, BlockFragment: first, EndHeaders: len(first) == len(block), EndStream: len(h.body) == 0,
	})
	for rest := block[len(first):]; len(rest) > 0 && err == nil; {
		piece := rest[:min(len(rest), frameSize)]
		rest = rest[len(piece):]
		err = h.framer.WriteContinuation(onlyStream, len(rest) == 0, piece)
	}
	return err
}

// encodeHeader returns the compressed header fields (RFC 7541).
func (h *http2Exchange) encodeHeader() []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for name, value := range h.requestFields(h.req) {
		sensitive := name == "authorization" || name == "cookie"
		_ = encoder.WriteField(hpack.HeaderField{Name: name, Value: value, Sensitive: sensitive}) // a bytes.Buffer takes everything
	}
	return block.Bytes()
}

// sendBody writes the body as far as the peer's windows allow and reads frames until they open.
func (h *http2Exchange) sendBody() (cut, said error) {
	rest := h.body
	for len(rest) > 0 && h.resp == nil {
		room := min(int64(len(rest)), h.connWindow, h.streamWindow, h.peerFrame)
		if room <= 0 {
			if err := h.buffers.w.Flush(); err != nil {
				return sendFault(err), nil
			}
			if err := h.step(); err != nil {
				return nil, notTaken(err)
			}
			continue
		}
		piece := rest[:room]
		rest = rest[room:]
		h.connWindow -= room
		h.streamWindow -= room
		err := h.framer.WriteData(onlyStream, len(rest) == 0, piece)
		if err == nil && len(rest) == 0 {
			err = h.buffers.w.Flush()
		}
		if err != nil {
			return sendFault(err), nil
		}
		if room >= smallFrame {
			h.control = 0 // what opened the windows was of use
		}
	}
	return nil, nil
}

// notTaken says of a peer that let the time pass what it did not do: it owes no response to half a request.
func notTaken(err error) error {
	if reason, _ := reasonOf(err); reason == probe.ResponseTimeout {
		return sendFault(context.DeadlineExceeded)
	}
	return err
}
