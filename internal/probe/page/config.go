package page

import (
	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
)

// Config is the "with" block of a touchpoint of kind page.
type Config struct {
	httpkind.Target `yaml:",inline"`

	Profile string      `yaml:"profile" enum:"desktop,phone" doc:"Device that the page is asked for with: its user agent, client hints and viewport. Default: phone for mobile channels, else desktop."`
	Assert  assert.List `yaml:"assert" doc:"What else must hold of the page's source, each with a name, how much it matters, and sentences of your own."`
	Expect  Expect      `yaml:"expect" doc:"What the page must be like. Without any rule a 2xx status passes."`
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
