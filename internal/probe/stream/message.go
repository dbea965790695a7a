package stream

import (
	"bytes"
	"strings"
)

const (
	placeMessage = "{{message}}"
	placeSecret  = "{{secret}}"

	// payloadPrefix tells people who see a probe's message what it is.
	payloadPrefix = "channelwatch probe "
)

// template is a text with a place for the message.
type template struct{ before, after string }

// parseTemplate returns false unless the text has exactly one place for the message.
func parseTemplate(text string) (template, bool) {
	before, after, found := strings.Cut(text, placeMessage)
	return template{before, after}, found && !strings.Contains(after, placeMessage)
}

// with returns the text with the message id in it.
func (t template) with(id string) string { return t.before + payloadPrefix + id + t.after }

// intact reports whether a text that arrived is the message id as it was sent: all of it, where the configuration says
// what must arrive, else the message's own part.
func (s *settings) intact(text []byte, id string) bool {
	if s.arrives == nil {
		return bytes.Contains(text, []byte(payloadPrefix+id))
	}
	// Services cut the space around a message, as ntfy does.
	return strings.TrimSpace(string(text)) == strings.TrimSpace(s.arrives.with(id))
}
