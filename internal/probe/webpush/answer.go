package webpush

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// refusal is the body of a refusal: errno and message are autopush's (its docs, errors), reason is Apple's (Sending web
// push notifications in web apps and browsers). Others send text, or a page.
type refusal struct {
	Errno   int    `json:"errno"`
	Message string `json:"message"`
	Error   string `json:"error"`
	Reason  string `json:"reason"`
}

// readAnswer says what the complete answer of a push service means. hidden are the secrets that it could repeat.
func readAnswer(resp *httpx.Response, hidden probe.Redaction) push.Answer {
	a := push.Answer{Word: wordOfStatus(resp.Status)}
	if a.Word == push.Accepted {
		return a
	}
	a.RetryAfter = push.RetryAfter(resp.Header, time.Now())
	body, isJSON := parseRefusal(resp.Body)
	said := body.text()
	if !isJSON {
		said = plainText(resp.Body)
	}
	if word, known := wordOfErrno(body.Errno); known {
		a.Word = word
	} else if resp.Status == http.StatusBadRequest && isAboutCredential(said) {
		a.Word = push.CredentialRejected
	}
	a.Said = push.Said(hidden, said)
	return a
}

// wordOfStatus returns what a status means by itself: RFC 8030 (201, 202, 404, 413, 429), RFC 8292 (401, 403), RFC 9110,
// and 406, with which the push service of Windows slows senders down.
func wordOfStatus(status int) push.Word {
	switch status {
	case http.StatusCreated, http.StatusAccepted:
		return push.Accepted
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return push.MessageInvalid
	case http.StatusUnauthorized, http.StatusForbidden:
		return push.CredentialRejected
	case http.StatusNotFound, http.StatusGone:
		return push.TargetGone
	case http.StatusTooManyRequests, http.StatusNotAcceptable:
		return push.Throttled
	}
	if status >= http.StatusInternalServerError {
		return push.ProviderFailed
	}
	return push.Other
}

// wordOfErrno returns what an error number of autopush means, which says more than its status.
func wordOfErrno(errno int) (push.Word, bool) {
	switch errno {
	case 101, 104, 108, 110, 111, 112, 113: // keys, size, router, keys, header, TTL, Topic
		return push.MessageInvalid, true
	case 102: // no endpoint has such a URL
		return push.TargetInvalid, true
	case 103, 105, 106: // expired, went away meanwhile, unsubscribed
		return push.TargetGone, true
	case 109:
		return push.CredentialRejected, true
	case 201: // back off exponentially
		return push.Throttled, true
	case 202, 900, 901, 902, 903, 999: // try again, and the bridges to other services
		return push.ProviderFailed, true
	}
	return "", false
}

// isAboutCredential reports whether the reason of a bad request is the sender's key: Apple's for another key than the one
// of the subscription, and FCM's for a key that is none.
func isAboutCredential(said string) bool {
	return strings.Contains(said, "VapidPkHashMismatch") || strings.Contains(said, "UnauthorizedRegistration")
}

func parseRefusal(body []byte) (refusal, bool) {
	var r refusal
	if json.Unmarshal(body, &r) != nil {
		return refusal{}, false
	}
	return r, true
}

// text joins what a refusal says.
func (r refusal) text() string {
	text := r.Reason
	for _, more := range []string{r.Message, r.Error} {
		if text == "" {
			text = more
		}
	}
	if r.Errno == 0 {
		return text
	}
	return strings.TrimSpace("errno " + strconv.Itoa(r.Errno) + " " + text)
}

// plainText returns the title of a page, or a text as it is.
func plainText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if !strings.HasPrefix(text, "<") {
		return text
	}
	_, title, found := cutFold(text, "<title>")
	if title, _, ended := cutFold(title, "</title>"); found && ended {
		return strings.TrimSpace(title)
	}
	return "a page without a title"
}

// cutFold is strings.Cut whatever the case of a tag. The tag is in lower case.
func cutFold(text, tag string) (before, after string, found bool) {
	for at := 0; at+len(tag) <= len(text); at++ {
		if strings.EqualFold(text[at:at+len(tag)], tag) {
			return text[:at], text[at+len(tag):], true
		}
	}
	return text, "", false
}
