package page

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// requestHeaders are what is sent. Wrong ones are left out.
type requestHeaders struct {
	everyHost http.Header // the device's and the configured ones
	firstHost http.Header // secret ones and Host, which are not for those that a redirect leads to
	secrets   []string    // values that nobody may read
}

// requestHeaders joins the headers of the device with the configured ones and reads the secret ones.
func (c *Config) requestHeaders(product string) (requestHeaders, error) {
	h := requestHeaders{everyHost: deviceHeader(c.Profile, product), firstHost: make(http.Header)}
	var errs []error
	set := func(header http.Header, field, name, value string) {
		if err := httpx.ValidateHeader(http.Header{name: {value}}); err != nil {
			errs = append(errs, probe.Fieldf(field+"."+name, "%w", err))
			return
		}
		header.Set(name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Proxy-Authorization":
			errs = append(errs, probe.Fieldf("headers."+name, "is a credential, want it in secret_headers as {file: …} or {env: …}"))
		case "Host":
			set(h.firstHost, "headers", name, c.Headers[name])
		default:
			set(h.everyHost, "headers", name, c.Headers[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.SecretHeaders)) {
		value, err := c.SecretHeaders[name].Read()
		if err != nil {
			errs = append(errs, probe.Fieldf("secret_headers."+name, "%w", err))
			continue
		}
		set(h.firstHost, "secret_headers", name, value)
		h.secrets = append(h.secrets, value)
	}
	return h, errors.Join(errs...)
}
