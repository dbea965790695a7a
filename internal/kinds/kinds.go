// Package kinds is the list of all kinds of probes that the agent knows. A new kind is a folder below internal/probe and
// one line here. It imports the kinds, package probe and what kinds share, and holds no logic.
package kinds

import (
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/api"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
	"github.com/channelwatch/channelwatch/internal/probe/applink"
	"github.com/channelwatch/channelwatch/internal/probe/browser"
	"github.com/channelwatch/channelwatch/internal/probe/dns"
	"github.com/channelwatch/channelwatch/internal/probe/fcm"
	"github.com/channelwatch/channelwatch/internal/probe/freshness"
	"github.com/channelwatch/channelwatch/internal/probe/grpc"
	"github.com/channelwatch/channelwatch/internal/probe/journey"
	"github.com/channelwatch/channelwatch/internal/probe/mqtt"
	"github.com/channelwatch/channelwatch/internal/probe/page"
	"github.com/channelwatch/channelwatch/internal/probe/ping"
	"github.com/channelwatch/channelwatch/internal/probe/propagation"
	"github.com/channelwatch/channelwatch/internal/probe/receipts"
	"github.com/channelwatch/channelwatch/internal/probe/stream"
	"github.com/channelwatch/channelwatch/internal/probe/tcp"
	"github.com/channelwatch/channelwatch/internal/probe/tls"
	"github.com/channelwatch/channelwatch/internal/probe/webhook"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/probe/websocket"
)

// All returns all kinds, by name, for those who listen to no receipts of messages.
func All() []probe.Kind { return Sharing(ledger.New()) }

// Sharing returns all kinds, by name. Messages whose arrival devices confirm wait for that in confirmed.
func Sharing(confirmed *ledger.Ledger) []probe.Kind {
	return []probe.Kind{
		api.Kind(),
		apns.Kind(confirmed),
		applink.Kind(),
		browser.Kind(),
		dns.Kind(),
		fcm.Kind(confirmed),
		freshness.Kind(),
		grpc.Kind(),
		journey.Kind(),
		mqtt.Kind(),
		page.Kind(),
		ping.Kind(),
		propagation.Kind(),
		receipts.Kind(confirmed),
		stream.Kind(),
		tcp.Kind(),
		tls.Kind(),
		webhook.Kind(confirmed),
		webpush.Kind(confirmed),
		websocket.Kind(),
	}
}
