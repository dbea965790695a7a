package browser_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestConformance(t *testing.T) {
	probetest.Run(t, probetest.Subject{
		Kind: browser.QuickKind(),
		Type: probe.MobileWeb,
		With: func(target probetest.Target) map[string]any {
			return map[string]any{"url": target.URL, "profile": "native", "allow_private": true}
		},
	}, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: serve(tb, html("<title>Shop</title><h1>Shoes</h1><p>Add to basket")) + "/"}
		},
		Silent:     probetest.Silent,
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}
