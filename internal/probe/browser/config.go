package browser

import (
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is the "with" block of a touchpoint of kind browser.
type Config struct {
	URL             string   `yaml:"url" required:"true" format:"url" doc:"Address to open, http or https. It must not hold a password."`
	Profile         string   `yaml:"profile" enum:"desktop,mobile,mobile-slow,native" doc:"Device: desktop (40 ms, 10 Mbit/s), mobile (150 ms, 1.6 Mbit/s), mobile-slow (300 ms, 0.7 Mbit/s), native (as it is). Default: by channel."`
	Compat          string   `yaml:"compat" enum:"lighthouse" doc:"lighthouse: slow the line down in the browser as Lighthouse does, to compare with it; it hides delays of servers. Default: in the agent's proxy."`
	CPU             float64  `yaml:"cpu" min:"1" max:"4" doc:"How many times slower the page's processor is. More than 1 costs the agent three to five times as much processor. Default: 1."`
	Runs            int      `yaml:"runs" min:"1" max:"5" doc:"Loads of one probe, an odd number; the one with the median Largest Contentful Paint is published. Default: 1."`
	Warm            bool     `yaml:"warm" doc:"Measure the second load of the same visitor, with what is in the cache. Default: the first."`
	Steps           []Step   `yaml:"steps" doc:"What a customer does on the page once it has come to rest, in order; each is one of goto, click, type, wait and assert."`
	Expect          Expect   `yaml:"expect" doc:"What the page must be like, after the steps. Without any rule a 2xx status passes."`
	ApprovedDomains []string `yaml:"approved_domains" doc:"Domains that third parties of the page may have; each stands for all below it. Others are found by name. Default: not judged."`
	Budget          Budget   `yaml:"budget" doc:"What the page may weigh. Default: not judged."`
	BlockHosts      []string `yaml:"block_hosts" doc:"Hosts that are never asked, such as those of web analytics; *.example.com stands for all below it."`
	Resolver        string   `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	AllowPrivate    bool     `yaml:"allow_private" doc:"Let the page and its parts come from private and loopback addresses, as those of an intranet do. Default: no."`
}

// Step is one thing that a customer does. Exactly one of its actions is set.
type Step struct {
	Name   string    `yaml:"name" doc:"What the customer does here, in the owner's words; results name the step by it."`
	Goto   string    `yaml:"goto" format:"url" doc:"Open this address."`
	Click  string    `yaml:"click" doc:"Click the element with this CSS selector."`
	Type   *TypeStep `yaml:"type" doc:"Type a text."`
	Wait   *Sight    `yaml:"wait" doc:"Wait until this is to be seen."`
	Assert *Sight    `yaml:"assert" doc:"What must be to be seen now."`
}

// TypeStep is a text and where it is typed.
type TypeStep struct {
	Selector string       `yaml:"selector" required:"true" doc:"CSS selector of the field."`
	Text     string       `yaml:"text" doc:"Text to type; credentials belong into secret."`
	Secret   probe.Secret `yaml:"secret" doc:"Text to type that must not be seen. It is hidden in texts of results, and pictures end before it is typed."`
}

// Sight is what a customer can see. Exactly one is set.
type Sight struct {
	Selector string `yaml:"selector" doc:"An element with this CSS selector."`
	Text     string `yaml:"text" doc:"A text that can be read on the page; white space does not matter."`
	URL      string `yaml:"url" doc:"The address of the page; * stands for any characters."`
	Title    string `yaml:"title" doc:"The title of the page; * stands for any characters."`
}

// Expect is what the page must be like.
type Expect struct {
	Status   []string `yaml:"status" doc:"Status of the page after redirects: codes, classes such as 2xx or ranges such as 200-204; any of them. Default: 2xx."`
	Text     []string `yaml:"text" doc:"Texts that customers must be able to read on the page, all of them. White space does not matter."`
	NotText  []string `yaml:"not_text" doc:"Texts that customers must not be able to read on the page."`
	Selector []string `yaml:"selector" doc:"CSS selectors that must find an element, all of them."`
	Title    string   `yaml:"title" doc:"Title of the page; * stands for any characters."`
	FinalURL string   `yaml:"final_url" doc:"Address of the page in the end; * stands for any characters."`
}

// Budget is what a page may weigh at most. A field that is absent is not judged.
type Budget struct {
	Bytes           *int64 `yaml:"bytes" format:"bytes" min:"1" doc:"Transferred by the page and all of its parts."`
	Requests        *int   `yaml:"requests" min:"1" doc:"Requests of the page and all of its parts."`
	ThirdPartySites *int   `yaml:"third_party_sites" min:"0" doc:"Registrable domains beside that of the page."`
	JSErrors        *int   `yaml:"js_errors" min:"0" doc:"JavaScript errors that nobody caught."`
}
