// Package kinds is the list of all kinds of probes that the agent knows. A new kind is a folder below internal/probe and
// one line here. It imports the kinds and package probe, nothing else, and holds no logic.
package kinds

import (
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// All returns all kinds, by name.
func All() []probe.Kind {
	return []probe.Kind{
		api.Kind(),
		browser.Kind(),
		mqtt.Kind(),
		page.Kind(),
	}
}
