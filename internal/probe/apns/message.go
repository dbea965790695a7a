package apns

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// message is one notification request.
type message struct {
	id        string // the request's apns-id
	request   *httpx.Request
	redaction probe.Redaction // of everything in it that nobody else may know
}

// newMessage returns the message to send at now. receipt is the id that the device confirms it with; empty for none.
func (s *settings) newMessage(now time.Time, receipt string) (message, error) {
	token, err := s.token(now)
	if err != nil {
		return message{}, fmt.Errorf("provider token: %w", err)
	}
	payload, err := json.Marshal(s.payload(receipt))
	if err != nil {
		return message{}, fmt.Errorf("payload: %w", err)
	}
	m := message{id: newUUID()}
	header := http.Header{}
	for _, field := range [][2]string{
		{"Authorization", "bearer " + token},
		{"Content-Type", "application/json"},
		{"Apns-Id", m.id},
		{"Apns-Topic", s.topic},
		{"Apns-Push-Type", s.pushType},
		{"Apns-Priority", strconv.Itoa(s.priority)},
		// 0 would be one try: a message that finds the screen off would count as lost.
		{"Apns-Expiration", strconv.FormatInt(now.Add(s.times.Window).Unix(), 10)},
		{"Apns-Collapse-Id", s.collapseID},
	} {
		if field[1] != "" {
			header.Set(field[0], field[1])
		}
	}
	m.request = &httpx.Request{Method: http.MethodPost, URL: s.base + "/3/device/" + s.device, Header: header, Body: payload}
	// With its other two parts, which are no secret, a signature is the whole token.
	signature := token[strings.LastIndexByte(token, '.')+1:]
	m.redaction = probe.NewRedaction(s.device, strings.ToUpper(s.device), token, signature, receipt)
	return m, nil
}

// payload returns what the device gets. mutable-content wakes the extension of the app that confirms a notification,
// content-available the app itself.
func (s *settings) payload(receipt string) map[string]any {
	payload := map[string]any{"aps": map[string]any{
		"alert":           map[string]any{"title": "Channelwatch", "body": "Test message"},
		"mutable-content": 1,
	}}
	if s.pushType == background {
		payload["aps"] = map[string]any{"content-available": 1}
	}
	if receipt != "" {
		payload["channelwatch_receipt"] = s.receipts + "/v1/receipts/" + receipt
	}
	return payload
}

// newUUID returns a random UUID (RFC 9562, version 4) in the form that Apple wants.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
