package tcp

import (
	"errors"
	"net/netip"
	"regexp"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxSend bounds what is sent: it goes out in one piece before anything is read.
const maxSend = 4 << 10

// build reports all mistakes at once.
func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	p := &prober{send: c.Send}
	var err error
	if p.to, err = httpx.ParseEndpoint(c.Address, 0); err != nil {
		wrong("address", "%w", err)
	}
	compile := func(field, text string) *regexp.Regexp {
		if text == "" {
			return nil
		}
		expression, err := regexp.Compile(text)
		if err != nil {
			wrong(field, "%w", err)
		}
		return expression
	}
	p.banner, p.expect = compile("banner", c.Banner), compile("expect", c.Expect)
	if len(c.Send) > maxSend {
		wrong("send", "has %d bytes, want at most %d", len(c.Send), maxSend)
	}
	if c.Expect != "" && c.Send == "" {
		wrong("expect", "is for the answer to send, which is missing; want banner for what the server says first")
	}
	if p.client, err = clients.New(httpx.Options{Timeout: setup.Timeout, Resolver: c.Resolver}); err != nil {
		wrong("resolver", "%w", err)
	}
	if err := errors.Join(errs...); err != nil {
		return probe.Built{}, err
	}
	p.url = "tcp://" + p.to.String()
	return probe.Built{Prober: p, Profile: probe.Profile{Target: p.to.String(), URL: p.url, Phases: p.phases()}}, nil
}

func (p *prober) phases() []probe.Phase {
	var phases []probe.Phase
	if _, err := netip.ParseAddr(p.to.Host); err != nil {
		phases = append(phases, probe.Resolve)
	}
	phases = append(phases, probe.Connect)
	if p.send != "" {
		phases = append(phases, probe.Send)
	}
	if p.banner != nil || p.expect != nil {
		phases = append(phases, probe.Wait, probe.Receive)
	}
	return phases
}
