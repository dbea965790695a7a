// Package propagation is the kind that asks how long a change takes until all channels show it: it writes a random
// marker at a source, and looks at each sink again and again until the marker is there. Marketers care because a price
// that is new in the shop and old in the app costs the sale or the margin, and "real time" is easily said.
//
// Time begins when the connection for the write stands, because that is when a customer's or a colleague's change is on
// its way, and ends with the first answer of a sink that holds the marker. It is therefore too long by up to one poll
// step, which is published beside it. Sinks are asked as their readers ask them: caches in between are part of it.
//
// It writes, so it wants to be told explicitly that it may. One marker is on its way at a time. When a write was sent,
// the cleanup follows, whatever became of the rest.
//
// It imports packages probe, httpkind, httpx and assert. It never rates.
package propagation

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is the "with" block of a touchpoint of kind propagation.
type Config struct {
	Writes   bool           `yaml:"writes" doc:"Has to be true: each probe writes at the source."`
	Source   httpkind.Call  `yaml:"source" doc:"The request that writes, with {{marker}} in it. Any 2xx status is good. Default: POST."`
	Sinks    []sink         `yaml:"sinks" doc:"Where the marker has to be seen, at most 20. Each is asked at every look, so by GET or, where a search wants it, POST."`
	Cleanup  *httpkind.Call `yaml:"cleanup" doc:"The request that takes back what was written. It follows every write that was sent. Default: DELETE."`
	Poll     time.Duration  `yaml:"poll" doc:"Time from one look at a sink to the next, 1s when it is left out. At most 600 looks fit into the window, and all sinks are looked at up to 20 times a second."`
	Deadline time.Duration  `yaml:"deadline" doc:"A marker that is seen later is late; 10s, or the window where that is shorter, when it is left out."`
	Window   time.Duration  `yaml:"window" doc:"A marker that was not seen by then is lost; three quarters of the timeout when it is left out."`
	TLS      httpkind.TLS   `yaml:"tls" doc:"How certificates are verified."`
}

// sink is one place where the marker has to be seen.
type sink struct {
	Name          string `yaml:"name" required:"true" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"Name of the sink in series and findings."`
	httpkind.Call `yaml:",inline"`
	Path          string `yaml:"path" doc:"JSONPath of the value that has to hold the marker. Default: it can be anywhere in the body."`
}

// Kind returns the kind. Its touchpoints share what their clients have in common.
func Kind() probe.Kind {
	var clients httpx.Common
	return probe.Define(probe.Kind{
		Name:    "propagation",
		Summary: "Writes a change at its source and waits until every channel shows it: whether real time means real time, and who lags.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   30 * time.Second,
		Every:   5 * time.Minute,
		Timeout: 2 * time.Minute,
		Limits:  limits,
		// Asking once more writes once more, and says nothing about the marker that was late.
		OnlyWhenDue: true,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, &clients) })
}

func defaults(probe.ChannelType) Config { return Config{} }

// limits are for the time until the slowest sink shows the change. Two seconds is what it takes to turn from one screen
// to the other. After ten seconds attention is elsewhere (Nielsen 1993). Within a minute a reload of the page shows it.
func limits(probe.ChannelType) probe.Limits {
	return probe.Limits{Excellent: 2 * time.Second, Good: 10 * time.Second, Fair: time.Minute}
}
