package fcm

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2/jwt"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

const (
	canaryFloor    = 5 * time.Minute // each message wakes a phone: oftener would drain what it is to watch
	canaryWindow   = time.Minute     // the least in which a phone with its screen off can be expected to answer
	canaryDeadline = 30 * time.Second
	bodyLimit      = 64 << 10 // of an answer, in bytes; errors have less than 2 KiB
)

// settings is a validated Config. It is immutable.
type settings struct {
	push.Times
	mode      string
	priority  string
	project   string
	oauth     *jwt.Config
	target    string    // registration token of the device
	file      string    // of target
	refreshed time.Time // when it was written, as it was read
	send      string    // URL of messages
	confirm   string    // URL that ids of receipts are added to; of canaries
	every     time.Duration
	timeout   time.Duration // of a whole probe
}

func build(c Config, setup probe.Setup, receipts *ledger.Ledger) (probe.Built, error) {
	s, base, err := c.check(setup)
	if err != nil {
		return probe.Built{}, err
	}
	client, err := httpx.New(httpx.Options{
		UserAgent: setup.UserAgent,
		Timeout:   setup.Timeout,
		BodyLimit: bodyLimit,
		TLS:       httpx.TLSOptions{CAFile: c.TLS.CAFile},
	})
	if err != nil {
		return probe.Built{}, probe.Fieldf("tls.ca_file", "%w", err) // nothing else of them is the user's
	}
	watched, secure := s.mode == canary, base.Scheme == "https"
	phases := []probe.Phase{probe.Accept}
	if watched {
		phases = append(phases, probe.Deliver)
	}
	return probe.Built{
		Prober: &prober{settings: s, client: client, receipts: receipts.Account()},
		Profile: probe.Profile{
			Waits:    true,
			Target:   push.HostPort(base),
			URL:      s.send,
			Phases:   phases,
			Metrics:  metricNames(watched, secure),
			TLS:      secure,
			Limits:   limitsOf(s.mode),
			Receipts: watched,
		},
	}, nil
}

// check returns the settings and where messages are sent to, or all mistakes at once.
func (c Config) check(setup probe.Setup) (settings, *url.URL, error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	s := settings{
		mode: c.Mode, priority: c.Priority, confirm: setup.Receipts + "/v1/receipts/", every: setup.Every, timeout: setup.Timeout,
	}
	account, err := readCredentials(c.CredentialsFile)
	check(err)
	s.project, s.oauth = account.ProjectID, account.oauth()
	if c.Project != "" && err == nil && c.Project != account.ProjectID {
		check(probe.Fieldf("project", "%q is not the project of the credentials", c.Project))
	}
	s.file = c.TokenFile
	s.target, s.refreshed, err = readTarget(c.TokenFile)
	check(err)
	if c.Priority != normal && c.Priority != high {
		check(probe.Fieldf("priority", "got %q, want %s or %s", c.Priority, normal, high))
	}
	base, err := push.ParseProvider("base_url", c.BaseURL)
	check(err)
	if base != nil {
		s.send = strings.TrimRight(base.String(), "/") + "/v1/projects/" + url.PathEscape(s.project) + "/messages:send"
	}
	check(c.checkMode(setup))
	s.Times, err = c.times(setup.Timeout)
	check(err)
	return s, base, errors.Join(errs...)
}

// checkMode checks what a mode wants of the rest of the configuration.
func (c Config) checkMode(setup probe.Setup) error {
	switch {
	case c.Mode == validate:
		return nil
	case c.Mode != canary:
		return probe.Fieldf("mode", "got %q, want %s or %s", c.Mode, validate, canary)
	case setup.Every < canaryFloor:
		return probe.Fieldf("every", "got %v, want at least %v in mode %s, because each message wakes the phone", setup.Every, canaryFloor, canary)
	case setup.Receipts == "":
		return probe.Fieldf("mode", "%s needs somebody who listens, want receipts.listen and receipts.public_url in the configuration", canary)
	}
	return nil
}

// times fills in the defaults. A phone that is slow to wake has to be told from one that is not reached.
func (c Config) times(timeout time.Duration) (push.Times, error) {
	t, err := push.Times{Deadline: c.Deadline, Window: c.Window}.Within(timeout)
	if err != nil || c.Mode != canary {
		return t, err
	}
	if t.Window < canaryWindow {
		return t, probe.Fieldf("window", "%v is less than the %v that a phone with its screen off may take, want a longer one, or a timeout of 5m and none",
			t.Window, canaryWindow)
	}
	if c.Deadline == 0 {
		t.Deadline = canaryDeadline
	}
	return t, nil
}

// readTarget reads the registration token of a device. What it looks like is not documented; so far it has always been
// of these characters. Nothing of it is in errors.
func readTarget(file string) (string, time.Time, error) {
	data, written, err := push.ReadPrivate("token_file", file)
	if err != nil {
		return "", time.Time{}, err
	}
	token := strings.TrimSpace(string(data))
	if len(token) < 20 || !regexp.MustCompile(`^[A-Za-z0-9:_.%~-]+$`).MatchString(token) {
		return "", time.Time{}, probe.Fieldf("token_file", "%s does not hold one registration token, want that alone, of at least 20 letters and digits", file)
	}
	return token, written, nil
}
