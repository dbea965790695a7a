package probe

import "strings"

// ellipsis marks where a text was cut.
const ellipsis = "…"

// Clip cuts a foreign text after limit bytes, at the end of a character, marks the cut with an ellipsis, and drops what
// is not UTF-8. Redaction knows the mark, and hides the half of a secret in front of it.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return strings.ToValidUTF8(text, "")
	}
	return strings.ToValidUTF8(text[:limit], "") + ellipsis
}
