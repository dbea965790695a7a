// Package apns is the kind that asks Apple's push service (APNs) what an iOS app's messages depend on: does it take a
// message, and, with a device of our own that confirms what it gets, does the message arrive and how late?
//
// Apple's acceptance is weak evidence: by design it goes on answering 200 for devices that no longer take messages, and
// there is no dry run. So a message goes to a dedicated device, never to a customer's: Apple keeps one message per device
// and app for later, and a probe's would replace a real one.
//
// Every message goes out on a connection of its own, as HTTP/2 with a provider token, once. The token is the same for
// half an hour, after a restart and for every agent with the same key, because Apple refuses keys whose token changes too
// often.
//
// It imports probe, push, httpx and ledger only. It does not use certificates in place of keys, and sends to no broadcast
// channel.
package apns

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

//go:embed sample.yaml
var sample string

// Config is what an apns touchpoint is told below "with".
type Config struct {
	Mode            string        `yaml:"mode" required:"true" enum:"canary,acceptance" doc:"canary: a device of our own confirms each message with a receipt; acceptance: Apple's answer is all there is, and the rating is good at best."`
	KeyFile         string        `yaml:"key_file" required:"true" format:"file" doc:"The .p8 key of the team, as it was downloaded; everybody on the machine must not be able to read it."`
	KeyID           string        `yaml:"key_id" required:"true" pattern:"^[A-Z0-9]{10}$" doc:"Id of that key, 10 letters and digits."`
	TeamID          string        `yaml:"team_id" required:"true" pattern:"^[A-Z0-9]{10}$" doc:"Id of the team that owns app and key, 10 letters and digits."`
	Topic           string        `yaml:"topic" required:"true" doc:"Bundle id of the app."`
	Environment     string        `yaml:"environment" enum:"production,sandbox" doc:"production for apps of the store and TestFlight, sandbox for builds of developers."`
	DeviceTokenFile string        `yaml:"device_token_file" required:"true" format:"file" doc:"Hexadecimal token of a device for probing alone, never a customer's: a message can replace a real one that waits. Not readable by everybody."`
	PushType        string        `yaml:"push_type" enum:"alert,background" doc:"alert shows a notification; background wakes the app silently, which Apple does two or three times an hour at most and does not promise."`
	Priority        int           `yaml:"priority" min:"0" max:"10" doc:"10 at once, 5 with regard to the battery, 1 with more of it; 10 for alert, where it is left out, and 5 for background, which cannot have 10."`
	CollapseID      string        `yaml:"collapse_id" doc:"The device shows only the newest notification with the same id, at most 64 bytes; empty for none."`
	Deadline        time.Duration `yaml:"deadline" doc:"A message that arrives later is late; 30s, or the window where that is shorter, when it is left out. With mode canary only."`
	Window          time.Duration `yaml:"window" doc:"A message that has not arrived by then is lost, and Apple keeps it no longer; four fifths of the timeout when it is left out."`
	BaseURL         string        `yaml:"base_url" format:"url" doc:"Service to send to in place of Apple's, such as a stand-in for tests: https://host, or http:// on a loopback address."`
	TLS             tlsFiles      `yaml:"tls" doc:"How the service's certificate is verified."`
}

// tlsFiles names what a TLS connection needs beyond the system's own authorities.
type tlsFiles struct {
	CAFile string `yaml:"ca_file" format:"file" doc:"PEM authorities to trust in place of the system's."`
}

// Kind returns the kind "apns". Its canaries' receipts are waited for in the ledger.
func Kind(receipts *ledger.Ledger) probe.Kind {
	return probe.Define(probe.Kind{
		Name:        "apns",
		Summary:     "Sends a message to a test iPhone through Apple's push service: whether app notifications are taken and reach customers, and how late.",
		Sample:      sample,
		Checks:      push.Checks(push.ConfirmedOutcomes(true)...),
		Metrics:     append(probe.CertificateMetrics(), push.Metrics(names(true)...)...),
		Floor:       alertFloor,
		Every:       15 * time.Minute,
		Timeout:     375 * time.Second, // its window is then the 5 minutes that a delivery can take and still be fair
		Limits:      limits,
		OnlyWhenDue: true,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, receipts) })
}

func defaults(probe.ChannelType) Config {
	return Config{Environment: production, PushType: alert, CollapseID: "channelwatch"}
}

// limits are for the time from sending to the receipt. A phone that is awake gets a notification within seconds; one that
// saves power is woken within half a minute by priority 10; what takes more than five minutes is no longer about now.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute}
}

// acceptanceLimits are for Apple's answer alone. It is one exchange on a connection that stands: a second is slow.
func acceptanceLimits() probe.Limits {
	return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
}

// names returns the metrics that a touchpoint can export.
func names(watched bool) []string {
	names := push.Names(false)
	if watched {
		names = push.ConfirmedNames()
	}
	return append(names, push.SkippedTotal, push.CredentialOK, push.TargetValid, push.TargetRefreshed)
}
