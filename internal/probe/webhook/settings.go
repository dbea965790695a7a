package webhook

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	defaultTolerance = 5 * time.Minute // what Standard Webhooks and Stripe recommend
	maxTolerance     = time.Hour
	maxCount         = 10
	maxBody          = 1 << 20 // bytes of an answer to a trigger
	leastKey         = 16      // bytes
)

// settings is a validated Config. It is immutable.
type settings struct {
	trigger *httpkind.ReadyCall
	verifier
	push.Times
	count   int
	timeout time.Duration
	prefix  string // of all markers of this prober
}

// validation turns a Config into settings and collects all mistakes.
type validation struct {
	Config
	settings
	token   string
	secrets []string
	errs    []error
}

func (v *validation) check(err error) {
	if err != nil {
		v.errs = append(v.errs, err)
	}
}

func (v *validation) wrong(field, format string, args ...any) {
	v.check(probe.Fieldf(field, format, args...))
}

func build(c Config, setup probe.Setup, book *ledger.Ledger, clients *httpx.Common) (probe.Built, error) {
	v := &validation{Config: c}
	v.timeout, v.prefix = setup.Timeout, "cw"+rand.Text()[:10]
	v.checkTrigger()
	v.checkToken(setup.Receipts)
	v.checkSignature()
	var err error
	v.Times, err = push.Times{Deadline: c.Deadline, Window: c.Window}.Within(setup.Timeout)
	v.check(err)
	client, err := clients.New(httpx.Options{
		UserAgent: setup.UserAgent, Timeout: setup.Timeout, BodyLimit: maxBody,
		TLS: httpx.TLSOptions{CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName},
	})
	if err != nil {
		v.wrong("tls", "%w", err) // all else that the client could dislike is ours
	}
	if err := errors.Join(v.errs...); err != nil {
		return probe.Built{}, err
	}
	hook := book.OpenHook(v.token, v.prefix)
	return probe.Built{
		Prober: &prober{
			settings: v.settings, client: client, hook: hook, redaction: probe.NewRedaction(v.secrets...), turn: make(chan struct{}, 1),
			past: newPast(),
		},
		Profile: probe.Profile{
			Target:   httpkind.HostPort(v.trigger.Target),
			URL:      httpx.RedactURL(v.trigger.Target),
			Phases:   []probe.Phase{probe.Accept, probe.Deliver},
			Metrics:  names(),
			Receipts: true,
		},
		Close: hook.Close,
	}, nil
}

func (v *validation) checkTrigger() {
	if !v.Writes {
		v.wrong("writes", "false, want true: each probe makes something happen in the other system")
	}
	var err error
	if v.trigger, err = v.Trigger.Compile("trigger", http.MethodPost); err == nil {
		v.secrets = append(v.secrets, v.trigger.Secrets...)
	}
	v.check(err)
	if !v.Trigger.Has() {
		v.wrong("trigger.body", "nothing of the trigger has %s, want it where the webhook repeats it", httpkind.Marker)
	}
	v.count = cmp.Or(v.Count, 1)
	if v.count < 1 || v.count > maxCount {
		v.wrong("count", "%d, want 1 to %d", v.Count, maxCount)
	}
}

// read returns a secret that nobody may see from now on.
func (v *validation) read(field string, secret probe.Secret) (text string, ok bool) {
	v.check(push.CheckPrivate(field, secret.File))
	text, err := secret.Read()
	if err != nil {
		v.wrong(field, "%w", err)
		return "", false
	}
	v.secrets = append(v.secrets, text)
	return text, true
}

func (v *validation) checkToken(receipts string) {
	if receipts == "" {
		v.wrong("token", "webhooks need somebody who listens, want receipts.listen and receipts.public_url in the configuration")
	}
	var ok bool
	if v.token, ok = v.read("token", v.Token); ok && !regexp.MustCompile(`^[A-Za-z0-9._~-]{16,128}$`).MatchString(v.token) {
		v.wrong("token", "want 16 to 128 letters, digits and -._~, as it is the end of an address")
	}
}

func (v *validation) checkSignature() {
	v.scheme, v.tolerance = cmp.Or(v.Scheme, schemeNone), cmp.Or(v.Tolerance, defaultTolerance)
	switch v.scheme {
	case schemeStandard, schemeNone:
		if v.Header != "" {
			v.wrong("header", "is of the schemes %s and %s, want it left out", schemeStripe, schemeGitHub)
		}
	case schemeStripe:
		v.header = cmp.Or(v.Header, "Stripe-Signature")
	case schemeGitHub:
		v.header = cmp.Or(v.Header, "X-Hub-Signature-256")
	default:
		v.wrong("scheme", "%q, want %s, %s, %s or %s", v.Scheme, schemeNone, schemeStandard, schemeStripe, schemeGitHub)
		return
	}
	if v.tolerance < time.Second || v.tolerance > maxTolerance {
		v.wrong("tolerance", "%v, want 1s to %v", v.tolerance, maxTolerance)
	}
	if v.scheme == schemeNone {
		if !v.Secret.IsZero() {
			v.wrong("secret", "without a scheme nothing is verified, want scheme")
		}
		return
	}
	secret, ok := v.read("secret", v.Secret)
	if !ok {
		return
	}
	key, err := decodeKey(v.scheme, secret)
	switch {
	case err != nil:
		v.wrong("secret", "%w", err)
	case len(key) < leastKey:
		v.wrong("secret", "is a key of %d bytes, want at least %d that nobody can guess", len(key), leastKey)
	}
	v.key = key
}
