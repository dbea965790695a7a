package assert

import (
	"strconv"
	"unicode/utf8"
)

// maxQuoted bounds, in bytes, what a finding repeats of a foreign text.
const maxQuoted = 300

// at returns the path of an element of a list.
func at(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }

// quote cuts a text at maxQuoted bytes, at the end of a character, and quotes it, so that it stays on one line and shows
// what is not UTF-8.
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

// start returns as much of a body as quote shows, and a byte more, so that a long one is seen to be cut.
func start(body []byte) string { return string(body[:min(len(body), maxQuoted+1)]) }
