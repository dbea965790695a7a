package receipts

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"regexp"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	defaultDeadline = 30 * time.Second // what is good for a phone that has to wake up
	defaultWindow   = 5 * time.Minute  // in which a phone that is on and online wakes up
	defaultShare    = 0.95
	leastShare      = 0.5 // with less, most of the customers could be let down by a good result
	leastToken      = 16  // characters
)

// settings is a validated Config. It is immutable.
type settings struct {
	mode     string
	token    string
	deadline time.Duration
	window   time.Duration
	share    float64
	least    int
	expect   time.Duration
	every    time.Duration
}

func build(c Config, setup probe.Setup, book *ledger.Ledger) (probe.Built, error) {
	s, target, err := c.check(setup)
	if err != nil {
		return probe.Built{}, err
	}
	if s.mode == byHeartbeat {
		pulse := book.OpenPulse(s.token, s.expect)
		return probe.Built{
			Prober: &heartbeats{settings: s, pulse: pulse},
			Profile: probe.Profile{
				Target: target, URL: setup.Receipts + "/v1/heartbeat", Metrics: heartbeatNames(), Receipts: true, Passive: true,
				// The time that is rated is that since the last heartbeat.
				Limits: probe.Limits{Excellent: s.expect, Good: s.expect + s.expect/2, Fair: 2 * s.expect},
			},
			Close: pulse.Close,
		}, nil
	}
	messages := book.OpenBook(s.token, s.window)
	return probe.Built{
		Prober: &prober{settings: s, book: messages},
		Profile: probe.Profile{
			Target: target, URL: setup.Receipts + "/v1/sent", Metrics: messageNames(), Receipts: true, Passive: true,
			Phases: []probe.Phase{probe.Deliver},
		},
		Close: messages.Close,
	}, nil
}

// check returns the settings and the host:port where receipts arrive, or all mistakes at once.
func (c Config) check(setup probe.Setup) (s settings, target string, err error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	s = settings{mode: c.Mode, every: setup.Every, least: c.Least, expect: c.Expect}
	s.token, err = c.readToken()
	check(err)
	target, err = targetOf(setup.Receipts)
	check(err)
	switch c.Mode {
	case byMessage:
		check(c.checkMessages(&s))
	case byHeartbeat:
		check(c.checkHeartbeats())
	default:
		check(probe.Fieldf("mode", "got %q, want %s or %s", c.Mode, byMessage, byHeartbeat))
	}
	return s, target, errors.Join(errs...)
}

// readToken returns the token that the sender shows, in characters that an Authorization header can hold (RFC 6750,
// section 2.1).
func (c Config) readToken() (string, error) {
	if c.Token.IsZero() {
		return "", probe.Fieldf("token", "missing, want {file: …} or {env: …} with what the sender shows")
	}
	if err := push.CheckPrivate("token", c.Token.File); err != nil {
		return "", err
	}
	token, err := c.Token.Read()
	if err != nil {
		return "", probe.Fieldf("token", "%w", err)
	}
	if len(token) < leastToken {
		return "", probe.Fieldf("token", "has %d characters, want at least %d that nobody can guess", len(token), leastToken)
	}
	if fits, err := regexp.MatchString(`^[A-Za-z0-9._~+/-]+=*$`, token); err != nil || !fits {
		return "", probe.Fieldf("token", "has other characters than an Authorization: Bearer header can hold, want letters, digits and -._~+/")
	}
	return token, nil
}

// targetOf returns the host:port of the address for receipts.
func targetOf(receipts string) (string, error) {
	u, err := url.Parse(receipts)
	if receipts == "" || err != nil || u.Hostname() == "" {
		return "", probe.Fieldf("mode", "receipts need somebody who listens, want receipts.listen and receipts.public_url in the configuration")
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")), nil
}

// checkMessages fills in the defaults of the mode receipts.
func (c Config) checkMessages(s *settings) error {
	s.window = cmp.Or(c.Window, defaultWindow)
	s.deadline = cmp.Or(c.Deadline, min(defaultDeadline, s.window))
	s.share = cmp.Or(c.Share, defaultShare)
	var errs []error
	switch {
	case s.window < time.Second:
		errs = append(errs, probe.Fieldf("window", "got %v, want at least 1s", s.window))
	case s.deadline < 0 || s.deadline > s.window:
		errs = append(errs, probe.Fieldf("deadline", "%v is not between 0 and the window of %v", s.deadline, s.window))
	}
	if !(s.share >= leastShare && s.share <= 1) { // not a number is neither
		errs = append(errs, probe.Fieldf("share", "got %v, want %v to 1", s.share, leastShare))
	}
	if c.Least < 0 {
		errs = append(errs, probe.Fieldf("least", "got %d, want 0 or more", c.Least))
	}
	if c.Expect != 0 {
		errs = append(errs, probe.Fieldf("expect", "is of the mode %s, want it left out", byHeartbeat))
	}
	return errors.Join(errs...)
}

// checkHeartbeats checks what the mode heartbeat wants.
func (c Config) checkHeartbeats() error {
	var errs []error
	for _, other := range []struct {
		field string
		set   bool
	}{{"deadline", c.Deadline != 0}, {"window", c.Window != 0}, {"share", c.Share != 0}, {"least", c.Least != 0}} {
		if other.set {
			errs = append(errs, probe.Fieldf(other.field, "is of the mode %s, want it left out", byMessage))
		}
	}
	switch {
	case c.Expect == 0:
		errs = append(errs, probe.Fieldf("expect", "missing, want how long after the last heartbeat the next one comes at the latest"))
	case c.Expect < time.Second:
		errs = append(errs, probe.Fieldf("expect", "got %v, want at least 1s", c.Expect))
	}
	return errors.Join(errs...)
}
