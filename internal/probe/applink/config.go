package applink

import (
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind applink.
type Config struct {
	URL      string       `yaml:"url" required:"true" format:"url" doc:"Site whose links open the app: https://, host and no path."`
	IOS      ios          `yaml:"ios" doc:"The app on iPhones, if there is one."`
	Android  android      `yaml:"android" doc:"The app on Android, if there is one."`
	Resolver string       `yaml:"resolver" doc:"DNS server for the site, as host:port. Default: the system's."`
	TLS      httpkind.TLS `yaml:"tls" doc:"How the site's certificate is verified."`
}

type ios struct {
	AppIDs  []string `yaml:"app_ids" doc:"Application identifiers that the site has to name, such as ABCDE12345.com.example.shop."`
	Links   []string `yaml:"links" doc:"Addresses of the site that have to open each of the apps."`
	Copy    string   `yaml:"copy" format:"url" doc:"Where Apple keeps its copy, which iPhones ask for. Empty: it is not looked at, as of sites that only an intranet reaches."`
	Release release  `yaml:"release" doc:"Whether the remote configuration lets the version in the store work."`
}

type android struct {
	Package      string   `yaml:"package" doc:"Name of the app's package, such as com.example.shop."`
	Fingerprints []string `yaml:"fingerprints" doc:"SHA-256 fingerprints of keys that sign the app, in capitals with colons; the site has to name one of them."`
	Release      release  `yaml:"release" doc:"Whether the remote configuration lets the version in the store work."`
}

type release struct {
	Config  string   `yaml:"config" format:"url" doc:"Remote configuration of the app, a JSON document. Results hide the values of its query."`
	Minimum string   `yaml:"minimum" doc:"JSONPath of the oldest version that still works, such as $.ios.min_supported_version."`
	Version string   `yaml:"version" doc:"Newest version in the store, where the store cannot be asked."`
	Store   []string `yaml:"store" doc:"What tells the newest version in the store, one address for each country, such as https://itunes.apple.com/lookup?id=1&country=de."`
	Path    string   `yaml:"path" doc:"JSONPath of the version in what the store tells. Default: as Apple tells it."`
}

// Where Apple keeps copies of the files of all sites, and how its lookup tells a version.
const (
	appleCopy    = "https://app-site-association.cdn-apple.com"
	appleVersion = "$.results[0].version"
)

func defaults(probe.ChannelType) Config {
	return Config{
		IOS:     ios{Copy: appleCopy, Release: release{Path: appleVersion}},
		Android: android{Release: release{Path: appleVersion}},
	}
}
