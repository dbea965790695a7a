// Package journey is the kind that walks the way of a customer over HTTP: log in, search, put into the basket. Its steps
// share one jar of cookies, take values out of answers and use them in later requests. The first step that fails is the
// cause, later ones are skipped, and what the journey leaves behind is cleaned up whatever happened. Marketers care
// because customers do not visit addresses: they want to get something done.
//
// Every step has a connection of its own, as all probes have: its phases are exact, a step costs what the same request
// costs as a single probe, and whoever compares both compares the same thing. A browser keeps connections, so that its
// users wait for less than the sum; the kind browser shows what they see.
//
// It imports packages probe, httpkind, httpx and assert, and a library for CSS selectors. It runs no scripts, keeps
// nothing between probes, and never rates.
package journey

import (
	_ "embed"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Kind returns the kind. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	return probe.Define(probe.Kind{
		Name:    "journey",
		Summary: "Walks the steps of a customer, such as login or search to basket, and names the first that fails: customers want to get something done.",
		Sample:  sample,
		Checks:  slices.Concat(checks(), assert.Checks(), assert.AssertionChecks()),
		Metrics: append(probe.CertificateMetrics(), metrics()...),
		Floor:   30 * time.Second, // up to 30 requests each time, and traces in the shop's figures
		Every:   5 * time.Minute,
		Timeout: 30 * time.Second,
		Limits:  stepLimits,
	}, defaults, new(builder).build)
}

// stepLimits returns the default speed limits of one step; a journey has as many times of it as it has steps.
//
// A step is one request on a new connection, which is what the kind api limits alike: a screen makes about three calls
// one after another, people feel one second as an interruption and lose track at ten (Miller 1968, Nielsen 1993). Nobody
// looks at the other types while they wait: there the limits guard against queues that build up.
func stepLimits(t probe.ChannelType) probe.Limits {
	switch t {
	case probe.MobileApp, probe.MobileWeb, probe.DesktopWeb:
		return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
	case probe.DesktopDisplay, probe.MobileDisplay, probe.Social, probe.Push, probe.Email, probe.Integration, probe.Custom:
	}
	return probe.Limits{Excellent: 500 * time.Millisecond, Good: 2 * time.Second, Fair: 5 * time.Second}
}

// limits returns the default speed limits of a journey with n steps.
func limits(t probe.ChannelType, n int) probe.Limits {
	one, times := stepLimits(t), time.Duration(n)
	return probe.Limits{Excellent: one.Excellent * times, Good: one.Good * times, Fair: one.Fair * times}
}
