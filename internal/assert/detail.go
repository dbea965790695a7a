package assert

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxQuoted bounds, in bytes, what a finding repeats of a foreign text.
const maxQuoted = 300

// at returns the path of an element of a list.
func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

func findf(id probe.CheckID, format string, args ...any) *probe.Finding {
	return &probe.Finding{Check: id, Detail: fmt.Sprintf(format, args...)}
}

// quote cuts a text at maxQuoted bytes, at the end of a character, and quotes it, so that it stays on one line.
func quote(text string) string {
	if len(text) <= maxQuoted {
		return strconv.Quote(text)
	}
	end := maxQuoted
	for end > maxQuoted-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return strconv.Quote(text[:end]) + "…"
}
