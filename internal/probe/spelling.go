package probe

import (
	"html"
	"regexp"
	"strconv"
	"strings"
)

// escapeLeads are the bytes with which the escapes of URLs, quoted texts and HTML begin.
const escapeLeads = `%+\&`

// spot is how far a secret was found in a text, in bytes of both.
type spot struct{ secret, text int }

// spelled returns how many bytes at the beginning of text spell secret, each of its characters as it is or escaped in any
// way. The beginning of a secret, of at least leastSecret bytes, counts where the text was cut. It returns 0 for none.
func spelled(secret, text string) int {
	longest := 0
	todo := []spot{{}}
	var seen map[spot]bool // where a text can be read as an escape and as it is, which are tried one after the other
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for more := true; more; {
			longest = max(longest, at.found(secret, text))
			escaped, plain := at.next(secret, text)
			switch {
			case escaped == at:
				at, more = plain, plain != at
			case plain == at:
				at = escaped
			case seen[at]:
				more = false
			default:
				if seen == nil {
					seen = make(map[spot]bool)
				}
				seen[at] = true
				todo = append(todo, plain)
				at = escaped
			}
		}
	}
	return longest
}

// found returns how many bytes of the text are to be hidden when the secret was found so far; 0 for none.
func (at spot) found(secret, text string) int {
	switch {
	case at.secret < leastSecret:
		return 0
	case at.secret == len(secret):
		return at.text
	}
	rest := text[at.text:]
	if rest != "" && strings.IndexByte(cutStarts, rest[0]) < 0 {
		return 0
	}
	if mark := cutMark.FindStringSubmatchIndex(rest); mark != nil {
		return at.text + mark[3]
	}
	return 0
}

// cutStarts are the bytes with which cutMark can begin; the last is the first of an ellipsis.
const cutStarts = "%\\&\"x\xe2"

// cutMark is where a text was cut, after what is left of an escape: its end, an ellipsis, also behind a quotation mark, or
// what stands for the value of a query in a URL.
var cutMark = regexp.MustCompile(`^(\\{0,2}[%\\&][0-9A-Za-z#]{0,8}?|)("?` + ellipsis + `|xxx|$)`)

// next returns where the next character of a secret ends when the text there is read as an escape and when it is read
// as it is; where it cannot be, at itself.
func (at spot) next(secret, text string) (escaped, plain spot) {
	escaped, plain = at, at
	if at.secret == len(secret) || at.text == len(text) {
		return escaped, plain
	}
	decoded, width := unescape(text[at.text:])
	if decoded == `\` && secret[at.secret] != '\\' {
		decoded, width = unescapeTwice(text[at.text:])
	}
	if width > 0 && strings.HasPrefix(secret[at.secret:], decoded) {
		escaped = spot{at.secret + len(decoded), at.text + width}
	}
	if secret[at.secret] == text[at.text] {
		plain = spot{at.secret + 1, at.text + 1}
	}
	return escaped, plain
}

// unescapeTwice decodes an escape that was escaped itself, as those of JSON are in details that quote a body.
func unescapeTwice(text string) (decoded string, width int) {
	const longestEscape = len(`\u002f`)
	var inner strings.Builder
	var ends [longestEscape + 1]int // in text, by how much of inner is decoded
	for end := 0; end < len(text) && inner.Len() < longestEscape; {
		c, n := text[end:end+1], 1
		if c == `\` {
			if c, n = unescape(text[end:]); len(c) != 1 {
				break
			}
		}
		inner.WriteString(c)
		end += n
		ends[inner.Len()] = end
	}
	if inner.Len() == 0 {
		return "", 0
	}
	decoded, width = unescape(inner.String())
	return decoded, ends[width]
}

// unescape decodes the escape with which a text begins, and returns how many bytes it has; 0 when there is none.
func unescape(text string) (decoded string, width int) {
	const longestEntity = len("&#x10FFFF;")
	switch text[0] {
	case '+':
		return " ", 1
	case '%':
		if len(text) >= 3 {
			if b, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
				return string([]byte{byte(b)}), 3
			}
		}
	case '\\':
		if len(text) >= 2 && strings.IndexByte(`"'/`, text[1]) >= 0 {
			return text[1:2], 2
		}
		if r, multibyte, tail, err := strconv.UnquoteChar(text, 0); err == nil {
			if !multibyte {
				return string([]byte{byte(r)}), len(text) - len(tail)
			}
			return string(r), len(text) - len(tail)
		}
	case '&':
		if end := strings.IndexByte(text[:min(len(text), longestEntity)], ';'); end > 0 {
			if decoded = html.UnescapeString(text[:end+1]); decoded != text[:end+1] {
				return decoded, end + 1
			}
		}
	}
	return "", 0
}
