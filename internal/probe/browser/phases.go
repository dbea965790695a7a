package browser

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// phases says what the time until the largest content was painted went into. Its parts add up to it exactly: the first
// byte of the document parts what the network and the server take from what the page takes.
//
// The browser talks to the agent's proxy, so that looking up and connecting are the proxy's to know; what a redirect, the
// browser itself and the proxy take until the first byte counts as waiting for the server, which is what it is to customers.
func (v *visit) phases(painted time.Duration) probe.Phases {
	var phases probe.Phases
	first := painted
	if v.vitals.TTFB != nil {
		first = min(*v.vitals.TTFB, painted)
	}
	v.arrive(&phases, first, probe.Wait)
	left := painted - first
	for _, part := range []struct {
		phase probe.Phase
		took  *time.Duration
	}{{probe.Discover, v.vitals.LCPDiscover}, {probe.Load, v.vitals.LCPLoad}} {
		if part.took != nil && v.vitals.LCP != nil {
			took := min(max(0, *part.took), left)
			phases.Add(part.phase, took)
			left -= took
		}
	}
	phases.Add(probe.Render, left)
	return phases
}

// failedPhases says what the time until a page was given up went into: what is left belongs to the phase that failed.
func (v *visit) failedPhases(reason probe.Reason, took time.Duration) probe.Phases {
	var phases probe.Phases
	last := phaseOf(reason)
	until := took
	if last == probe.Render {
		until = 0
		if v.vitals.TTFB != nil {
			until = min(*v.vitals.TTFB, took)
		}
		v.arrive(&phases, until, probe.Wait)
		phases.Add(probe.Render, took-until)
		return phases
	}
	v.arrive(&phases, until, last)
	return phases
}

// arrive shares out a time that ends with the first byte of the document, or without it. What is left after the parts
// that are known belongs to phase last.
func (v *visit) arrive(phases *probe.Phases, until time.Duration, last probe.Phase) {
	left := until
	for _, part := range v.parts() {
		if part.phase >= last {
			break
		}
		took := min(max(0, part.took), left)
		phases.Add(part.phase, took)
		left -= took
	}
	phases.Add(last, left)
}

// part is a phase and how long it took.
type part struct {
	phase probe.Phase
	took  time.Duration
}

// parts returns what is known of the way to the document's first byte, in order.
func (v *visit) parts() []part {
	var parts []part
	if conn, ok := v.connection(); ok {
		if resolve := conn.Resolve + conn.ResolveAdded; resolve > 0 {
			parts = append(parts, part{probe.Resolve, resolve})
		}
		parts = append(parts, part{probe.Connect, conn.Connect + conn.ConnectAdded})
	}
	if v.load != nil {
		for _, phase := range []probe.Phase{probe.TLS, probe.Send} {
			if took, ok := v.load.Document.Phases.Get(phase); ok {
				parts = append(parts, part{phase, took})
			}
		}
	}
	return parts
}

// phaseOf returns the phase in which a probe with a reason ended.
func phaseOf(reason probe.Reason) probe.Phase {
	switch reason {
	case probe.DNSNotFound, probe.DNSFailed, probe.DNSTimeout, probe.AddressForbidden:
		return probe.Resolve
	case probe.ConnectRefused, probe.ConnectTimeout, probe.ConnectUnreachable, portBlocked:
		return probe.Connect
	case probe.TLSExpired, probe.TLSNotYetValid, probe.TLSWrongHost, probe.TLSUntrusted, probe.TLSHandshake, probe.TLSTimeout:
		return probe.TLS
	case pageCrashed, pageHung, nothingPainted, pageTooLarge, stepFailed:
		return probe.Render
	}
	return probe.Wait
}
