package journey

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind journey.
type Config struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Where the journey begins, http or https. Paths of steps are of its host."`
	Headers       map[string]string       `yaml:"headers" doc:"Headers of all requests. What describes the device is sent to every host, all others to the site of the url alone."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Headers with a secret value, sent to the site of the url alone."`
	Variables     map[string]string       `yaml:"variables" doc:"Texts that steps use as {{name}}. {{run}} is always there: a text that no other run has."`
	Secrets       map[string]probe.Secret `yaml:"secrets" doc:"Secret texts that steps use as {{name}}. Results hide them."`
	Writes        bool                    `yaml:"writes" doc:"Needed when a step has a method other than GET, HEAD and OPTIONS and so may change something. Such a journey is walked when it is due only."`
	Steps         []Step                  `yaml:"steps" required:"true" doc:"What the customer does, in order; at most 20."`
	Cleanup       []Step                  `yaml:"cleanup" doc:"Undoes what the steps did, also after a failure; at most 10. A step without all its variables is skipped."`
	Redirects     httpkind.Redirects      `yaml:"redirects" doc:"Which redirects are followed."`
	MaxBody       int64                   `yaml:"max_body" format:"bytes" min:"1KiB" max:"64MiB" doc:"Largest body that is read, both as transferred and decompressed."`
	Resolver      string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	AllowPrivate  bool                    `yaml:"allow_private" doc:"Let redirects lead from public to private addresses. Default: no."`
	TLS           httpkind.TLS            `yaml:"tls" doc:"How certificates are verified."`
}

// Step is one request of a journey. Variables stand in its texts as {{name}}, and are escaped for where they stand.
type Step struct {
	Name    string            `yaml:"name" required:"true" pattern:"^[a-z][a-z0-9_-]{0,39}$" doc:"Short name for metrics, unique in the journey."`
	Title   string            `yaml:"title" required:"true" doc:"What the customer does, in the customer's words, such as Search for shoes."`
	URL     string            `yaml:"url" doc:"Path such as /cart, whole address, or one variable with a link that an earlier step found. Default: the url of the journey."`
	Method  string            `yaml:"method" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" doc:"Method of the request. Default: GET; with body, json or form POST."`
	Headers map[string]string `yaml:"headers" doc:"Headers of this request. Credentials take their secret from a variable."`
	Body    string            `yaml:"body" format:"hidden" doc:"Body of the request. With variables it needs a Content-Type of JSON, form, XML or text/plain."`
	JSON    any               `yaml:"json" doc:"Body of the request, written as YAML and sent as JSON. Passwords belong into secrets."`
	Form    map[string]string `yaml:"form" doc:"Body of the request, sent as the fields of a form. Passwords belong into secrets."`
	Budget  time.Duration     `yaml:"budget" doc:"Longest time of this step that is good; longer is fair. Default: none."`
	Expect  assert.Rules      `yaml:"expect" doc:"What the response must be like. Without any rule a 2xx status passes."`
	Assert  assert.List       `yaml:"assert" doc:"Named rules with a severity. A broken one of severity poor ends the journey."`
	Extract []Extract         `yaml:"extract" doc:"Values to take out of the response, for later steps; at most 20."`
}

// Extract takes one value out of the answer of a step. Exactly one of the fields from JSONPath to Regex is set.
type Extract struct {
	Name      string `yaml:"name" required:"true" pattern:"^[a-z][a-z0-9_]{0,39}$" doc:"Name of the variable, unique in the journey."`
	JSONPath  string `yaml:"jsonpath" doc:"JSONPath (RFC 9535) of a text, number or boolean, such as $.token; the first that it selects."`
	Header    string `yaml:"header" doc:"Name of a response header."`
	Cookie    string `yaml:"cookie" doc:"Name of a cookie that the site has set. Results hide its value."`
	CSS       string `yaml:"css" doc:"CSS selector of an element of the page, such as input[name=csrf]; the first that it selects."`
	Attribute string `yaml:"attribute" doc:"Attribute of the element that css selects, such as value or href. Default: its text."`
	Regex     string `yaml:"regex" format:"regex" doc:"Regular expression (RE2) in the body; its first group, or all that it matches."`
	Secret    bool   `yaml:"secret" doc:"Hide the value in results. Values in credential headers are always hidden."`
}

// Defaults and bounds.
const (
	defaultRedirects = 10 // as browsers' users meet them on login
	defaultMaxBody   = 2 << 20

	maxSteps    = 20 // label values of a metric; see probe.Profile.Values
	maxCleanup  = 10
	maxExtracts = 20
	maxTitle    = 80      // characters
	maxValue    = 4 << 10 // bytes of a value that was extracted
)

func defaults(probe.ChannelType) Config {
	return Config{Redirects: httpkind.Redirects{Max: defaultRedirects}, MaxBody: defaultMaxBody}
}

// target returns what all kinds of HTTP check alike.
func (c *Config) target() *httpkind.Target {
	return &httpkind.Target{
		URL: c.URL, Headers: c.Headers, SecretHeaders: c.SecretHeaders, Redirects: c.Redirects, MaxBody: c.MaxBody,
		Resolver: c.Resolver, AllowPrivate: c.AllowPrivate, TLS: c.TLS,
	}
}
