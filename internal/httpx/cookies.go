package httpx

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is kept of the cookies that are set on one way. Browsers have the same or wider ones (RFC 6265 section
// 6.1).
const (
	maxCookies     = 50
	maxCookieBytes = 4 << 10 // of name and value
)

// cookie is a cookie as browsers keep it (RFC 6265 section 5.3). Name and value are what the server sent, byte for byte:
// quotes, brackets and braces included.
type cookie struct {
	name, value string
	domain      string // lower case, without a leading dot
	hostOnly    bool   // the domain is the only host that gets it
	path        string
	secure      bool // for https only
	aged        bool // Max-Age came, which overrides Expires
	expired     bool
}

// Jar holds the cookies that were set on one way, or on those of several requests that share it, oldest first. The zero
// value is empty. Only one request at a time may use it.
type Jar struct{ cookies []cookie }

// Value returns the value of a cookie that a request for u would carry; false when there is none of that name.
func (j *Jar) Value(u *url.URL, name string) (string, bool) {
	for _, c := range j.matching(u) {
		if c.name == name {
			return c.value, true
		}
	}
	return "", false
}

// set takes the values of Set-Cookie of a response from u. What a browser would ignore is ignored.
func (j *Jar) set(u *url.URL, values []string) {
	for _, value := range values {
		c, ok := parseCookie(u, value)
		if !ok {
			continue
		}
		at := slices.IndexFunc(j.cookies, func(old cookie) bool {
			return old.name == c.name && old.domain == c.domain && old.hostOnly == c.hostOnly && old.path == c.path
		})
		switch {
		case at >= 0 && c.expired:
			j.cookies = slices.Delete(j.cookies, at, at+1)
		case at >= 0:
			j.cookies[at] = c // it keeps its age
		case !c.expired && len(j.cookies) < maxCookies:
			j.cookies = append(j.cookies, c)
		}
	}
}

// matching returns the cookies of a request for u (RFC 6265 section 5.4): longer paths first, then older cookies first.
func (j *Jar) matching(u *url.URL) []cookie {
	host, path := cookieHost(u), cookiePath(u)
	var matching []cookie
	for _, c := range j.cookies {
		if c.covers(host) && c.below(path) && (!c.secure || u.Scheme == "https") {
			matching = append(matching, c)
		}
	}
	slices.SortStableFunc(matching, func(a, b cookie) int { return len(b.path) - len(a.path) })
	return matching
}

// header returns the value of the Cookie field of a request for u, empty when there is none.
func (j *Jar) header(u *url.URL) string {
	matching := j.matching(u)
	pairs := make([]string, len(matching))
	for i, c := range matching {
		if pairs[i] = c.name + "=" + c.value; c.name == "" {
			pairs[i] = c.value
		}
	}
	return strings.Join(pairs, "; ")
}

// covers reports whether the domain of the cookie matches a host (RFC 6265 section 5.1.3).
func (c *cookie) covers(host string) bool {
	return host == c.domain || !c.hostOnly && strings.HasSuffix(host, "."+c.domain)
}

// below reports whether the path of the cookie matches that of a request (RFC 6265 section 5.1.4).
func (c *cookie) below(path string) bool {
	rest, ok := strings.CutPrefix(path, c.path)
	return ok && (rest == "" || strings.HasSuffix(c.path, "/") || rest[0] == '/')
}

// parseCookie reads one Set-Cookie value (RFC 6265 section 5.2). It returns false for a cookie that browsers refuse:
// one without content, with control characters, over the bound, for a foreign domain, or for https only from http.
func parseCookie(u *url.URL, text string) (cookie, bool) {
	pair, attributes, _ := strings.Cut(text, ";")
	name, value, named := strings.Cut(pair, "=")
	if !named {
		name, value = "", pair // browsers keep a lone word as a value without a name
	}
	name, value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	refused := name == "" && value == "" || len(name)+len(value) > maxCookieBytes || strings.ContainsFunc(name+value, isControl)
	host := cookieHost(u)
	c := cookie{name: name, value: value, domain: host, hostOnly: true, path: defaultPath(u)}
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		c.read(u, strings.ToLower(strings.Trim(key, " \t")), strings.Trim(value, " \t"))
	}
	// A domain of one label is a whole top-level domain; those of more labels would need the list of public suffixes.
	foreign := !c.hostOnly && (!c.covers(host) || isAddress(host) || c.domain != host && !strings.Contains(c.domain, "."))
	return c, !refused && !foreign && (!c.secure || u.Scheme == "https")
}

// read takes one attribute of a cookie that was set by u. The last one of a name counts.
func (c *cookie) read(u *url.URL, key, value string) {
	switch key {
	case "domain":
		domain, host := strings.ToLower(strings.TrimPrefix(value, ".")), cookieHost(u)
		if domain != "" && (domain != host || !isAddress(host)) {
			c.domain, c.hostOnly = domain, false
		}
	case "path":
		if c.path = defaultPath(u); strings.HasPrefix(value, "/") {
			c.path = value
		}
	case "secure":
		c.secure = true
	case "max-age":
		if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
			c.expired, c.aged = seconds <= 0, true
		}
	case "expires":
		if date, ok := parseExpires(value); ok && !c.aged {
			c.expired = date.Before(time.Now())
		}
	}
}

// parseExpires reads a date in the forms that servers write.
func parseExpires(text string) (time.Time, bool) {
	if date, err := http.ParseTime(text); err == nil {
		return date, true
	}
	date, err := time.Parse("Mon, 02-Jan-2006 15:04:05 MST", text) // that of the first cookies, still common
	return date, err == nil
}

func cookieHost(u *url.URL) string {
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

func cookiePath(u *url.URL) string {
	if path := u.EscapedPath(); path != "" {
		return path
	}
	return "/"
}

// defaultPath is the path of a cookie that names none: that of the URL without its last segment.
func defaultPath(u *url.URL) string {
	path := cookiePath(u)
	if end := strings.LastIndexByte(path, '/'); end > 0 {
		return path[:end]
	}
	return "/"
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
