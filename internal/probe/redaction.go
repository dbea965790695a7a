package probe

import "strings"

// Redaction hides secrets that a probe sends in the texts of its results, because services echo what they get: in error
// messages, in pages, in redirects. The zero value hides nothing. It is safe for concurrent use.
type Redaction struct{ replacer *strings.Replacer }

// NewRedaction hides the given secrets and, of those with a scheme such as "Bearer …", the credential alone as well.
func NewRedaction(secrets ...string) Redaction {
	var pairs []string
	hide := func(secret string) {
		if secret != "" {
			pairs = append(pairs, secret, Secret{}.String())
		}
	}
	for _, secret := range secrets {
		hide(secret)
		if _, credential, ok := strings.Cut(secret, " "); ok {
			hide(credential)
		}
	}
	if len(pairs) == 0 {
		return Redaction{}
	}
	return Redaction{strings.NewReplacer(pairs...)}
}

// Text returns text without the secrets.
func (r Redaction) Text(text string) string {
	if r.replacer == nil {
		return text
	}
	return r.replacer.Replace(text)
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
