// Package fcm is the kind that asks whether Firebase Cloud Messaging takes the app's messages, and whether they arrive.
// It speaks the HTTP v1 API with an access token that a service account signs for (OAuth 2.0, RFC 7523).
//
// In the mode "validate" a message is a dry run: it proves that the credential, the project and the registration token
// of an Android device are good, and proves no delivery, so that no result is better than good. In the mode "canary" a
// device of our own, on which the app runs, confirms every message.
//
// A canary's messages are data alone, because Android shows messages with a notification by itself and does not call
// the app, which then could not confirm. Their priority is normal: Android demotes an app whose messages of high
// priority show nothing, and a canary that does so would get slower over time and measure itself. With high priority
// the app has to show a notification for each message. An iPhone gets such messages when it likes: its canary is of the
// kind apns.
//
// A message is sent once, over a connection of its own, and never followed by another try. The package imports probe,
// push, ledger, httpx and golang.org/x/oauth2. Tokens, keys, assertions and ids of receipts are secrets: no result,
// error or log of it holds any of them.
package fcm

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// The modes.
const (
	validate = "validate" // a dry run
	canary   = "canary"   // a device confirms
)

// provider is where the HTTP v1 API is.
const provider = "https://fcm.googleapis.com"

// Config is what an fcm touchpoint is told below "with".
type Config struct {
	CredentialsFile string        `yaml:"credentials_file" required:"true" format:"file" doc:"Key of a service account, as the Firebase console makes it (JSON); everybody on the machine must not be able to read it."`
	Project         string        `yaml:"project" doc:"Firebase project, which has to be that of the credentials; it need not be named."`
	TokenFile       string        `yaml:"token_file" required:"true" format:"file" doc:"Registration token of a device of your own, as the app got it; everybody on the machine must not be able to read it."`
	Mode            string        `yaml:"mode" enum:"validate,canary" doc:"validate is a dry run, which proves no delivery; canary sends messages that the device confirms, at most every 5m."`
	Priority        string        `yaml:"priority" enum:"normal,high" doc:"Android demotes apps whose messages of high priority show nothing: take high only when the app shows a notification for each."`
	Deadline        time.Duration `yaml:"deadline" doc:"A message that arrives later is late; 30s, or the window where that is shorter, when it is left out. Of mode canary."`
	Window          time.Duration `yaml:"window" doc:"A message that has not arrived, or was not answered, by then is given up; four fifths of the timeout when it is left out."`
	BaseURL         string        `yaml:"base_url" format:"url" doc:"Where the HTTP v1 API is: https, or http on a loopback address for a stand-in."`
	TLS             tlsFiles      `yaml:"tls" doc:"What https:// needs beyond the system's authorities."`
}

// tlsFiles names what a TLS connection needs beyond the system's own authorities.
type tlsFiles struct {
	CAFile string `yaml:"ca_file" format:"file" doc:"PEM authorities to trust in place of the system's."`
}

// Kind returns the kind "fcm". Canaries confirm messages to receipts.
func Kind(receipts *ledger.Ledger) probe.Kind {
	return probe.Define(probe.Kind{
		Name:        "fcm",
		Summary:     "Hands a message to Firebase Cloud Messaging: whether notifications of the app are taken, and with a canary device whether they arrive.",
		Sample:      sample,
		Checks:      checks(),
		Metrics:     metrics(),
		Floor:       time.Minute,
		Every:       5 * time.Minute,
		Timeout:     30 * time.Second,
		Limits:      func(probe.ChannelType) probe.Limits { return limitsOf(validate) },
		OnlyWhenDue: true, // the provider says how soon it wants to be asked again, and one more message to a phone wakes it
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, receipts) })
}

func defaults(probe.ChannelType) Config {
	return Config{Mode: validate, Priority: normal, BaseURL: provider}
}

// limitsOf returns the speed limits of a mode.
//
// A dry run is the answer of an API, which people do not wait for, but which a sender does once for each customer: with
// 3 s for each it falls behind. A canary confirms over its own connection, which takes seconds on a mobile network;
// 30 s still feel like the moment, and after 5 min, which Android lets a phone doze on between two windows of
// maintenance, the news is old.
func limitsOf(mode string) probe.Limits {
	if mode == canary {
		return probe.Limits{Excellent: 5 * time.Second, Good: 30 * time.Second, Fair: 5 * time.Minute}
	}
	return probe.Limits{Excellent: 300 * time.Millisecond, Good: time.Second, Fair: 3 * time.Second}
}
