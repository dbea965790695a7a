package webpush

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/channelwatch/channelwatch/internal/push"
)

// near reports whether an endpoint is where a push service can be expected to be reached: at the same host, or under the
// same registrable domain, as push.services.mozilla.com and updates.push.services.mozilla.com are. Else a service could
// have the agent post to whatever is inside the agent's own network.
func near(service, endpoint *url.URL) bool {
	a, b := strings.ToLower(service.Hostname()), strings.ToLower(endpoint.Hostname())
	if a == b || push.IsLoopback(a) && push.IsLoopback(b) {
		return true
	}
	for _, host := range []string{a, b} {
		if _, err := netip.ParseAddr(host); err == nil {
			return false
		}
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(a)
	other, otherErr := publicsuffix.EffectiveTLDPlusOne(b)
	return err == nil && otherErr == nil && site == other
}
