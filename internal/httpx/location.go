package httpx

import (
	"net/url"
	"strings"
)

// parseLocation resolves the value of a Location field as browsers do (WHATWG URL standard). That is more than package
// url takes: it refuses a stray percent sign, control characters and "http:/path".
func parseLocation(base *url.URL, location string) (*url.URL, error) {
	location = strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	location = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(location)
	location, fragment, hasFragment := strings.Cut(location, "#")
	location, query, hasQuery := strings.Cut(location, "?")
	scheme, rest := cutScheme(location)
	if scheme == "" && strings.Contains(strings.SplitN(location, "/", 2)[0], ":") {
		return base.Parse(location) // another scheme, which nobody follows
	}
	rest = strings.ReplaceAll(rest, `\`, "/")
	switch {
	case scheme == "" || strings.HasPrefix(rest, "//"):
	case scheme == base.Scheme:
		scheme = "" // "http:/path" on a page of http is a path
	default:
		rest = "//" + strings.TrimPrefix(rest, "/")
	}
	authority, path := cutAuthority(rest)
	clean := authority + escapeStray(path)
	if scheme != "" {
		clean = scheme + ":" + clean
	}
	if hasQuery {
		clean += "?" + escapeQuery(query)
	}
	if hasFragment {
		clean += "#" + escapeStray(fragment)
	}
	return base.Parse(clean)
}

// cutScheme cuts http or https off a reference.
func cutScheme(reference string) (scheme, rest string) {
	before, after, found := strings.Cut(reference, ":")
	if before = strings.ToLower(before); found && (before == "http" || before == "https") {
		return before, after
	}
	return "", reference
}

// cutAuthority cuts "//host" off a reference without a scheme.
func cutAuthority(reference string) (authority, path string) {
	host, ok := strings.CutPrefix(reference, "//")
	if !ok {
		return "", reference
	}
	if end := strings.IndexByte(host, '/'); end >= 0 {
		return reference[:end+2], host[end:]
	}
	return reference, ""
}

// escapeStray escapes percent signs that escape nothing.
func escapeStray(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var clean strings.Builder
	for i := range len(text) {
		clean.WriteByte(text[i])
		if text[i] == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])) {
			clean.WriteString("25")
		}
	}
	return clean.String()
}

// escapeQuery escapes what must not stand in a request line (WHATWG URL standard, special-query percent-encode set).
func escapeQuery(query string) string {
	const hex = "0123456789ABCDEF"
	var clean strings.Builder
	for i := range len(query) {
		switch c := query[i]; {
		case c <= ' ', c >= 0x7f, strings.IndexByte(`"<>'`, c) >= 0:
			clean.Write([]byte{'%', hex[c>>4], hex[c&0xf]})
		default:
			clean.WriteByte(c)
		}
	}
	return clean.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
