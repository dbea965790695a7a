package httpkind

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// The checks of what a single request cannot see.
const (
	HTTP3Broken       probe.CheckID = "h3_broken"
	AddressesDisagree probe.CheckID = "addresses_disagree"
)

// The metrics of what a single request cannot see.
const (
	http3Duration   = "http3_duration_seconds"
	addressesBest   = "addresses_best_seconds"
	addressesWorst  = "addresses_worst_seconds"
	addressesFailed = "addresses_failed"
)

// Values of the fields http3 and addresses.
const (
	http3Only    = "only"
	http3Check   = "check"
	anyAddress   = "any"
	allAddresses = "all"
)

// Checks returns the checks of every kind that opens its touchpoints here, beside the shared ones.
func Checks() []probe.Check {
	return []probe.Check{
		{
			ID: HTTP3Broken, Dimension: probe.Reachable, Cap: probe.Good, Title: "broken HTTP/3",
			Marketing: "Browsers are told of a faster way to this service that does not work; some customers wait until they give it up.",
			IT:        "Alt-Svc advertises HTTP/3, but the same request by it fails; check UDP in firewalls and balancers, and the listener, or stop advertising it.",
		},
		{
			ID: AddressesDisagree, Dimension: probe.Reachable, Cap: probe.Fair, Title: "addresses disagree",
			Marketing: "Some customers are led to a server that does not work, others are not.",
			IT:        "Some addresses of the name give another answer than the best one; see the detail, and take those out of DNS or mend them.",
		},
	}
}

// Metrics returns the metrics of every kind that opens its touchpoints here, those of certificates among them.
func Metrics() []probe.Metric {
	return append(
		probe.CertificateMetrics(),
		probe.Metric{Name: http3Duration, Help: "Time of the same request by HTTP/3, where it is advertised and compared, in seconds.", Type: probe.Gauge, Momentary: true},
		probe.Metric{Name: addressesBest, Help: "Time of the fastest address of the name, of those that work, in seconds.", Type: probe.Gauge, Momentary: true},
		probe.Metric{Name: addressesWorst, Help: "Time of the slowest address of the name, of those that work, in seconds.", Type: probe.Gauge, Momentary: true},
		probe.Metric{Name: addressesFailed, Help: "Addresses of the name that fail, or give another answer than the best one.", Type: probe.Gauge, Momentary: true},
	)
}

// reachMetrics returns the names of those that the touchpoint exports.
func (t *Target) reachMetrics() []string {
	var names []string
	if t.HTTP3 == http3Check {
		names = append(names, http3Duration)
	}
	if t.Addresses == allAddresses {
		names = append(names, addressesBest, addressesWorst, addressesFailed)
	}
	return names
}

// validateReach checks the fields http3 and addresses.
func (t *Target) validateReach(m *mistakes) {
	switch {
	case !slices.Contains([]string{"", http3Only, http3Check}, t.HTTP3):
		m.add("http3", "%q, want %s or %s", t.HTTP3, http3Only, http3Check)
	case t.HTTP3 != "" && strings.HasPrefix(strings.ToLower(t.URL), "http:"):
		m.add("http3", "HTTP/3 is for https only, but the URL begins with http")
	case t.HTTP3 == http3Check && t.Addresses == allAddresses:
		m.add("http3", "%s and addresses: %s are two comparisons, want one of them in a touchpoint", http3Check, allAddresses)
	}
	if !slices.Contains([]string{"", anyAddress, allAddresses}, t.Addresses) {
		m.add("addresses", "%q, want %s or %s", t.Addresses, anyAddress, allAddresses)
	}
}

// checkRepeats refuses to repeat requests that may change something.
func (t *Target) checkRepeats(method string) error {
	if slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodOptions}, method) {
		return nil
	}
	var errs []error
	if t.HTTP3 == http3Check {
		errs = append(errs, probe.Fieldf("http3", "%s repeats the request, want GET, HEAD or OPTIONS, not %s", http3Check, method))
	}
	if t.Addresses == allAddresses {
		errs = append(errs, probe.Fieldf("addresses", "%s repeats the request, want GET, HEAD or OPTIONS, not %s", allAddresses, method))
	}
	return errors.Join(errs...)
}
