package page

import (
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind page.
type Config struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Address of the page, http or https. It must not hold a password."`
	Profile       string                  `yaml:"profile" enum:"desktop,phone" doc:"Device that the page is asked for with: its user agent, client hints and viewport. Default: phone for mobile channels, else desktop."`
	Headers       map[string]string       `yaml:"headers" doc:"Further request headers, sent to every host on the way; they replace those of the profile."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value, sent to the first host only."`
	Redirects     Redirects               `yaml:"redirects" doc:"Which redirects are followed."`
	MaxBody       int64                   `yaml:"max_body" format:"bytes" min:"1KiB" max:"64MiB" doc:"Largest document that is read, both as transferred and decompressed. Default: 8MiB."`
	Expect        Expect                  `yaml:"expect" doc:"What the page must be like. Without any rule a 2xx status passes."`
	Resolver      string                  `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	AllowPrivate  bool                    `yaml:"allow_private" doc:"Let redirects lead from public to private addresses. Default: no."`
	TLS           TLS                     `yaml:"tls" doc:"How the certificate is verified."`
}

// Redirects says which redirects are followed.
type Redirects struct {
	Max            int      `yaml:"max" min:"0" max:"20" doc:"Most redirects that are followed; with 0 the redirect itself is the answer. Default: 10."`
	Hosts          []string `yaml:"hosts" doc:"Hosts that a redirect may lead to, beside that of the URL; *.example.com stands for all below it. Default: any."`
	AllowDowngrade bool     `yaml:"allow_downgrade" doc:"Follow redirects from https to http. Default: no."`
}

// Expect is what the page must be like. In title and final_url, * stands for any characters.
type Expect struct {
	Status    []string `yaml:"status" doc:"Status after redirects: codes, classes such as 2xx or ranges such as 200-204; any of them. Default: 2xx."`
	Text      []string `yaml:"text" doc:"Texts that customers must be able to read on the page, all of them. Markup, scripts and white space do not matter."`
	NotText   []string `yaml:"not_text" doc:"Texts that customers must not be able to read on the page."`
	Title     string   `yaml:"title" doc:"Title of the page; * stands for any characters."`
	FinalURL  string   `yaml:"final_url" doc:"Address after all redirects; * stands for any characters."`
	Index     *bool    `yaml:"index" doc:"Whether search engines may show the page: true finds a noindex, false its lack. Default: not checked."`
	Canonical string   `yaml:"canonical" doc:"Address that the page must name as its canonical one, or self for its own, campaign parameters aside."`
	Charset   string   `yaml:"charset" doc:"Character encoding that the page must have, such as utf-8."`
}

// TLS says how connections are secured.
type TLS struct {
	CAFile     string `yaml:"ca_file" format:"file" doc:"PEM file with the only authorities that are trusted. Default: the system's."`
	ServerName string `yaml:"server_name" doc:"Name that is asked for and verified instead of the URL's host."`
	CertFile   string `yaml:"cert_file" format:"file" doc:"PEM file with a client certificate and its chain."`
	KeyFile    string `yaml:"key_file" format:"file" doc:"PEM file with the key of the client certificate."`
}
