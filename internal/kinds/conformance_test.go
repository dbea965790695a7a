package kinds_test

import (
	"slices"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
	"github.com/channelwatch/channelwatch/internal/probe/journey"
	"github.com/channelwatch/channelwatch/internal/probe/page"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

// subjects are the kinds that speak HTTP.
func subjects() []probetest.Subject {
	return []probetest.Subject{
		{Kind: api.Kind(), Type: probe.MobileApp, With: expecting("contains")},
		{Kind: page.Kind(), Type: probe.MobileWeb, With: expecting("text")},
		{Kind: journey.Kind(), Type: probe.DesktopWeb, With: stepping},
	}
}

// stepping makes a target the only step of a journey.
func stepping(target probetest.Target) map[string]any {
	with := expecting("contains")(target)
	step := map[string]any{"name": "only", "title": "Open the page"}
	if expect, ok := with["expect"]; ok {
		step["expect"] = expect
		delete(with, "expect")
	}
	with["steps"] = []any{step}
	return with
}

// quicSubjects are those that can ask by HTTP/3.
func quicSubjects() []probetest.Subject {
	return slices.DeleteFunc(subjects(), func(s probetest.Subject) bool { return s.Kind.Name == "journey" })
}

// expecting returns how a target is configured when the kind has this word for a text that must be there.
func expecting(word string) func(probetest.Target) map[string]any {
	return func(target probetest.Target) map[string]any {
		with := target.HTTP()
		if target.Text != "" {
			with["expect"] = map[string]any{word: target.Text, "status": []string{"200", "204"}}
		}
		return with
	}
}

func TestConformance(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) {
			probetest.Run(t, subject, probetest.Fixture{
				Healthy:    probetest.HealthyHTTP,
				Silent:     probetest.Silent,
				SilentWant: probe.ResponseTimeout,
				ClosedPort: probetest.ClosedPort,
			})
		})
	}
}

func TestConformance_HTTP3(t *testing.T) {
	for _, subject := range quicSubjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) {
			probetest.Run(t, subject, probetest.Fixture{
				Healthy:    probetest.HealthyHTTP3,
				Silent:     probetest.SilentHTTP3,
				SilentWant: probe.ResponseTimeout,
				ClosedPort: probetest.ClosedHTTP3,
			})
		})
	}
}

func TestFaults(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunFaults(t, subject) })
	}
}

func TestQUICFaults(t *testing.T) {
	for _, subject := range quicSubjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunQUICFaults(t, subject) })
	}
}

func TestProtocols(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunProtocols(t, subject, probetest.Protocols()) })
	}
	for _, subject := range quicSubjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunProtocols(t, subject, probetest.QUICProtocols()) })
	}
}

func TestDelays(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunDelays(t, subject, probetest.Delays()) })
	}
	for _, subject := range quicSubjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunDelays(t, subject, probetest.QUICDelays()) })
	}
}

func TestOddities(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunOddities(t, subject) })
	}
}

func TestEchoes(t *testing.T) {
	for _, subject := range subjects() {
		t.Run(subject.Kind.Name, func(t *testing.T) { probetest.RunEchoes(t, subject) })
	}
}
