package stream

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// settings is a validated Config. It is immutable.
type settings struct {
	ntfy          bool
	send, receive endpoint
	form          string // in which messages arrive
	subscribe     string // first text of a WebSocket receiver; may be empty
	body          template
	arrives       *template         // nil: anything around the message may arrive
	credential    bool              // requests carry one, or the connection does
	clientCert    *x509.Certificate // that the agent shows; nil when it has none
	redaction     probe.Redaction
	every         time.Duration
	timeout       time.Duration // of a whole probe
	push.Times                  // of the message, since sending
}

// endpoint is one end of the way of a message.
type endpoint struct {
	url    string // http or https, also for WebSocket; holds the secret
	socket bool
	secure bool
	header http.Header
	client *httpx.Client
}

// The forms in which messages arrive.
const (
	formSSE    = "sse"
	formNDJSON = "ndjson"
	formSocket = "websocket"
)

// maxBody bounds what is published, in bytes, with room for what a service puts around it.
const maxBody = 32 << 10

func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	v := validation{Config: c, setup: setup, s: settings{every: setup.Every, timeout: setup.Timeout}}
	v.validate(clients)
	if err := errors.Join(v.errs...); err != nil {
		return probe.Built{}, err
	}
	p := newProber(v.s)
	exported := names()
	if p.credential {
		exported = append(exported, push.CredentialOK)
	}
	if p.clientCert != nil {
		exported = append(exported, push.CredentialExpiry)
	}
	secure := p.send.secure || p.receive.secure
	if secure {
		exported = append(exported, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return probe.Built{
		Prober: p,
		Profile: probe.Profile{
			Waits:   true,
			Target:  httpkind.HostPort(v.target),
			URL:     v.shown,
			Phases:  []probe.Phase{probe.Accept, probe.Deliver},
			Metrics: exported,
			TLS:     secure,
		},
		Close: p.close,
	}, nil
}

// validation turns a Config into settings and collects all mistakes.
type validation struct {
	Config
	setup  probe.Setup
	s      settings
	secret string   // what {{secret}} stands for
	target *url.URL // that messages are published to, http or https; nil when it is a mistake
	shown  string   // the same for people
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

// read returns a secret that nobody may see from now on, or nothing when there is none.
func (v *validation) read(field string, secret probe.Secret) string {
	if secret.IsZero() {
		return ""
	}
	v.check(push.CheckPrivate(field, secret.File))
	text, err := secret.Read()
	if err != nil {
		v.wrong(field, "%w", err)
	}
	v.hidden = append(v.hidden, text)
	return text
}

func (v *validation) validate(clients *httpx.Common) {
	if v.Preset != presetPlain && v.Preset != presetNtfy {
		v.wrong("preset", "%q, want %s or %s", v.Preset, presetPlain, presetNtfy)
	}
	v.s.ntfy = v.Preset == presetNtfy
	v.secret = v.read("secret", v.Secret)
	if uses := strings.Contains(v.URL+v.ReceiveURL+v.Subscribe, placeSecret); uses != !v.Secret.IsZero() {
		v.wrong("secret", "it and %s in url, receive_url or subscribe need each other", placeSecret)
	}
	v.ends()
	v.templates()
	v.headers()
	v.floor()
	var err error
	v.s.Times, err = push.Times{Deadline: v.Deadline, Window: v.Window}.Within(v.setup.Timeout)
	v.check(err)
	v.check(push.CheckPrivate("tls.key_file", v.TLS.KeyFile))
	for _, end := range []*endpoint{&v.s.send, &v.s.receive} {
		if end.client, err = clients.New(v.options()); err != nil {
			v.wrong("tls", "%w", err) // all else that the client could dislike is ours
			break
		}
	}
	v.readClientCert()
	v.s.redaction = probe.NewRedaction(v.hidden...)
}

// readClientCert keeps the certificate that the agent shows. What is wrong with its files, the client has said.
func (v *validation) readClientCert() {
	if v.TLS.CertFile == "" {
		return
	}
	if pair, err := tls.LoadX509KeyPair(v.TLS.CertFile, v.TLS.KeyFile); err == nil {
		v.s.clientCert, v.s.credential = pair.Leaf, true
	}
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

func (v *validation) options() httpx.Options {
	return httpx.Options{
		UserAgent: v.setup.UserAgent, Timeout: v.setup.Timeout, BodyLimit: maxAnswer,
		TLS: httpx.TLSOptions{
			CAFile: v.TLS.CAFile, CertFile: v.TLS.CertFile, KeyFile: v.TLS.KeyFile, ServerName: v.TLS.ServerName,
		},
	}
}

func (v *validation) templates() {
	limit := maxBody
	if v.s.ntfy {
		limit = ntfyMaxBody
	}
	limit -= len(payloadPrefix) + len(newID())
	var ok bool
	if v.s.body, ok = parseTemplate(v.Body); !ok {
		v.wrong("body", "want %s in it, once", placeMessage)
	}
	if n := len(v.Body) - len(placeMessage); n > limit {
		v.wrong("body", "has %d bytes around the message, want at most %d", n, limit)
	}
	switch arrives, ok := parseTemplate(v.Arrives); {
	case v.Arrives == "" && v.s.ntfy:
		v.s.arrives = &v.s.body
	case v.Arrives == "":
	case v.s.ntfy:
		v.wrong("arrives", "is known of ntfy, want none")
	case !ok:
		v.wrong("arrives", "want %s in it, once", placeMessage)
	default:
		v.s.arrives = &arrives
	}
	v.s.subscribe = strings.ReplaceAll(v.Subscribe, placeSecret, v.secret)
	if v.Subscribe != "" && v.s.form != formSocket {
		v.wrong("subscribe", "is sent by WebSocket only, and messages arrive as %s", v.s.form)
	}
}

// floor refuses to ask more of servers of others than they give.
func (v *validation) floor() {
	if v.target == nil {
		return
	}
	host := strings.ToLower(v.target.Hostname())
	switch {
	case (host == publicHost || strings.HasSuffix(host, "."+publicHost)) && v.setup.Every < publicFloor:
		v.wrong("every", "%v, want at least %v: %s takes 250 messages a day", v.setup.Every, publicFloor, publicHost)
	case v.s.ntfy && v.setup.Every < ntfyFloor:
		v.wrong("every", "%v, want at least %v: ntfy gives a visitor one more request every 5s", v.setup.Every, ntfyFloor)
	}
}

// contentType is what the body says of itself.
func (v *validation) contentType() string {
	if !v.s.ntfy && json.Valid([]byte(v.s.body.with("id"))) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}
