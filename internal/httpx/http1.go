package httpx

import (
	"errors"
	"io"
	"net/http"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxInformational is how many 1xx responses are passed over before the final one.
const maxInformational = 16

// http1 sends the request and reads the response (RFC 9112).
func (x *exchange) http1(req *http.Request, b *buffers) (*http.Response, error) {
	resp, err := x.ask(req, b)
	if err != nil {
		return nil, err
	}
	if x.follow && isRedirect(resp.StatusCode) {
		x.mark(probe.Receive)
		return resp, nil
	}
	return x.receive(resp, b)
}

// ask sends the request and reads the header of the response.
func (x *exchange) ask(req *http.Request, b *buffers) (*http.Response, error) {
	err := req.Write(b.w)
	if err == nil {
		err = b.w.Flush()
	}
	x.mark(probe.Send)
	// A server may answer and hang up before it has read everything: what it said matters more than how it hung up.
	_, waitErr := b.r.Peek(1)
	if err != nil && waitErr != nil && !isAlert(waitErr) {
		x.mark(probe.Send)
		return nil, sendFault(err)
	}
	x.mark(probe.Wait)
	if waitErr != nil {
		return nil, waitFault(waitErr)
	}
	resp, err := x.readHeader(req, b)
	if err != nil {
		return nil, err
	}
	x.head(resp.StatusCode, resp.Proto, resp.Header)
	return resp, nil
}

// receive reads the body. It is never closed: that would read on to its end, and the connection is closed anyway.
func (x *exchange) receive(resp *http.Response, b *buffers) (*http.Response, error) {
	b.wire.unlimited()
	limit := x.client.opts.BodyLimit
	var err error
	x.content, err = readBody(resp.Body, resp.ContentLength, limit)
	x.mark(probe.Receive)
	if err != nil {
		return nil, bodyFault(err, int64(len(x.content)), resp.ContentLength, limit)
	}
	return resp, nil
}

// head notes the response header.
func (x *exchange) head(status int, protocol string, header http.Header) {
	x.status, x.respHeader = status, header
	x.record.Status, x.record.Protocol = status, protocol
	x.record.Header = evidenceHeader(x.client.fields, header)
}

// readHeader reads the header of the final response. Informational ones before it are passed over, and the wait goes on
// until the first byte of the next: hints do not make a server fast.
func (x *exchange) readHeader(req *http.Request, b *buffers) (*http.Response, error) {
	for range maxInformational + 1 {
		resp, err := http.ReadResponse(b.r, req)
		if err == nil && (resp.StatusCode >= http.StatusOK || resp.StatusCode == http.StatusSwitchingProtocols && x.upgrades()) {
			return resp, nil
		}
		if err = headerFault(resp, err, &b.wire); err != nil {
			x.mark(probe.Receive)
			return nil, err
		}
		_, err = b.r.Peek(1)
		x.mark(probe.Wait)
		if err != nil && !b.wire.over {
			return nil, waitFault(err)
		}
	}
	x.mark(probe.Receive)
	return nil, faultf(probe.ResponseMalformed, "more than %d informational responses (1xx)", maxInformational)
}

// headerFault says what is wrong with a header that is not that of a final response; nil when another one may follow.
func headerFault(resp *http.Response, err error, w *wire) error {
	switch {
	case err == nil && resp.StatusCode == http.StatusSwitchingProtocols:
		return faultf(probe.ResponseMalformed, "server switched protocols (status 101) without being asked")
	case err == nil && resp.StatusCode < http.StatusContinue:
		return faultf(probe.ResponseMalformed, "status code %d, want 100 to 599", resp.StatusCode)
	case err == nil:
		return nil
	case w.over:
		return faultf(probe.HeaderTooLarge, "response header is larger than the limit")
	case timedOut(w.err):
		return faultf(probe.ResponseTimeout, "response header not complete in time")
	case wasReset(w.err):
		return faultf(probe.ConnectionReset, "connection reset in the middle of the response header")
	case errors.Is(w.err, io.EOF):
		return faultf(probe.ResponseMalformed, "connection closed in the middle of the response header")
	}
	return faultf(probe.ResponseMalformed, "reading response header: %s", bare(err))
}

func sendFault(err error) error {
	if timedOut(err) {
		return faultf(probe.SendFailed, "request not taken in time")
	}
	return faultf(probe.SendFailed, "writing request: %s", bare(err))
}

// waitFault says why no response began.
func waitFault(err error) error {
	switch {
	case timedOut(err):
		return faultf(probe.ResponseTimeout, "no response in time")
	case isAlert(err):
		return faultf(probe.TLSHandshake, "server refused the connection after the handshake: %s", bare(err))
	case wasReset(err):
		return faultf(probe.ConnectionReset, "connection reset before the first byte of a response")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return faultf(probe.ConnectionClosed, "connection closed before the first byte of a response")
	}
	return faultf(probe.ResponseMalformed, "waiting for response: %s", bare(err))
}
