// Package api is the kind that calls an HTTP API as an app or a partner's system does: one request on a new connection,
// redirects followed within a policy, and an answer that is checked for status, header, content and JSON values.
// Marketers care because the app is only as good as the calls behind its screens.
//
// It imports packages probe, httpkind, httpx and assert. It keeps no connection and no state between probes, and it never rates.
package api

import (
	_ "embed"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/oauth"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// responseBytes is the name of the kind's own metric.
const responseBytes = "api_response_bytes"

// Kind returns the kind. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "api",
		Summary: "Calls an HTTP API and checks status, header and JSON values: an app is only as good as the calls behind its screens.",
		Sample:  sample,
		Checks:  slices.Concat(assert.Checks(), assert.AssertionChecks(), graphQLChecks(), []probe.Check{oauth.Check()}, httpkind.Checks()),
		Metrics: append(httpkind.Metrics(), probe.Metric{
			Name: responseBytes, Help: "Body of the response as transferred, in bytes.", Type: probe.Gauge,
		}),
		Every:   30 * time.Second,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, new(builder).build)
}

// limits returns the default speed limits of one call on a new connection.
//
// People wait for a call from an app or a page. They feel one second as an interruption and lose track at ten (Miller
// 1968, Nielsen 1993), and a screen makes about three calls one after another: a third of a second is excellent, because
// the screen stays within a second, one second is good, and three seconds leave the screen just within ten. Nobody looks
// at the other types while they wait: there the limits guard against queues that build up.
func limits(t probe.ChannelType) probe.Limits {
	switch t {
	case probe.MobileApp, probe.MobileWeb, probe.DesktopWeb:
		return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
	case probe.DesktopDisplay, probe.MobileDisplay, probe.Social, probe.Push, probe.Email, probe.Integration, probe.Custom:
	}
	return probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 5 * time.Second}
}
