package page

import (
	"errors"
	"net/http"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// builder builds the probers of all touchpoints.
type builder struct{ opener httpkind.Opener }

// build validates the configuration and returns a ready prober.
func (b *builder) build(c Config, setup probe.Setup) (probe.Built, error) {
	var errProfile error
	if c.Profile != desktop && c.Profile != phone {
		errProfile = probe.Fieldf("profile", "%q, want %s or %s", c.Profile, desktop, phone)
	}
	if c.Assert.JudgesStatus() && len(c.Expect.Status) == 0 {
		c.Expect.Status = []string{"100-599"}
	}
	rules, errRules := c.Expect.compile(c.asksForCompression())
	asserts, errAssert := c.Assert.Compile("assert")
	rules.list = asserts
	built, errTarget := b.opener.Open(&c.Target, setup, httpkind.Request{
		Device: deviceHeader(c.Profile, setup.UserAgent),
		Secure: strings.HasPrefix(strings.ToLower(c.Expect.FinalURL), "https:"),
		Metric: pageBytes,
		Judge:  rules.conclude,
	})
	if err := errors.Join(errTarget, errProfile, errRules, errAssert); err != nil {
		return probe.Built{}, err
	}
	return built, nil
}

// asksForCompression reports whether the page may be compressed: the profile asks for it, but a header may not.
func (c *Config) asksForCompression() bool {
	for name, value := range c.Headers {
		if http.CanonicalHeaderKey(name) == "Accept-Encoding" {
			return strings.ContainsAny(value, "*") || strings.Contains(value, "gzip") || strings.Contains(value, "br") ||
				strings.Contains(value, "zstd")
		}
	}
	return true
}
