// Package webhook is the kind that asks whether another system tells what happens in it: it makes something happen by an
// HTTP request with a random marker, and waits at an address of its own for the webhook that carries it. Marketers care
// because orders, payments and consents travel between systems by webhooks, and a lost one is a customer who paid and
// got nothing.
//
// Latency is from when the connection for the request stood until the webhook was in. Several requests in one probe show
// whether order is kept; webhooks of earlier probes that come again or after all are told by the next one. What a
// webhook says is believed as its receivers should: its signature is compared in constant time, and its time must be
// near.
//
// It imports packages probe, httpkind, httpx, push and ledger. It never rates. The address and the key are secrets: no
// result, error or log holds any of them.
package webhook

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is the "with" block of a touchpoint of kind webhook.
type Config struct {
	Writes    bool          `yaml:"writes" doc:"Has to be true: each probe makes something happen in the other system."`
	Trigger   httpkind.Call `yaml:"trigger" doc:"The request that makes it send a webhook, with {{marker}} where the webhook repeats it. Default: POST."`
	Token     probe.Secret  `yaml:"token" required:"true" doc:"End of the address that webhooks are sent to, the public URL of the receipts and /v1/hooks/<token>; 16 to 128 letters, digits and -._~ that nobody can guess."`
	Scheme    string        `yaml:"scheme" enum:"none,standard-webhooks,stripe,github" doc:"How webhooks are signed: Standard Webhooks, Stripe's t=…,v1=…, or GitHub's sha256=…, which has no time. Default: none."`
	Secret    probe.Secret  `yaml:"secret" doc:"Key of the signature; of Standard Webhooks in Base64, with whsec_ in front or not."`
	Header    string        `yaml:"header" doc:"Header of the signature, for the schemes stripe and github. Default: Stripe-Signature and X-Hub-Signature-256."`
	Tolerance time.Duration `yaml:"tolerance" doc:"How far the signed time may be from ours; 5m when it is left out."`
	Count     int           `yaml:"count" min:"0" max:"10" doc:"Requests of one probe, one after the other; with 2 or more it is seen whether webhooks keep their order. Default: 1."`
	Deadline  time.Duration `yaml:"deadline" doc:"A webhook that comes later is late; 5s, or the window where that is shorter, when it is left out."`
	Window    time.Duration `yaml:"window" doc:"A webhook that has not come by then is lost; four fifths of the timeout when it is left out."`
	TLS       httpkind.TLS  `yaml:"tls" doc:"How the certificate of the other system is verified."`
}

// Kind returns the kind "webhook". Webhooks come in at book.
func Kind(book *ledger.Ledger) probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:        "webhook",
		Summary:     "Makes something happen in another system and waits for its webhook: whether orders and payments are told, and how late.",
		Sample:      sample,
		Checks:      checks(),
		Metrics:     metrics(),
		Floor:       30 * time.Second,
		Every:       5 * time.Minute,
		Timeout:     time.Minute,
		Limits:      limits,
		OnlyWhenDue: true, // asking once more makes one more order, and says nothing about the webhook that is missing
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, book, &clients) })
}

func defaults(probe.ChannelType) Config { return Config{} }

// limits are for the time until a webhook is in. Customers wait for what it sets off, such as a page that says that they
// have paid: a second is an interruption, five are what people wait before they try again (and pay twice), and pages
// give up after half a minute.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: time.Second, Good: 5 * time.Second, Fair: 30 * time.Second}
}
