package page

import (
	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The checks that only this kind has.
const (
	bodyEmpty         probe.CheckID = "body_empty"
	titleWrong        probe.CheckID = "title_wrong"
	finalURLWrong     probe.CheckID = "final_url_wrong"
	noindexUnexpected probe.CheckID = "noindex_unexpected"
	indexUnexpected   probe.CheckID = "index_unexpected"
	canonicalWrong    probe.CheckID = "canonical_wrong"
	charsetWrong      probe.CheckID = "charset_wrong"
	notHTTPS          probe.CheckID = "not_https"
	notCompressed     probe.CheckID = "not_compressed"
)

// checks returns what a page can be found to be, beside what the shared reasons say.
func checks() []probe.Check {
	list := []probe.Check{
		{
			ID: bodyEmpty, Dimension: probe.Correct, Cap: probe.Poor, Title: "empty page",
			Marketing: "Customers see an empty page.",
			IT:        "The status is fine but the body has no bytes; check templates, caches and upstreams.",
		},
		{
			ID: titleWrong, Dimension: probe.Correct, Cap: probe.Fair, Title: "wrong title",
			Marketing: "The page has another title than agreed, in the browser and in search results.",
			IT:        "The first title element does not match expect.title; check whether the right page or template is served.",
		},
		{
			ID: finalURLWrong, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong landing page",
			Marketing: "Customers land on another page than they should.",
			IT:        "The URL after all redirects does not match expect.final_url; see the way there in the evidence.",
		},
		{
			ID: noindexUnexpected, Dimension: probe.Correct, Cap: probe.Poor, Title: "hidden from search",
			Marketing: "Search engines are told to leave this page out, so that customers will not find it.",
			IT:        "A robots meta element or X-Robots-Tag says noindex, but expect.index is true; check the template and the CDN.",
		},
		{
			ID: indexUnexpected, Dimension: probe.Correct, Cap: probe.Fair, Title: "open to search",
			Marketing: "Search engines may show this page although it should stay out of search results.",
			IT:        "No robots meta element or X-Robots-Tag says noindex to all, but expect.index is false; add one.",
		},
		{
			ID: canonicalWrong, Dimension: probe.Correct, Cap: probe.Fair, Title: "wrong canonical address",
			Marketing: "Search engines are told that another page is the real one, which costs this page its rank.",
			IT:        "The canonical link is missing, double or not what expect.canonical wants; check the template and the host it builds links with.",
		},
		{
			ID: charsetWrong, Dimension: probe.Correct, Cap: probe.Fair, Title: "garbled text",
			Marketing: "Customers see garbled letters.",
			IT:        "The bytes of the page do not fit its character encoding, or it is not the one that is expected; check Content-Type.",
		},
		{
			ID: notHTTPS, Dimension: probe.Trusted, Cap: probe.Fair, Title: "not secure",
			Marketing: "Browsers mark this page as not secure.",
			IT:        "The page is served by plain http; add a redirect to https.",
		},
		{
			ID: notCompressed, Dimension: probe.Fast, Cap: probe.Good, Title: "not compressed",
			Marketing: "Customers download more than they need to, which they notice on slow connections.",
			IT:        "A text of more bytes than fit into the first round trip came without Content-Encoding; add gzip, br or zstd.",
		},
	}
	for _, check := range assert.Checks() {
		switch check.ID {
		case assert.StatusUnexpected, assert.TextMissing, assert.TextForbidden:
			list = append(list, check)
		}
	}
	return list
}
