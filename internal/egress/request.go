package egress

import (
	"strings"
)

// request is what a browser asks of a proxy.
type request struct {
	head
	framing
	method  string
	version string
	target  target
	path    string // origin form; empty when a tunnel is wanted
	upgrade bool   // whether the connection may turn into something else
}

// parseRequest reads the head of a request in absolute form, or of one for a tunnel (RFC 9112 section 3.2).
func parseRequest(raw []byte) (request, error) {
	r := request{head: parseHead(raw)}
	words := strings.Split(r.start, " ")
	if r.odd || len(words) != 3 || !isToken(words[0]) || words[2] != "HTTP/1.1" && words[2] != "HTTP/1.0" {
		return r, errMalformed
	}
	r.method, r.version = words[0], words[2]
	if r.method == "CONNECT" {
		to, ok := parseTarget(words[1], 0)
		if r.target = to; !ok {
			return r, errMalformed
		}
		return r, nil
	}
	authority, path, ok := cutAbsolute(words[1])
	to, valid := parseTarget(authority, 80)
	if !ok || !valid {
		return r, errMalformed
	}
	r.target, r.path = to, path
	if r.method == "OPTIONS" && path == "" {
		r.path = "*"
	}
	if host, found := r.get("Host"); found {
		if named, ok := parseTarget(host, 80); !ok || named != to {
			return r, errMalformed // it would be two requests in one
		}
	}
	var err error
	r.framing, err = r.requestFraming()
	r.upgrade = r.has("Connection", "upgrade")
	return r, err
}

// cutAbsolute takes "http://authority/path" apart.
func cutAbsolute(uri string) (authority, path string, ok bool) {
	if len(uri) < len("http://") || !strings.EqualFold(uri[:len("http://")], "http://") {
		return "", "", false
	}
	authority = uri[len("http://"):]
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority, path = authority[:end], authority[end:]
	}
	if strings.HasPrefix(path, "?") {
		path = "/" + path
	}
	return authority, path, !strings.ContainsAny(path, "#")
}

// appendDirect appends the head as the browser would have sent it without a proxy.
func (r *request) appendDirect(b []byte) []byte {
	path := r.path
	if path == "" {
		path = "/"
	}
	b = append(b, r.method+" "+path+" "+r.version+"\r\n"...)
	_, direct := r.get("Connection")
	for i := range r.fields {
		switch f := &r.fields[i]; {
		case strings.EqualFold(f.name, "Proxy-Connection"):
			if !direct {
				b = append(b, f.line[len("Proxy-"):]...)
			}
		case len(f.name) >= 6 && strings.EqualFold(f.name[:6], "Proxy-"):
		default:
			b = append(b, f.line...)
		}
	}
	return append(b, "\r\n"...)
}
