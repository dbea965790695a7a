package push

import (
	"strings"
	"unicode"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxSaid bounds a provider's own words, in bytes.
const maxSaid = 100

// Said makes a provider's own words fit for Answer.Said: one printable line without the secrets, of at most 100 bytes.
func Said(secrets probe.Redaction, text string) string {
	line := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, text)
	return probe.Clip(strings.Join(strings.Fields(secrets.Text(line)), " "), maxSaid)
}
