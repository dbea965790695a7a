// Package cdp speaks the Chrome DevTools Protocol with a browser over a pair of pipes (--remote-debugging-pipe): no port is
// opened, and a browser whose agent dies finds its pipe closed and ends.
//
// A message is one JSON object followed by a NUL byte. It is a call with an id, the answer with the same id, or an event.
// Calls and events belong to the browser itself or to a session, which is the browser's word for being attached to a page,
// a frame of another site or a worker.
//
// The package knows the few Target and Runtime methods that following a page into its frames takes, and else nothing of what
// is called. It starts no browser. It imports the standard library only.
package cdp

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrClosed says that the connection is over: Close was called, or the browser ended or broke the protocol. Errors that
// wrap it say which.
var ErrClosed = errors.New("browser connection closed")

// ErrDetached says that the session of a call ended before its answer came.
var ErrDetached = errors.New("browser session detached")

// SessionID names a session. The empty one is the browser itself.
type SessionID string

// Event is what the browser tells without having been asked.
type Event struct {
	Session SessionID
	Method  string // such as Network.responseReceived
	Params  json.RawMessage
}

// Error is the browser's refusal of a call.
type Error struct {
	Code    int // JSON-RPC 2.0, section 5.1
	Message string
	Method  string // that was called
}

// Error says what was called and why the browser refused.
func (e *Error) Error() string {
	return fmt.Sprintf("calling %s: %s (%d)", e.Method, e.Message, e.Code)
}

// TargetInfo is what the browser tells of a page, frame or worker that a session is attached to.
type TargetInfo struct {
	ID      string `json:"targetId"`
	Type    string `json:"type"` // such as page, iframe, worker, service_worker or shared_worker
	URL     string `json:"url"`
	Context string `json:"browserContextId"`
}
