package journey

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// builder builds the probers of all touchpoints.
type builder struct{ opener httpkind.Opener }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	site, errSite := b.opener.Site(c.target(), setup, nil)
	compiler := newCompiler(&c, site)
	steps := compiler.steps("steps", c.Steps)
	cleanup := compiler.steps("cleanup", c.Cleanup)
	if err := errors.Join(append([]error{errSite}, compiler.errs...)...); err != nil {
		return probe.Built{}, err
	}
	p := &prober{
		steps:   steps,
		cleanup: cleanup,
		fatal:   fatal(),
		unique:  compiler.unique,
		secrets: append(site.Secrets, compiler.secrets...),
		timeout: setup.Timeout,
	}
	p.redaction = probe.NewRedaction(p.secrets...)
	for _, s := range slices.Concat(steps, cleanup) {
		s.client = site.Client.Sibling() // which remembers its own URL and certificates
		for i := range s.extract {
			s.extract[i].secret = s.extract[i].secret || compiler.hidden[s.extract[i].name]
		}
	}
	profile := compiler.profile(site.URL, c.Redirects.Max > 0)
	profile.Limits = limits(setup.Type, len(steps))
	for _, s := range steps {
		for _, metric := range metrics() {
			profile.Values[metric.Name] = append(profile.Values[metric.Name], s.name)
		}
	}
	p.certificate = profile.TLS
	return probe.Built{Prober: p, Profile: profile}, nil
}

// fatal returns the checks of answers that end a journey: those after which a result can only be poor.
func fatal() map[probe.CheckID]bool {
	all := make(map[probe.CheckID]bool)
	for _, check := range slices.Concat(checks(), assert.Checks(), assert.AssertionChecks()) {
		all[check.ID] = check.Cap <= probe.Poor
	}
	return all
}

// compiler checks a journey, step by step in their order, and collects all mistakes.
type compiler struct {
	config    *Config
	site      httpkind.Site
	base      *url.URL
	errs      []error
	constants map[string]string // variables that are the same in every run
	secrets   []string
	known     map[string]bool   // variables that have a value where the compiler is
	extracted map[string]string // by variable, the step that extracts it
	names     map[string]string // by name of a step, its field
	hidden    map[string]bool   // variables in credential headers
	sites     map[string]bool   // of URLs that the operator has written; see siteOf
	unique    bool              // whether {{run}} is used
	writes    bool              // whether a step may change something
}

// runVariable is the variable that no other run has the value of.
const runVariable = "run"

func newCompiler(config *Config, site httpkind.Site) *compiler {
	c := &compiler{
		config: config, site: site, base: site.URL,
		constants: make(map[string]string), known: map[string]bool{runVariable: true}, extracted: make(map[string]string),
		names: make(map[string]string), hidden: make(map[string]bool), sites: make(map[string]bool),
	}
	if c.base == nil {
		c.base = &url.URL{Scheme: "https", Host: "localhost", Path: "/"} // the mistake is known; steps have their own
	}
	c.sites[siteOf(c.base)] = true
	c.variables()
	for _, s := range slices.Concat(config.Steps, config.Cleanup) {
		for _, e := range s.Extract {
			if _, double := c.extracted[e.Name]; !double {
				c.extracted[e.Name] = s.Name
			}
		}
	}
	c.counts()
	return c
}

func (c *compiler) fail(field, format string, args ...any) {
	c.errs = append(c.errs, probe.Fieldf(field, format, args...))
}

// variables takes in those that the configuration has values of.
func (c *compiler) variables() {
	valid := regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	check := func(field, name string) {
		switch {
		case !valid.MatchString(name):
			c.fail(field, "%q, want a name of up to 40 lower-case letters, digits and underscores", name)
		case c.known[name]:
			c.fail(field, "there is another variable of that name, want one of its own")
		}
		c.known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Variables)) {
		check(fieldOf("variables", name), name)
		if c.constants[name] = c.config.Variables[name]; c.constants[name] == "" {
			c.fail(fieldOf("variables", name), "is empty, want a text")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.config.Secrets)) {
		field := fieldOf("secrets", name)
		check(field, name)
		secret, err := c.config.Secrets[name].Read()
		if err != nil {
			c.fail(field, "%w", err)
		}
		c.constants[name] = secret
		c.secrets = append(c.secrets, secret)
	}
}

