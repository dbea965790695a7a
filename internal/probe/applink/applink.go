// Package applink is the kind that checks whether links of a site open its app: the files in which the site names its
// apps, on the site itself and as Apple keeps a copy of them for iPhones, and whether the app's remote configuration
// still lets the version in the store work. Marketers care because a campaign's link that opens a browser instead of the
// app loses the customer's login and basket, and an app that demands an update that nobody can get has no customers.
//
// The rules are those of Apple (Supporting associated domains; applinks) and of Google (Verify Android App Links): the
// files are asked for by https, without redirects, and what they say is matched as devices do. Of Android's files,
// includes are not followed. Whether a store has an app at all is not looked at.
//
// It imports packages probe, httpkind, httpx and assert. It never rates, and knows no time that customers wait: devices
// fetch these files when nobody looks.
package applink

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Kind returns the kind. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "applink",
		Summary: "Checks whether links of a site open its app, and whether the app still accepts the version in the store: else campaigns end in a browser.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: probe.CertificateMetrics(),
		Floor:   5 * time.Minute, // Apple's lookup takes about 20 requests a minute from an address, of all countries together
		Every:   time.Hour,
		Timeout: time.Minute,
		Limits:  func(probe.ChannelType) probe.Limits { return probe.Limits{} },
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}
