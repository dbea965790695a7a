package apns

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// The words of the configuration.
const (
	canary     = "canary"
	acceptance = "acceptance"

	production = "production"
	sandbox    = "sandbox"

	alert      = "alert"
	background = "background"
)

// Intervals below which a probe would harm: every alert is a notification on the device, and Apple limits background
// messages to two or three an hour.
const (
	alertFloor      = 5 * time.Minute
	backgroundFloor = 30 * time.Minute
)

const (
	defaultDeadline = 30 * time.Second // what a phone that saves power may take, see limits
	maxCollapseID   = 64               // bytes; Apple: sending notification requests to APNs
	maxTopic        = 255              // bytes; no bundle id comes near
	bodyLimit       = 64 << 10         // bytes; answers have a reason and a timestamp
)

// settings is a validated Config. It is immutable.
type settings struct {
	credential
	base        string // URL without a slash at its end
	host        string // host:port
	tls         bool
	topic       string
	environment string
	device      string    // token of the device
	deviceFile  string    // of device
	refreshed   time.Time // when it was written, as it was read
	pushType    string
	priority    int
	collapseID  string
	receipts    string // where the device confirms messages; empty in the mode acceptance
	every       time.Duration
	times       push.Times
}

func build(c Config, setup probe.Setup, receipts *ledger.Ledger) (probe.Built, error) {
	s, client, err := c.validate(setup)
	if err != nil {
		return probe.Built{}, err
	}
	watched := c.Mode == canary
	profile := probe.Profile{
		Target: s.host, URL: s.base, Phases: []probe.Phase{probe.Accept}, Metrics: names(watched), TLS: s.tls, Receipts: watched, Waits: true,
	}
	if watched {
		profile.Phases = append(profile.Phases, probe.Deliver)
	} else {
		profile.Limits = acceptanceLimits()
	}
	if s.tls {
		profile.Metrics = append(profile.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return probe.Built{Prober: &prober{settings: s, client: client, receipts: receipts.Account()}, Profile: profile}, nil
}

// validate returns all mistakes at once.
func (c Config) validate(setup probe.Setup) (settings, *httpx.Client, error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	s := settings{topic: c.Topic, deviceFile: c.DeviceTokenFile, environment: c.Environment, pushType: c.PushType, collapseID: c.CollapseID, every: setup.Every}
	var err error
	s.credential, err = c.readCredential()
	check(err)
	s.device, s.refreshed, err = readDevice(c.DeviceTokenFile)
	check(err)
	check(c.checkWords())
	check(c.checkMessage())
	s.priority, err = c.priority()
	check(err)
	check(c.checkInterval(setup.Every))
	s.times, err = c.times(setup.Timeout)
	check(err)
	if c.Mode == canary {
		s.receipts = setup.Receipts
		if s.receipts == "" {
			check(probe.Fieldf("mode", "canary without receipts, want receipts.listen and receipts.public_url in the configuration"))
		}
	}
	target, err := c.target()
	check(err)
	if err := errors.Join(errs...); err != nil {
		return settings{}, nil, err
	}
	s.base, s.host, s.tls = target.Scheme+"://"+target.Host, push.HostPort(target), target.Scheme == "https"
	client, err := httpx.New(httpx.Options{
		UserAgent: setup.UserAgent, BodyLimit: bodyLimit, TLS: httpx.TLSOptions{CAFile: c.TLS.CAFile}, Protocols: []string{httpx.HTTP2},
	})
	if err != nil {
		return settings{}, nil, probe.Fieldf("tls.ca_file", "%w", err) // all else that the client could dislike is fixed
	}
	return s, client, nil
}

// checkWords checks what stands in closed lists.
func (c Config) checkWords() error {
	var errs []error
	for _, word := range []struct {
		field, got string
		want       []string
	}{
		{"mode", c.Mode, []string{canary, acceptance}},
		{"environment", c.Environment, []string{production, sandbox}},
		{"push_type", c.PushType, []string{alert, background}},
	} {
		if !slices.Contains(word.want, word.got) {
			errs = append(errs, probe.Fieldf(word.field, "got %q, want %s", word.got, strings.Join(word.want, " or ")))
		}
	}
	return errors.Join(errs...)
}

// checkMessage checks what is sent as header fields.
func (c Config) checkMessage() error {
	var errs []error
	bundle := regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`)
	switch {
	case c.Topic == "":
		errs = append(errs, probe.Fieldf("topic", "missing, want the bundle id of the app"))
	case !bundle.MatchString(c.Topic) || len(c.Topic) > maxTopic:
		errs = append(errs, probe.Fieldf("topic", "got %q, want a bundle id: letters, digits, hyphens and dots", probe.Clip(c.Topic, maxTopic)))
	}
	if len(c.CollapseID) > maxCollapseID {
		errs = append(errs, probe.Fieldf("collapse_id", "has %d bytes, want at most %d", len(c.CollapseID), maxCollapseID))
	}
	if strings.ContainsFunc(c.CollapseID, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, probe.Fieldf("collapse_id", "got %q, want printable ASCII", c.CollapseID))
	}
	return errors.Join(errs...)
}

// priority returns the priority with the default of the push type.
func (c Config) priority() (int, error) {
	const atOnce, sparing = 10, 5
	switch {
	case c.Priority == 0 && c.PushType == background:
		return sparing, nil
	case c.Priority == 0:
		return atOnce, nil
	case c.Priority == atOnce && c.PushType == background:
		return 0, probe.Fieldf("priority", "got 10, want 5 or 1: Apple refuses background messages with 10")
	case !slices.Contains([]int{atOnce, sparing, 1}, c.Priority):
		return 0, probe.Fieldf("priority", "got %d, want 10, 5 or 1", c.Priority)
	}
	return c.Priority, nil
}

func (c Config) checkInterval(every time.Duration) error {
	if c.PushType == background && every < backgroundFloor {
		return probe.Fieldf("every", "got %v, want at least %v: Apple lets an app have two or three background messages an hour", every, backgroundFloor)
	}
	return nil
}

// times returns deadline and window with the defaults of this kind.
func (c Config) times(timeout time.Duration) (push.Times, error) {
	times := push.Times{Deadline: c.Deadline, Window: c.Window}
	if c.Mode != canary && c.Deadline != 0 {
		return times, probe.Fieldf("deadline", "got %v, want none: in the mode acceptance nobody sees a message arrive", c.Deadline)
	}
	if times.Deadline == 0 {
		times.Deadline = min(defaultDeadline, cmp.Or(c.Window, timeout*4/5))
	}
	return times.Within(timeout)
}

// target returns the URL of the service, without a path.
func (c Config) target() (*url.URL, error) {
	raw := c.BaseURL
	switch {
	case raw != "":
	case c.Environment == sandbox:
		raw = "https://api.sandbox.push.apple.com"
	default:
		raw = "https://api.push.apple.com"
	}
	u, err := push.ParseProvider("base_url", raw)
	switch {
	case err != nil:
		return nil, err
	case strings.Trim(u.Path, "/") != "":
		return nil, probe.Fieldf("base_url", "has a path, want https://host")
	case u.Scheme == "http" && c.TLS.CAFile != "":
		return nil, probe.Fieldf("tls.ca_file", "set for a URL without TLS, want https://")
	}
	return u, nil
}
