// Package webpush is Web Push (RFC 8030) as a sender and as a browser see it: subscriptions, the encryption of messages
// (RFC 8188, RFC 8291), the sender's signature (VAPID, RFC 8292), and a receiver that speaks the WebSocket protocol
// between Firefox and its push service (autopush), so that the agent can be the browser that a message arrives at.
//
// Subscriptions, keys and state are secrets: they print as [redacted], and no error of this package holds a part of them.
//
// It imports push, probe and a WebSocket library. It sends no HTTP request by itself: whoever has a client does, with what Encrypt and
// VAPID.Authorization return. It does not reconnect, retry, or judge what becomes of a message.
package webpush

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// redacted is what secrets print as.
const redacted = "[redacted]"

// b64 is the encoding of all keys of Web Push (RFC 7515, section 2).
func b64() *base64.Encoding { return base64.RawURLEncoding }

// decode64 decodes base64url with or without padding.
func decode64(text string) ([]byte, error) {
	data, err := b64().DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, errors.New("not base64url") // without the text, which is a secret
	}
	return data, nil
}

// random returns n bytes that nobody can guess.
func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.Read(data) // it never fails
	return data
}

// newUUID returns a random UUID (RFC 9562, section 5.4), which push services want as the name of a subscription.
func newUUID() string {
	u := random(16)
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// loopback reports whether a URL leads to this machine, where plain text is no risk.
func loopback(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
