package httpkind

import (
	"net/http"
	"net/url"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Site is a checked target, for kinds that make their requests themselves.
type Site struct {
	Client  *httpx.Client
	URL     *url.URL    // of the target
	Header  http.Header // for the site of the URL alone: what describes the device is the client's. The caller may change it
	Secrets []string    // values of it that no result may show
}

// Site checks a target and returns what asks it. device is what the customer's device sends of itself, to every host on
// the way; it may be nil. All mistakes are reported at once, as probe.FieldError values, joined.
func (o *Opener) Site(t *Target, setup probe.Setup, device http.Header) (Site, error) {
	m := mistakes{}
	target := t.parseURL(&m)
	t.validate(&m)
	headers := t.headers(&m, device)
	hosts := t.hosts(&m)
	client, err := o.clients.New(t.options(target, hosts, headers.everywhere, setup))
	if err != nil {
		m.add("tls", "%w", err) // all else that the client could dislike was left out
	}
	return Site{Client: client, URL: target, Header: headers.firstSite, Secrets: headers.secrets}, m.joined()
}
