package ping

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	minInterval = 200 * time.Millisecond // what ping allows those without privileges
	maxCount    = 50
	patience    = time.Second // least time that the last echo has to come back
)

// build reports all mistakes at once.
func build(c Config, setup probe.Setup) (probe.Built, error) {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	p := &prober{count: c.Count, interval: c.Interval, timeout: setup.Timeout, resolver: httpx.Resolver{Server: c.Resolver}}
	const anyPort = 7 // of echo; no port is used
	to, err := httpx.ParseEndpoint(c.Host, anyPort)
	if addr, plain := netip.ParseAddr(c.Host); plain == nil {
		to.Host, err = addr.Unmap().String(), nil
	} else if _, _, ported := net.SplitHostPort(c.Host); err == nil && ported == nil {
		err = errors.New("has a port, which echoes do not know")
	}
	if p.host = to.Host; err != nil {
		wrong("host", "%w", err)
	}
	if c.Count < 1 || c.Count > maxCount {
		wrong("count", "%d, want 1 to %d", c.Count, maxCount)
	}
	if c.Interval < minInterval {
		wrong("interval", "%v, want at least %v", c.Interval, minInterval)
	}
	if least := time.Duration(c.Count-1)*c.Interval + patience; least > setup.Timeout {
		wrong("count", "%d echoes %v apart take %v with the wait for the last, want them within the timeout of %v", c.Count, c.Interval, least, setup.Timeout)
	}
	if _, err := httpx.ParseEndpoint(c.Resolver, 0); c.Resolver != "" && err != nil {
		wrong("resolver", "%w", err)
	}
	if err := errors.Join(errs...); err != nil {
		return probe.Built{}, err
	}
	profile := probe.Profile{
		Target: net.JoinHostPort(p.host, "icmp"), URL: "icmp:" + p.host, Metrics: []string{roundTrip, lossRatio},
	}
	if _, err := netip.ParseAddr(p.host); err != nil {
		profile.Phases = append(profile.Phases, probe.Resolve)
	}
	profile.Phases = append(profile.Phases, probe.Connect)
	return probe.Built{Prober: p, Profile: profile}, nil
}