// counts checks how many steps there are, and whether they may write.
func (c *compiler) counts() {
	switch n := len(c.config.Steps); {
	case n == 0:
		c.fail("steps", "missing, want at least one")
	case n > maxSteps:
		c.fail("steps", "%d steps, want at most %d", n, maxSteps)
	}
	if n := len(c.config.Cleanup); n > maxCleanup {
		c.fail("cleanup", "%d steps, want at most %d", n, maxCleanup)
	}
	var writing []string
	for _, s := range slices.Concat(c.config.Steps, c.config.Cleanup) {
		if !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, s.method()) {
			writing = append(writing, fmt.Sprintf("%s (%s)", s.Name, s.method()))
		}
	}
	c.writes = len(writing) > 0
	if c.writes && !c.config.Writes {
		c.fail("writes", "steps may change something: %s, want writes: true when that is meant", strings.Join(writing, ", "))
	}
}

// steps compiles a list of steps. What they extract is known to all after them.
func (c *compiler) steps(field string, list []Step) []*step {
	steps := make([]*step, len(list))
	for i := range list {
		place := fmt.Sprintf("%s[%d]", field, i)
		steps[i] = c.step(place, &list[i])
		words := "step"
		if field == "cleanup" {
			words = "cleanup step"
		}
		steps[i].place = fmt.Sprintf("%s %d of %d %q", words, i+1, len(list), list[i].Title)
	}
	return steps
}

func (c *compiler) step(field string, s *Step) *step {
	if first, double := c.names[s.Name]; double {
		c.fail(field+".name", "%q is the name of %s too, want one of its own", s.Name, first)
	} else {
		c.names[s.Name] = field
	}
	if n := utf8.RuneCountInString(s.Title); strings.TrimSpace(s.Title) == "" || n > maxTitle || strings.ContainsFunc(s.Title, unicode.IsControl) {
		c.fail(field+".title", "%d characters, want one line of 1 to %d", n, maxTitle)
	}
	if s.Budget < 0 {
		c.fail(field+".budget", "%v, want none below 0", s.Budget)
	}
	compiled := &step{name: s.Name, title: s.Title, budget: s.Budget}
	c.request(field, s, compiled)
	expect := s.Expect
	if s.Assert.JudgesStatus() && len(expect.Status) == 0 {
		expect.Status = []string{"100-599"} // the list judges the status
	}
	var errExpect, errAssert error
	compiled.expect, errExpect = expect.Compile(field + ".expect")
	compiled.asserts, errAssert = s.Assert.Compile(field + ".assert")
	c.errs = append(c.errs, errExpect, errAssert)
	compiled.extract = c.extracts(field+".extract", s.Extract)
	return compiled
}

// use checks that the variables of a template have values here, and puts in those that never change.
func (c *compiler) use(field string, s *step, t template, err error) template {
	if err != nil {
		c.fail(field, "%w", err)
		return template{}
	}
	for _, name := range t.variables() {
		by, extracted := c.extracted[name]
		_, constant := c.constants[name]
		switch {
		case c.known[name]:
		case extracted:
			c.fail(field, "variable %s is used before step %q has extracted it", name, by)
		default:
			c.fail(field, "variable %s is unknown, want one of variables, secrets or extract", name)
		}
		c.unique = c.unique || name == runVariable
		if !constant && !slices.Contains(s.needs, name) {
			s.needs = append(s.needs, name)
		}
	}
	folded, err := t.fold(c.constants)
	if err != nil {
		c.fail(field, "%w", err)
	}
	return folded
}

// profile says what results can have. A redirect can lead to a name and to TLS when no URL has either.
func (c *compiler) profile(base *url.URL, redirected bool) probe.Profile {
	named, secure := redirected, false
	for site := range c.sites {
		scheme, host, _ := strings.Cut(site, "://")
		_, err := netip.ParseAddrPort(host)
		named, secure = named || err != nil, secure || scheme == "https"
	}
	p := probe.Profile{
		Target: httpkind.HostPort(base), URL: httpx.RedactURL(base), TLS: secure, Values: make(map[string][]string),
		Metrics:     []string{stepSeconds, stepPasses, stepFailures},
		OnlyWhenDue: c.writes, // once more would be one more order
	}
	if named {
		p.Phases = append(p.Phases, probe.Resolve)
	}
	p.Phases = append(p.Phases, probe.Connect)
	if secure || redirected {
		p.Phases = append(p.Phases, probe.TLS)
	}
	p.Phases = append(p.Phases, probe.Send, probe.Wait, probe.Receive)
	if secure {
		p.Metrics = append(p.Metrics, probe.CertificateNotAfter, probe.CertificateNotBefore)
	}
	return p
}
