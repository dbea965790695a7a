package ledger

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// The addresses that mean something. All others are answered in the same way.
const (
	receiptPath   = "/v1/receipts/" // and the id of a message, from a device
	sentPath      = "/v1/sent"      // from a sender, with its token
	heartbeatPath = "/v1/heartbeat" // from a sender, with its token
	hookPath      = "/v1/hooks/"    // and the token of a system that sends webhooks
)

// ServeHTTP takes in a request. Whatever it is, the answer is 204 with an empty body, so that nothing is to be learnt by
// trying.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		// What net/http itself says of a panic tells the sender's address.
		if p := recover(); p != nil {
			s.log.Error("taking in a receipt panicked", "panic", p, "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		}
	}()
	// The body is read whether or not it is wanted, so that all requests are alike from outside. Whoever sends more than
	// 1 KiB can tell the token of an open hook by the time that it takes, and has to know it for that.
	limit := int64(maxBody)
	if token, isHook := strings.CutPrefix(r.URL.Path, hookPath); isHook && s.ledger.isOpen(token) {
		limit = maxHookBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		body = nil // too much, or cut off
	}
	now := time.Now()
	s.ledger.take(read(r, body, err == nil), now, func() bool { return s.strangers.admit(s.sender(r), now) })
	w.WriteHeader(http.StatusNoContent)
}

// submission is what a request says.
type submission struct {
	what  outcome   // receipt, report, heartbeat or webhook; malformed for what says nothing
	id    string    // of a receipt or report
	token string    // of a report, heartbeat or webhook
	hook  *Delivery // of a webhook, without its time; nil when its body is too large or cut off
}

// read reads a request without believing it. Only webhooks need to be whole: nothing is in the body of others but an id.
func read(r *http.Request, body []byte, whole bool) submission {
	path := r.URL.Path
	id, isReceipt := strings.CutPrefix(path, receiptPath)
	hook, isHook := strings.CutPrefix(path, hookPath)
	switch {
	case r.Method != http.MethodPost:
	case isReceipt && isID(id):
		return submission{what: receipt, id: id}
	case isHook && isID(hook) && !whole:
		return submission{what: webhook, token: hook}
	case isHook && isID(hook):
		return submission{what: webhook, token: hook, hook: &Delivery{Header: r.Header, Body: body}}
	case path == sentPath:
		return submission{what: report, id: sentID(body), token: bearer(r.Header)}
	case path == heartbeatPath:
		return submission{what: heartbeat, token: bearer(r.Header)}
	}
	return submission{what: malformed}
}

// bearer returns the token of a request (RFC 6750, section 2.1), or nothing.
func bearer(header http.Header) string {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// sentID returns the id in the report of a sender, or nothing. What else it says is left alone.
func sentID(body []byte) string {
	var report struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &report); err != nil || !isID(report.ID) {
		return ""
	}
	return report.ID
}

// isID reports whether a text can be the id of a message: 16 to 128 characters that need no escaping in a URL (RFC 3986,
// section 2.3).
func isID(text string) bool {
	const least, most = 16, 128
	return len(text) >= least && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	})
}
