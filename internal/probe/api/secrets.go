package api

import (
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// hidden stands where a secret was.
const hidden = "[redacted]"

// secrets are values that the request sends and nobody may read. Services echo them: in error messages, in JSON, in
// redirects.
type secrets []string

// add hides a header value, and the credential in it without its scheme ("Bearer …").
func (s *secrets) add(value string) {
	*s = append(*s, value)
	if _, credential, ok := strings.Cut(value, " "); ok && credential != "" {
		*s = append(*s, credential)
	}
}

// hide replaces every secret in the texts of a result.
func (s secrets) hide(result *probe.Result) {
	if len(s) == 0 {
		return
	}
	pairs := make([]string, 0, 2*len(s))
	for _, secret := range s {
		pairs = append(pairs, secret, hidden)
	}
	replacer := strings.NewReplacer(pairs...)
	result.Detail = replacer.Replace(result.Detail)
	for i := range result.Findings {
		result.Findings[i].Detail = replacer.Replace(result.Findings[i].Detail)
	}
	for i := range result.Evidence.Exchanges {
		exchange := &result.Evidence.Exchanges[i]
		exchange.URL = replacer.Replace(exchange.URL)
		exchange.BodyStart = replacer.Replace(exchange.BodyStart)
		for j := range exchange.Header {
			exchange.Header[j].Value = replacer.Replace(exchange.Header[j].Value)
		}
	}
}
