package browser

import (
	"encoding/base64"
	"strings"
)

// spellings returns secrets, and what pages make of them that is still readable: in capitals as style sheets have them, and
// in base64 as scripts send them, also as the end of a longer text such as user:password.
func spellings(secrets []string) []string {
	var all []string
	for _, secret := range secrets {
		all = append(all, secret, strings.ToUpper(secret), strings.ToLower(secret))
		for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for before := range 3 { // bytes share characters with their neighbours: what is between depends on the place only
				text := alphabet.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
				first, last := (before*8+5)/6, (before+len(secret))*8/6
				all = append(all, text[first:last])
			}
		}
	}
	return all
}
