package browser

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of a configuration.
const (
	maxRuns   = 5
	maxCPU    = 4
	leastTime = 10 * time.Second // of one run: five for the page to show what it does late, the rest to load and to look at it
	forStep   = time.Second      // that a step is expected to take
)

// plan is what a prober does, checked and ready. It is immutable.
type plan struct {
	url       string
	device    profile
	devTools  bool // whether the browser slows the network down, instead of the proxy
	cpu       float64
	runs      int
	warm      bool
	steps     []step
	secretive bool // whether steps type a secret
	expect    *rules
	approved  []string // nil: not judged
	budget    Budget
	block     []string
	resolver  string
	private   bool // whether private addresses are allowed
	product   string
	timeout   time.Duration
	redaction probe.Redaction
}

// compile checks a configuration and returns what to do. All mistakes are reported at once.
func (c *Config) compile(setup probe.Setup) (*plan, error) {
	target, errURL := c.target()
	device, errDevice := c.device()
	steps, secrets, errSteps := compileSteps(c.Steps)
	expect, errExpect := c.Expect.compile()
	approved, errApproved := hosts("approved_domains", c.ApprovedDomains)
	block, errBlock := hosts("block_hosts", c.BlockHosts)
	err := errors.Join(errURL, errDevice, c.numbers(setup.Timeout), c.resolverMistake(), errSteps, errExpect, errApproved, errBlock,
		c.Budget.mistakes())
	if err != nil {
		return nil, err
	}
	return &plan{
		url:       target.String(),
		device:    device,
		devTools:  c.Compat == lighthouse,
		cpu:       c.CPU,
		runs:      c.Runs,
		warm:      c.Warm,
		steps:     steps,
		secretive: len(secrets) > 0,
		expect:    expect,
		approved:  approved,
		budget:    c.Budget,
		block:     block,
		resolver:  c.Resolver,
		private:   c.AllowPrivate,
		product:   setup.UserAgent,
		timeout:   setup.Timeout,
		redaction: probe.NewRedaction(spellings(secrets)...),
	}, nil
}

func (c *Config) target() (*url.URL, error) {
	if c.URL == "" {
		return nil, probe.Fieldf("url", "missing, want https://host/path")
	}
	target, err := httpx.ParseURL(c.URL)
	switch {
	case err != nil:
		return nil, probe.Fieldf("url", "%w", err)
	case target.User != nil:
		return nil, probe.Fieldf("url", "holds credentials, want an address without; steps can type them")
	}
	return target, nil
}

func (c *Config) device() (profile, error) {
	device, ok := profileNamed(c.Profile)
	var errProfile, errCompat error
	if !ok {
		errProfile = probe.Fieldf("profile", "%q, want %s, %s, %s or %s", c.Profile, desktop, mobile, mobileSlow, native)
	}
	if c.Compat != "" && c.Compat != lighthouse {
		errCompat = probe.Fieldf("compat", "%q, want %s or nothing", c.Compat, lighthouse)
	}
	return device, errors.Join(errProfile, errCompat)
}

func (c *Config) numbers(timeout time.Duration) error {
	var errs []error
	if c.CPU < 1 || c.CPU > maxCPU {
		errs = append(errs, probe.Fieldf("cpu", "%g, want 1 to %d", c.CPU, maxCPU))
	}
	switch need := time.Duration(c.Runs) * leastTime; {
	case c.Runs < 1 || c.Runs > maxRuns || c.Runs%2 == 0:
		errs = append(errs, probe.Fieldf("runs", "%d, want 1, 3 or 5: the median is one of them", c.Runs))
	case timeout < need:
		errs = append(errs, probe.Fieldf("runs", "%d within the touchpoint's timeout of %v, want a timeout of at least %v", c.Runs, timeout, need))
	}
	return errors.Join(errs...)
}

func (c *Config) resolverMistake() error {
	if c.Resolver == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(c.Resolver)
	if n, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || n == 0 || host == "" {
		return probe.Fieldf("resolver", "%q, want host:port", c.Resolver)
	}
	return nil
}

// hosts reads a list of hosts. It is nil only when the list is.
func hosts(field string, list []string) ([]string, error) {
	var read []string
	var errs []error
	for i, text := range list {
		host, err := httpkind.ParseHost(text)
		if err != nil {
			errs = append(errs, probe.Fieldf(fmt.Sprintf("%s[%d]", field, i), "%q: %w", text, err))
			continue
		}
		read = append(read, host)
	}
	return read, errors.Join(errs...)
}

func (b *Budget) mistakes() error {
	return errors.Join(
		least("budget.bytes", b.Bytes, 1),
		least("budget.requests", b.Requests, 1),
		least("budget.third_party_sites", b.ThirdPartySites, 0),
		least("budget.js_errors", b.JSErrors, 0),
	)
}

// least returns the mistake of a number that is set and too small.
func least[N int | int64](field string, n *N, want N) error {
	if n != nil && *n < want {
		return probe.Fieldf(field, "%d, want %d or more", *n, want)
	}
	return nil
}

// profile says what results of the plan can have. A redirect or a step can lead to a name and to TLS when the URL has
// neither.
func (p *plan) profile() probe.Profile {
	target, err := url.Parse(p.url)
	if err != nil {
		return probe.Profile{} // it was written by package url
	}
	profile := probe.Profile{
		Target: httpkind.HostPort(target),
		URL:    httpx.RedactURL(target),
		Phases: []probe.Phase{
			probe.Resolve, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Discover, probe.Load, probe.Render,
		},
		Takes: p.takes(),
	}
	if _, err := netip.ParseAddr(strings.Trim(target.Hostname(), "[]")); err == nil {
		profile.Phases = profile.Phases[1:]
	}
	for _, metric := range metrics() {
		if metric.Name != webVitalSpread || p.runs > 1 {
			profile.Metrics = append(profile.Metrics, metric.Name)
		}
	}
	return profile
}

// takes estimates how long a probe takes.
func (p *plan) takes() time.Duration {
	loads := 1
	if p.warm {
		loads = 2
	}
	return time.Duration(p.runs) * (time.Duration(loads)*p.device.expected + time.Duration(len(p.steps))*forStep)
}
