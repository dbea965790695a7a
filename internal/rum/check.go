package rum

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/channelwatch/channelwatch/internal/forwarded"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	maxGroups = 20
	// otherGroup has the pages that no expression fits.
	otherGroup = "other"
)

// Check returns everything that is wrong with the options, joined: each is a *probe.FieldError whose field is a path such as
// "apps[0].origins[1]".
func Check(opts Options) error {
	c := checker{channels: make(map[string]bool), origins: make(map[string]string)}
	if len(opts.Apps) == 0 {
		c.wrong("apps", "none, want at least one website that may send beacons")
	}
	for i := range opts.Apps {
		c.app(fmt.Sprintf("apps[%d]", i), &opts.Apps[i])
	}
	if !(opts.Sample > 0 && opts.Sample <= 1) { // not a number fits neither
		c.wrong("sample", "%v, want above 0 and at most 1", opts.Sample)
	}
	wrong := forwarded.Proxies(opts.TrustedProxies).Wrong()
	for i := range opts.TrustedProxies {
		if said, found := wrong[i]; found {
			c.wrong(fmt.Sprintf("trusted_proxies[%d]", i), "%s", said)
		}
	}
	return errors.Join(c.found...)
}

// checker collects mistakes.
type checker struct {
	channels map[string]bool
	origins  map[string]string // channel of each
	found    []error
}

func (c *checker) wrong(field, format string, args ...any) {
	c.found = append(c.found, probe.Fieldf(field, format, args...))
}

func (c *checker) app(field string, a *App) {
	switch {
	case a.Channel == "":
		c.wrong(field+".channel", "missing")
	case c.channels[a.Channel]:
		c.wrong(field+".channel", "%q has an entry already, want all of its origins in one", a.Channel)
	}
	c.channels[a.Channel] = true
	if len(a.Origins) == 0 {
		c.wrong(field+".origins", "none, want those of the pages that may send beacons")
	}
	for i, origin := range a.Origins {
		at := fmt.Sprintf("%s.origins[%d]", field, i)
		if err := checkOrigin(origin); err != nil {
			c.found = append(c.found, &probe.FieldError{Field: at, Err: err})
		} else if channel, taken := c.origins[origin]; taken {
			c.wrong(at, "%q is an origin of %q already", origin, channel)
		}
		c.origins[origin] = a.Channel
	}
	c.groups(field+".groups", a.Groups)
}

func (c *checker) groups(field string, groups []Group) {
	if len(groups) > maxGroups {
		c.wrong(field, "%d, want at most %d", len(groups), maxGroups)
	}
	names := make(map[string]bool)
	for i, g := range groups {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case g.Name == "":
			c.wrong(at+".name", "missing")
		case g.Name == otherGroup:
			c.wrong(at+".name", "%q is the name of the pages in no group", g.Name)
		case names[g.Name]:
			c.wrong(at+".name", "%q is taken already, want one expression with all of its pages", g.Name)
		}
		names[g.Name] = true
		if g.Path == "" {
			c.wrong(at+".path", "missing")
		} else if _, err := regexp.Compile(g.Path); err != nil {
			c.found = append(c.found, &probe.FieldError{Field: at + ".path", Err: err})
		}
	}
}

// checkOrigin returns what is wrong with an origin: browsers send it in one form only, RFC 6454, section 6.2.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil {
		return fmt.Errorf("%q is no origin, want such as https://www.example.com", origin)
	}
	port := u.Port()
	canonical := u.Scheme + "://" + strings.ToLower(u.Host)
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		canonical = strings.TrimSuffix(canonical, ":"+port)
	}
	switch {
	case u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.Host, "*%"):
		return fmt.Errorf("%q is no origin, want such as https://www.example.com", origin)
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }):
		return fmt.Errorf("%q is not as browsers send it, want the host in its ASCII form, xn--…", origin)
	case canonical != origin:
		return fmt.Errorf("%q is not as browsers send it, want %q without anything behind it", origin, canonical)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("%q is not encrypted, want https but on this machine", origin)
	}
	return nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
