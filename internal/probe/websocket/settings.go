package websocket

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// placeSecret is where the secret goes.
const placeSecret = "{{secret}}"

// Bounds of what operators write, in bytes.
const (
	maxSend   = 64 << 10
	maxExpect = 20 // texts
)

// settings is a validated Config. It is immutable.
type settings struct {
	client      *httpx.Client
	url         string // http or https; holds the secret
	header      http.Header
	subprotocol string
	ping        bool
	send        string
	expect      []string
	asserts     *assert.Assertions
	awaits      bool // a message is waited for
	maxMessage  int64
	redaction   probe.Redaction
	timeout     time.Duration // of a whole probe
}

func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	v := validation{Config: c, setup: setup}
	v.validate(clients)
	if err := errors.Join(v.errs...); err != nil {
		return probe.Built{}, err
	}
	return probe.Built{Prober: &prober{v.s}, Profile: v.profile()}, nil
}

// validation turns a Config into settings and collects all mistakes.
type validation struct {
	Config
	setup  probe.Setup
	s      settings
	target *url.URL // http or https, with {{secret}} in place; nil when it is a mistake
	hidden []string
	errs   []error
}

func (v *validation) check(err error) {
	if err != nil {
		v.errs = append(v.errs, err)
	}
}

func (v *validation) wrong(field, format string, args ...any) {
	v.check(probe.Fieldf(field, format, args...))
}

func (v *validation) validate(clients *httpx.Common) {
	v.s = settings{
		subprotocol: v.Subprotocol, ping: v.Ping, expect: v.Expect, maxMessage: v.MaxMessage, timeout: v.setup.Timeout,
		awaits: len(v.Expect)+len(v.Assert) > 0,
	}
	secret := v.read("secret", v.Secret)
	if uses := strings.Contains(v.URL+v.Send, placeSecret); uses != !v.Secret.IsZero() {
		v.wrong("secret", "it and %s in url or send need each other", placeSecret)
	}
	v.address(secret)
	v.headers()
	v.messages(secret)
	if v.Resolver != "" && !isHostPort(v.Resolver) {
		v.wrong("resolver", "%q, want host:port", v.Resolver)
		v.Resolver = ""
	}
	client, err := clients.New(httpx.Options{
		UserAgent: v.setup.UserAgent, Timeout: v.setup.Timeout, BodyLimit: maxAnswer, Resolver: v.Resolver,
		TLS: httpx.TLSOptions{
			CAFile: v.TLS.CAFile, CertFile: v.TLS.CertFile, KeyFile: v.TLS.KeyFile, ServerName: v.TLS.ServerName,
		},
	})
	if err != nil {
		v.wrong("tls", "%w", err) // all else that the client could dislike was left out
	}
	v.s.client = client
	v.s.redaction = probe.NewRedaction(v.hidden...)
}

// maxAnswer bounds what is read of an answer that is no upgrade, in bytes.
const maxAnswer = 1 << 20

// read returns a secret that nobody may see from now on, or nothing when there is none.
func (v *validation) read(field string, secret probe.Secret) string {
	if secret.IsZero() {
		return ""
	}
	text, err := secret.Read()
	if err != nil {
		v.wrong(field, "%w", err)
	}
	v.hidden = append(v.hidden, text)
	return text
}

// address reads the URL. What is wrong is said without it, because it may hold a password.
func (v *validation) address(secret string) {
	const want = "want wss://host/path or ws://host/path"
	u, err := url.Parse(v.URL)
	switch {
	case v.URL == "":
		v.wrong("url", "missing, %s", want)
	case err != nil:
		v.wrong("url", "not a URL, %s", want)
	case u.User != nil:
		v.wrong("url", "holds credentials, want them in secret_headers as Authorization")
	case u.Scheme != "ws" && u.Scheme != "wss":
		v.wrong("url", "scheme is %q, %s", u.Scheme, want)
	case u.Fragment != "":
		v.wrong("url", "has a fragment, %s", want)
	default:
		v.complete(u, secret)
	}
}

