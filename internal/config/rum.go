package config

// RUM is how the agent listens to what customers' own browsers measure (real user monitoring).
type RUM struct {
	Listen         string   `yaml:"listen" doc:"address where beacons arrive, open to customers behind your own TLS; default: nobody listens"`
	Apps           []RUMApp `yaml:"apps" doc:"the websites that may send beacons"`
	Sample         float64  `yaml:"sample" min:"0.0001" max:"1" doc:"share of page views that report, chosen in the customer's browser"`
	TrustedProxies []string `yaml:"trusted_proxies" doc:"addresses or networks whose X-Forwarded-For tells who asks; it is used to limit how often, and kept nowhere"`
}

// RUMApp is one website of a channel.
type RUMApp struct {
	Channel string     `yaml:"channel" required:"true" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"channel that its figures are of"`
	Origins []string   `yaml:"origins" doc:"origins whose pages may send, such as https://www.example.com"`
	Groups  []RUMGroup `yaml:"groups" doc:"groups of pages, the first that fits counts; default: all are other"`
}

// RUMGroup is a group of pages that are looked at together.
type RUMGroup struct {
	Name string `yaml:"name" required:"true" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"name, a label of its metrics; that of a touchpoint of the channel is compared with it"`
	Path string `yaml:"path" required:"true" format:"regex" doc:"regular expression that fits the path of its pages"`
}

func defaultRUM() RUM { return RUM{Sample: 1} }
