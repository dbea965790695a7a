package probe

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Redaction hides secrets that a probe sends in the texts of its results, because services echo what they get: in error
// messages, in pages, in redirects. The zero value hides nothing. It is safe for concurrent use.
type Redaction struct {
	replacer *strings.Replacer
	forms    []string // of the secrets: as they are, and as URLs and quoted texts spell them
}

// NewRedaction hides the given secrets and, of those with a scheme such as "Bearer …", the credential alone as well, of
// Basic the password too.
func NewRedaction(secrets ...string) Redaction {
	var r Redaction
	var pairs []string
	hide := func(secret string) {
		quoted := strconv.Quote(secret)
		for _, form := range []string{secret, url.PathEscape(secret), url.QueryEscape(secret), quoted[1 : len(quoted)-1]} {
			if form != "" && !slices.Contains(r.forms, form) {
				r.forms = append(r.forms, form)
				pairs = append(pairs, form, Secret{}.String())
			}
		}
	}
	for _, secret := range secrets {
		hide(secret)
		scheme, credential, ok := strings.Cut(secret, " ")
		if !ok {
			continue
		}
		hide(credential)
		if decoded, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(decoded), ":")
			hide(password)
		}
	}
	if len(pairs) > 0 {
		r.replacer = strings.NewReplacer(pairs...)
	}
	return r
}

// Text returns text without the secrets. Texts are cut before they come here, so that one may end in the middle of a
// secret; what is left of it is hidden too.
func (r Redaction) Text(text string) string {
	if r.replacer == nil {
		return text
	}
	rest := r.replacer.Replace(text)
	var clean strings.Builder
	for {
		at, mark := cutAt(rest)
		clean.WriteString(r.hideBeginning(rest[:at]))
		if mark == "" {
			return clean.String()
		}
		clean.WriteString(mark)
		rest = rest[at+len(mark):]
	}
}

// cutAt returns where a text was first cut, and the mark there: an ellipsis, also behind a quotation mark, and what
// stands for the value of a query in a URL. A text without one was cut at its end, if at all.
func cutAt(text string) (at int, mark string) {
	at = len(text)
	for _, m := range []string{`"…`, "…", "=xxx", "xxx"} {
		if i := strings.Index(text, m); i >= 0 && i < at {
			at, mark = i, m
		}
	}
	return at, mark
}

// leastBeginning is how many characters of a secret are recognised as its beginning: fewer would hide ordinary words,
// and give away next to nothing.
const leastBeginning = 4

// hideBeginning hides the beginning of a secret at the end of a text.
func (r Redaction) hideBeginning(text string) string {
	for _, form := range r.forms {
		for n := min(len(form)-1, len(text)); n >= leastBeginning; n-- {
			if strings.HasSuffix(text, form[:n]) {
				return text[:len(text)-n] + Secret{}.String()
			}
		}
	}
	return text
}

// Hide removes the secrets from all texts of a result that the service has a say in. It changes the evidence in place.
func (r Redaction) Hide(result *Result) {
	if r.replacer == nil {
		return
	}
	result.Detail = r.Text(result.Detail)
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
}
