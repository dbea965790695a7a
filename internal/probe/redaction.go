package probe

import (
	"encoding/base64"
	"slices"
	"strings"
)

// leastSecret is how many bytes of a secret are hidden at least, be it the whole or what a cut left of it: fewer would
// shred ordinary words, and give away next to nothing. Secret.Read refuses shorter ones.
const leastSecret = 4

// Redaction hides secrets that a probe sends in the texts of its results, because services echo what they get: in error
// messages, in pages, in redirects, and in the spelling that is usual there. The zero value hides nothing. It is safe
// for concurrent use.
type Redaction struct {
	secrets []string
	starts  [256]bool // bytes that a spelling of a secret can begin with
}

// NewRedaction hides the given secrets and their parts that are secrets too: of those with a scheme such as "Bearer …"
// the credential alone, of Basic the password, of cookies the values. Those of less than four bytes are not hidden.
func NewRedaction(secrets ...string) Redaction {
	var r Redaction
	hide := func(secret string) {
		if len(secret) >= leastSecret && !slices.Contains(r.secrets, secret) {
			r.secrets = append(r.secrets, secret)
			r.starts[secret[0]] = true
		}
	}
	for _, secret := range secrets {
		hide(secret)
		for cookie := range strings.SplitSeq(secret, ";") {
			_, value, _ := strings.Cut(cookie, "=")
			hide(strings.Trim(value, ` "`))
		}
		scheme, credential, _ := strings.Cut(secret, " ")
		hide(credential)
		if decoded, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(decoded), ":")
			hide(password)
		}
	}
	for _, lead := range escapeLeads {
		r.starts[lead] = true
	}
	return r
}

// Text returns text without the secrets. Texts are cut before they come here, so that one may end in the middle of a
// secret; what is left of it is hidden too.
func (r Redaction) Text(text string) string {
	if len(r.secrets) == 0 {
		return text
	}
	var clean strings.Builder
	hidden := 0 // end of the secrets found so far
	for at := range len(text) {
		if !r.starts[text[at]] {
			continue
		}
		n := r.longest(text[at:])
		if n == 0 {
			continue
		}
		// Secrets can overlap; together they are hidden as one.
		if at >= hidden {
			clean.WriteString(text[hidden:at])
			clean.WriteString(Secret{}.String())
		}
		hidden = max(hidden, at+n)
	}
	clean.WriteString(text[hidden:])
	return clean.String()
}

// Error returns err with a text without the secrets, because errors of requests name their URLs. What is wrapped in it can
// be told, but must not be printed.
func (r Redaction) Error(err error) error {
	if err == nil {
		return nil
	}
	return &redactedError{r.Text(err.Error()), err}
}

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }

func (e *redactedError) Unwrap() error { return e.err }

// longest returns how many bytes at the beginning of text the longest secret there takes up; 0 for none.
func (r Redaction) longest(text string) int {
	n := 0
	for _, secret := range r.secrets {
		n = max(n, spelled(secret, text))
	}
	return n
}

// Hide removes the secrets from all texts of a result that the service has a say in. It changes the evidence in place.
func (r Redaction) Hide(result *Result) {
	if len(r.secrets) == 0 {
		return
	}
	result.Detail = r.Text(result.Detail)
	result.Slowest = r.Text(result.Slowest)
	for i := range result.Findings {
		result.Findings[i].Detail = r.Text(result.Findings[i].Detail)
	}
	if result.Evidence == nil {
		return
	}
	for i := range result.Evidence.Exchanges {
		exchange := &result.Evidence.Exchanges[i]
		exchange.URL = r.Text(exchange.URL)
		exchange.BodyStart = r.Text(exchange.BodyStart)
		for j := range exchange.Header {
			exchange.Header[j].Value = r.Text(exchange.Header[j].Value)
		}
	}
	for i := range result.Evidence.Events {
		result.Evidence.Events[i].Text = r.Text(result.Evidence.Events[i].Text)
	}
	for i := range result.Evidence.Steps {
		result.Evidence.Steps[i].Detail = r.Text(result.Evidence.Steps[i].Detail)
	}
	for i := range result.Evidence.Visits {
		r.hideVisit(&result.Evidence.Visits[i])
	}
}

// hideVisit removes the secrets from all texts of a visit: a page can put what was typed into it anywhere. Pictures are
// the kind's to keep free of them.
func (r Redaction) hideVisit(visit *Visit) {
	hide := func(texts ...*string) {
		for _, text := range texts {
			*text = r.Text(*text)
		}
	}
	hide(&visit.URL, &visit.Content.Title, &visit.Content.Heading)
	if visit.Largest != nil {
		largest := *visit.Largest // others may hold it, too
		hide(&largest.Selector, &largest.URL)
		visit.Largest = &largest
	}
	for i := range visit.Shifts {
		hide(&visit.Shifts[i].Selector)
	}
	for i := range visit.Requests {
		request := &visit.Requests[i]
		hide(&request.URL, &request.Site, &request.MIME, &request.Error)
	}
	for i := range visit.Console {
		hide(&visit.Console[i].Text, &visit.Console[i].URL)
	}
}
