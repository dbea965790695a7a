package stream

import (
	"net/url"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// ends reads the addresses of both ends.
func (v *validation) ends() {
	send := v.parse("url", v.URL)
	receive, field := send, "url"
	if v.ReceiveURL != "" {
		receive, field = v.parse("receive_url", v.ReceiveURL), "receive_url"
	}
	if send == nil || receive == nil {
		return
	}
	v.s.form = v.formOf(receive)
	v.s.send.socket = isSocket(send)
	if v.s.ntfy {
		v.checkTopic("url", send)
		v.checkTopic(field, receive)
		receive = receive.JoinPath(map[string]string{formSSE: "sse", formNDJSON: "json", formSocket: "ws"}[v.s.form])
	}
	if isSocket(receive) != (v.s.form == formSocket) && !v.s.ntfy {
		v.wrong("receive", "%s does not go with the scheme of %s, which is %q", v.s.form, field, receive.Scheme)
	}
	v.s.receive.socket = v.s.form == formSocket
	v.target = v.complete("url", &v.s.send, send)
	v.complete(field, &v.s.receive, receive)
	v.shown = strings.ReplaceAll(httpx.RedactURL(send), url.PathEscape(placeSecret), probe.Secret{}.String())
}

// formOf returns how messages arrive.
func (v *validation) formOf(receive *url.URL) string {
	switch {
	case v.Receive != "":
		return v.Receive
	case v.s.ntfy:
		return formNDJSON
	case isSocket(receive):
		return formSocket
	}
	return formSSE
}

func (v *validation) checkTopic(field string, u *url.URL) {
	if isSocket(u) || strings.Trim(u.Path, "/") == "" {
		v.wrong(field, "want the address of a topic of ntfy, such as https://push.example.com/topic")
	}
}

// parse returns an address with {{secret}} still in it, or nil when it is a mistake. What is wrong is said without the
// address, which may hold a password.
func (v *validation) parse(field, raw string) *url.URL {
	const want = "want https://host/path or wss://host/path"
	if raw == "" {
		v.wrong(field, "missing, %s", want)
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		v.wrong(field, "not a URL, %s", want)
	case u.User != nil:
		v.wrong(field, "holds credentials, want them in token, or username and password")
	case u.Scheme != "http" && u.Scheme != "https" && !isSocket(u):
		v.wrong(field, "scheme is %q, %s", u.Scheme, want)
	case u.Hostname() == "":
		v.wrong(field, "no host, %s", want)
	case u.Fragment != "":
		v.wrong(field, "has a fragment, %s", want)
	default:
		return u
	}
	return nil
}

func isSocket(u *url.URL) bool { return u.Scheme == "ws" || u.Scheme == "wss" }

// complete fills in an end whose address is u, and returns the address as HTTP knows it. Values of its query are secrets
// by custom.
func (v *validation) complete(field string, end *endpoint, u *url.URL) *url.URL {
	for _, values := range u.Query() {
		v.hidden = append(v.hidden, values...)
	}
	escaped := strings.ReplaceAll(url.QueryEscape(v.secret), "+", "%20")
	text := strings.NewReplacer(placeSecret, escaped, url.PathEscape(placeSecret), escaped).Replace(u.String())
	if rest, ok := strings.CutPrefix(text, "ws"); ok {
		text = "http" + rest // the schemes of HTTP and WebSocket are the same but for their names
	}
	parsed, err := httpx.ParseURL(text)
	if err != nil {
		// What is wrong with it would show parts of it.
		v.wrong(field, "cannot be asked for, want a host name and a port of 1 to 65535")
		return nil
	}
	end.url, end.secure = text, parsed.Scheme == "https"
	return parsed
}
