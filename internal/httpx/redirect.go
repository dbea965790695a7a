package httpx

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// way is the chain of exchanges that one request becomes.
type way struct {
	client   *Client
	req      *Request
	url      *url.URL      // without user info
	user     *url.Userinfo // of the request's URL
	method   string
	bodyless bool // a redirect turned the method into GET
	left     bool // a redirect led to another site, which gets nothing of the request's own header
	trail    trail
	pinned   *pin // nil for none
	followed int
	visited  []visit
	jar      *Jar
}

// visit is what must not come twice: with other cookies the same URL may well lead elsewhere.
type visit struct{ method, url, cookies string }

func (c *Client) newWay(req *Request, target *parsedURL, jar *Jar) *way {
	w := &way{client: c, req: req, url: target.url, user: target.user, method: req.Method, trail: trail{policy: c.opts.Policy}, jar: jar}
	if w.method == "" {
		w.method = http.MethodGet
	}
	if req.FromContent && w.trail.policy != AnyAddress {
		w.trail.policy = ContentURL
	}
	return w
}

// exchange returns the next exchange to make.
func (w *way) exchange() *exchange {
	text, safe := w.client.text(w.url)
	x := &exchange{
		client: w.client,
		url:    w.url,
		text:   text,
		method: w.method,
		header: w.header(),
		trail:  &w.trail,
		follow: w.client.opts.MaxRedirects > 0,
		first:  w.trail.hops == 0,
		quic:   w.url.Scheme == "https" && w.client.opts.byQUIC(),
		pinned: w.pinned,
		record: probe.Exchange{Method: w.method, URL: safe},
	}
	if !w.bodyless {
		x.body = w.req.Body
	}
	return x
}

// header returns the header of the next exchange. It must not be changed: most exchanges share the client's.
func (w *way) header() http.Header {
	own := w.req.Header
	if w.left {
		own = nil
	}
	credentials := w.credentials()
	cookies := w.jar.header(w.url)
	if len(own) == 0 && credentials == "" && cookies == "" {
		return w.client.header
	}
	header := make(http.Header, len(w.client.header)+len(own)+1)
	maps.Copy(header, w.client.header)
	for name, values := range own {
		name = http.CanonicalHeaderKey(name)
		if w.bodyless && strings.HasPrefix(name, "Content-") {
			continue
		}
		header[name] = values
	}
	if credentials != "" && len(header["Authorization"]) == 0 {
		header["Authorization"] = []string{credentials}
	}
	if cookies != "" {
		header["Cookie"] = []string{strings.Join(append(slices.Clone(header["Cookie"]), cookies), "; ")}
	}
	return header
}

// credentials returns the user info of the request's URL as basic authentication (RFC 7617), for its own site only.
func (w *way) credentials() string {
	if w.user == nil || w.left {
		return ""
	}
	password, _ := w.user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(w.user.Username()+":"+password))
}

// isRedirect reports whether a status is one of those that clients follow (RFC 9110 section 15.4).
func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
		return true
	}
	return false
}

// next turns to the target of a redirect. It returns false when the exchange was the last one, and a fault when the
// redirect must not be followed.
func (w *way) next(x *exchange) (bool, error) {
	if !x.follow || !isRedirect(x.status) {
		return false, nil
	}
	target, err := w.target(x)
	if err != nil {
		return false, err
	}
	if w.followed++; w.followed > w.client.opts.MaxRedirects {
		return false, faultf(probe.RedirectLimit, "more than %d redirects, the next to %s",
			w.client.opts.MaxRedirects, shown(target))
	}
	w.visited = append(w.visited, w.visit())
	w.jar.set(w.url, x.respHeader["Set-Cookie"])
	w.rewrite(x.status)
	w.left = w.left || !sameSite(w.url, target)
	w.url = target
	if w.left && !w.bodyless && len(w.req.Body) > 0 {
		return false, faultf(probe.RedirectForbidden, "redirect (status %d) would carry the request body to %s",
			x.status, probe.Clip(target.Host, maxFieldValue))
	}
	if slices.Contains(w.visited, w.visit()) {
		return false, faultf(probe.RedirectLoop, "redirect leads back to %s", shown(target))
	}
	return true, nil
}

func (w *way) visit() visit { return visit{w.method, withoutFragment(w.url), w.jar.header(w.url)} }

// sameSite reports whether two URLs lead to the same service: same host and port, or the same host upgraded from http to
// https, each on its default port.
func sameSite(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	upgraded := from.Scheme == "http" && to.Scheme == "https" && port(from) == 80 && port(to) == 443
	return from.Scheme == to.Scheme && port(from) == port(to) || upgraded
}

// target returns where a redirect leads, when that is allowed.
func (w *way) target(x *exchange) (*url.URL, error) {
	locations := x.respHeader["Location"]
	if len(locations) == 0 || strings.TrimSpace(locations[0]) == "" {
		return nil, faultf(probe.RedirectMalformed, "status %d without a Location", x.status)
	}
	if len(locations) > 1 && slices.ContainsFunc(locations, func(l string) bool { return l != locations[0] }) {
		return nil, faultf(probe.RedirectMalformed, "status %d with %d different Locations, want one", x.status, len(locations))
	}
	target, err := parseLocation(w.url, locations[0])
	if err != nil {
		return nil, faultf(probe.RedirectMalformed, "Location is not a URL")
	}
	target.User = nil // a server does not choose the credentials that we send
	if target, err = ParseURL(target.String()); err != nil {
		return nil, faultf(probe.RedirectMalformed, "Location: %s", probe.Clip(err.Error(), maxFieldValue))
	}
	if target.Fragment == "" {
		target.Fragment = w.url.Fragment
	}
	switch {
	case w.url.Scheme == "https" && target.Scheme == "http" && !w.client.opts.AllowDowngrade:
		return nil, faultf(probe.RedirectDowngrade, "redirect leads from https to %s", shown(target))
	case !w.client.hostAllowed(target.Hostname()):
		return nil, faultf(probe.RedirectForbidden, "redirect leads to %s, want one of %s",
			probe.Clip(target.Hostname(), maxFieldValue), strings.Join(w.client.opts.AllowedHosts, ", "))
	}
	return target, nil
}

// hostAllowed reports whether a redirect may lead to host.
func (c *Client) hostAllowed(host string) bool {
	if len(c.opts.AllowedHosts) == 0 {
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(c.opts.AllowedHosts, func(allowed string) bool {
		if parent, ok := strings.CutPrefix(allowed, "*"); ok {
			return strings.HasSuffix(host, parent) && len(host) > len(parent)
		}
		return host == allowed
	})
}

// rewrite changes method and body as browsers do (Fetch standard, HTTP-redirect fetch).
func (w *way) rewrite(status int) {
	switch {
	case status == http.StatusSeeOther && w.method != http.MethodHead && w.method != http.MethodGet,
		(status == http.StatusMovedPermanently || status == http.StatusFound) && w.method == http.MethodPost:
		w.method, w.bodyless = http.MethodGet, true
	}
}

func withoutFragment(u *url.URL) string {
	if u.Fragment == "" {
		return u.String()
	}
	clean := *u
	clean.Fragment, clean.RawFragment = "", ""
	return clean.String()
}
