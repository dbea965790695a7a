package page

import (
	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// rules are the compiled expectations. They are immutable.
type rules struct {
	asserts  *assert.Set        // status and texts
	list     *assert.Assertions // the operator's own; nil for none
	document bool               // whether any rule needs what the document says, so that it must be read
	each     []rule
}

// view is a complete answer in the forms that rules look at.
type view struct {
	*httpx.Response

	content  content
	document document // empty when no rule needs it
}

// rule looks at an answer and returns what is wrong with it, or nil.
type rule func(*view) *probe.Finding

// conclude returns what is wrong with a complete answer. It depends on nothing but the rules and the answer. What else
// an answer with an unexpected status looks like is no news: error pages do.
func (r *rules) conclude(response *httpx.Response) []probe.Finding {
	v := &view{Response: response, content: newContent(response.Header, response.Body)}
	if r.document {
		v.document = v.content.document()
	}
	findings := r.asserts.Check(&assert.Response{Status: response.Status, Header: response.Header, Body: v.document.text})
	if len(findings) > 0 && findings[0].Check == assert.StatusUnexpected {
		return findings
	}
	for _, rule := range r.each {
		if finding := rule(v); finding != nil {
			findings = append(findings, *finding)
		}
	}
	if r.list == nil {
		return findings
	}
	return append(findings, r.list.Check(&assert.Response{
		Status: response.Status, Header: response.Header, Body: response.Body,
		Start: response.Start, Duration: response.Duration, Phases: response.Phases, NotBefore: response.NotBefore, NotAfter: response.NotAfter,
	})...)
}
