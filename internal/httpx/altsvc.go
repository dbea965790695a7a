package httpx

import (
	"net"
	"strconv"
	"strings"
)

// authority is where a service says that it is, too.
type authority struct {
	host string // empty: that of the URL
	port uint16
}

// http3Alternative returns where the values of the field Alt-Svc (RFC 7838 section 3) say that HTTP/3 is, the first one.
func http3Alternative(values []string) (authority, bool) {
	for _, value := range values {
		for entry := range splitQuoted(value) {
			protocol, quoted, _ := strings.Cut(entry, "=")
			if strings.TrimSpace(protocol) != HTTP3 {
				continue
			}
			if alternative, ok := parseAuthority(quoted); ok {
				return alternative, true
			}
		}
	}
	return authority{}, false
}

// splitQuoted yields the entries of a list, without their parameters. Separators within quotes are none.
func splitQuoted(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, start, end := false, 0, -1 // end of the entry, before its parameters
		for i := range len(list) + 1 {
			switch {
			case i < len(list) && list[i] == '"':
				quoted = !quoted
			case i < len(list) && (quoted || list[i] != ',' && list[i] != ';'):
			case end < 0:
				end = i
				fallthrough
			default:
				if i < len(list) && list[i] == ';' {
					continue
				}
				if !yield(list[start:end]) {
					return
				}
				start, end = i+1, -1
			}
		}
	}
}

// parseAuthority reads host and port as they stand in quotes.
func parseAuthority(quoted string) (authority, bool) {
	text, ok := strings.CutPrefix(strings.TrimSpace(quoted), `"`)
	text, closed := strings.CutSuffix(text, `"`)
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 16)
	if !ok || !closed || err != nil || errPort != nil || n == 0 || strings.ContainsFunc(host, isNoHostLetter) {
		return authority{}, false
	}
	return authority{host, uint16(n)}, true
}

// isNoHostLetter reports whether a host name or address cannot have a letter.
func isNoHostLetter(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\/@?#%[]`, r) }
