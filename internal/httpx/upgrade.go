package httpx

import (
	"net/http"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Upgrade is the http.RoundTripper of one handshake of a WebSocket library: the request that the library makes goes out
// by Hold, and the library gets the connection as the body of the response, which can be written to.
//
// What the handshake showed is left here, because libraries wrap errors into texts with the URL, which must not be
// printed. It is for one handshake and one goroutine.
type Upgrade struct {
	Client *Client

	// Response is set after the handshake, and nil when Err is not. Status 101 in it does not yet mean that the library
	// liked it; every other status and every reason does mean that there is no connection.
	Response *Response
	// Err is what Hold returned: nothing could be measured.
	Err error
}

// HTTPClient returns the client to hand to the library. It follows no redirect.
func (u *Upgrade) HTTPClient() *http.Client { return &http.Client{Transport: u} }

// RoundTrip makes the exchange. It returns an error unless the server switched protocols.
func (u *Upgrade) RoundTrip(req *http.Request) (*http.Response, error) {
	held, resp, err := u.Client.Hold(req.Context(), &Request{Method: req.Method, URL: req.URL.String(), Header: req.Header})
	if err != nil {
		u.Err = err
		return nil, err
	}
	u.Response = resp
	switch {
	case resp.Reason != "":
		return nil, &fault{resp.Reason, resp.Detail}
	case resp.Status != http.StatusSwitchingProtocols:
		if held != nil {
			_ = held.Close()
		}
		return nil, faultf(probe.ResponseMalformed, "status %d, want 101", resp.Status)
	}
	return &http.Response{
		StatusCode: resp.Status, Status: http.StatusText(resp.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: resp.Header, Body: held, Request: req,
	}, nil
}