// complete puts the secret into the URL. The schemes of HTTP and WebSocket are the same but for their names.
func (v *validation) complete(u *url.URL, secret string) {
	escaped := strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")
	v.s.url = "http" + strings.TrimPrefix(strings.NewReplacer(placeSecret, escaped, url.PathEscape(placeSecret), escaped).Replace(u.String()), "ws")
	for _, values := range u.Query() {
		v.hidden = append(v.hidden, values...) // values of queries are secrets by custom
	}
	if _, err := httpx.ParseURL(v.s.url); err != nil {
		// What is wrong with it would show parts of it.
		v.wrong("url", "cannot be asked for, want a host name and a port of 1 to 65535")
		return
	}
	v.target = u
}

// headers fills in what goes with the upgrade.
func (v *validation) headers() {
	v.s.header = make(http.Header)
	set := func(field, name, value string) {
		switch err := httpx.ValidateHeader(http.Header{name: {value}}); {
		case strings.HasPrefix(http.CanonicalHeaderKey(name), "Sec-Websocket-"):
			v.wrong(field, "belongs to the handshake and is set by the client")
		case err != nil:
			v.wrong(field, "%w", err)
		case v.s.header.Get(name) != "":
			v.wrong(field, "is set twice, want one value")
		default:
			v.s.header.Set(name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Headers)) {
		field := fieldOf("headers", name)
		if slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization"}, http.CanonicalHeaderKey(name)) {
			v.wrong(field, "is a credential, want it in secret_headers as {file: …} or {env: …}")
			continue
		}
		set(field, name, v.Headers[name])
	}
	for _, name := range slices.Sorted(maps.Keys(v.SecretHeaders)) {
		field := fieldOf("secret_headers", name)
		set(field, name, v.read(field, v.SecretHeaders[name]))
	}
	if v.Subprotocol != "" && !httpguts.ValidHeaderFieldName(v.Subprotocol) {
		v.wrong("subprotocol", "%q, want one word without spaces and commas (RFC 6455, section 4.1)", v.Subprotocol)
	}
}

// fieldOf returns the path of a header's field. A name that is none is quoted, so that a message stays on one line.
func fieldOf(block, name string) string {
	if !httpguts.ValidHeaderFieldName(name) {
		name = strconv.Quote(name)
	}
	return block + "." + name
}

// messages reads what is sent and what is expected.
func (v *validation) messages(secret string) {
	v.s.send = strings.ReplaceAll(v.Send, placeSecret, secret)
	var err error
	v.s.asserts, err = v.Assert.Compile("assert")
	v.check(err)
	if len(v.Send) > maxSend {
		v.wrong("send", "has %d bytes, want at most %d", len(v.Send), maxSend)
	}
	if v.Send != "" && !v.s.awaits {
		v.wrong("send", "is of no use without expect or assert, which say what comes back")
	}
	if len(v.Expect) > maxExpect {
		v.wrong("expect", "has %d texts, want at most %d", len(v.Expect), maxExpect)
	}
	if slices.Contains(v.Expect, "") {
		v.wrong("expect", "has an empty text, want some that the message holds")
	}
	if v.MaxMessage <= 0 {
		v.wrong("max_message", "%d, want 1 byte or more", v.MaxMessage)
	}
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, errPort := strconv.ParseUint(port, 10, 16)
	return err == nil && errPort == nil && n > 0 && host != ""
}

// profile says what results of the touchpoint can have.
func (v *validation) profile() probe.Profile {
	asked := *v.target
	asked.Scheme = "http" + strings.TrimPrefix(asked.Scheme, "ws")
	p := probe.Profile{
		Target: httpkind.HostPort(&asked),
		URL:    strings.ReplaceAll(httpx.RedactURL(v.target), url.PathEscape(placeSecret), probe.Secret{}.String()),
		TLS:    asked.Scheme == "https",
	}
	if _, err := netip.ParseAddr(asked.Hostname()); err != nil {
		p.Phases = append(p.Phases, probe.Resolve)
	}
	p.Phases = append(p.Phases, probe.Connect)
	if p.TLS {
		p.Phases = append(p.Phases, probe.TLS)
		p.Metrics = append(p.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	p.Phases = append(p.Phases, probe.Send, probe.Wait, probe.Receive)
	if v.Ping {
		p.Metrics = append(p.Metrics, pingSeconds)
	}
	if v.s.awaits {
		p.Metrics = append(p.Metrics, answerSeconds)
	}
	return p
}
