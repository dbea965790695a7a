package stream

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

const (
	presetPlain = "plain"
	presetNtfy  = "ntfy"

	// ntfyMaxBody is what an ntfy server takes as a message by default, in bytes; it makes an attachment of more.
	ntfyMaxBody = 4096
	// ntfyFloor is twice the interval in which an ntfy server gives a visitor one more request by default.
	ntfyFloor = 10 * time.Second
	// publicFloor stays below the 250 messages a day that ntfy.sh takes from one address, with room for others there.
	publicFloor = 10 * time.Minute
	publicHost  = "ntfy.sh"
)

// ntfyEvent is what the JSON, SSE and WebSocket streams of ntfy say (docs.ntfy.sh/subscribe/api, JSON message format).
type ntfyEvent struct {
	Event   string  `json:"event"`
	Message *string `json:"message"`
}

const (
	ntfyOpen    = "open"
	ntfyMessage = "message"
)

// parseNtfy returns false for what no ntfy server says.
func parseNtfy(data []byte) (ntfyEvent, bool) {
	var e ntfyEvent
	err := json.Unmarshal(data, &e)
	return e, err == nil && e.Event != ""
}

// ntfyError returns the code and the words of an answer of ntfy that is an error (HTTP status, own code, text).
func ntfyError(resp *httpx.Response) string {
	var body struct {
		Code int    `json:"code"`
		Text string `json:"error"`
	}
	if json.Unmarshal(resp.Body, &body) != nil || body.Code == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", body.Code, body.Text)
}
