// Package assert checks what a response must look like, over one buffered response: Rules are the plain expectations of
// an "expect" block, a List is one of named rules with a severity each. Status, header, text, regular expressions, JSON
// paths, JSON Schema, CEL expressions, size, duration and certificate can be expected in any combination. Every rule is
// compiled when the configuration is loaded and evaluated on every response; a rule never consumes what the next one
// reads.
//
// The kinds that have a response share it. It imports package probe and libraries for JSONPath, JSON Schema and CEL, of
// which it is the only importer. It sends nothing, reads nothing from the network and rates nothing.
package assert

import (
	"errors"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Rules are what a response is expected to be: the "expect" block of a kind's configuration. The zero value expects a
// 2xx status and nothing else.
type Rules struct {
	Status      []string     `yaml:"status" doc:"Status after redirects: codes, classes such as 2xx or ranges such as 200-204; any of them. Default: 2xx."`
	ContentType []string     `yaml:"content_type" doc:"Media types without parameters, such as application/json or image/*; any of them."`
	Header      []HeaderRule `yaml:"header" doc:"What response headers must be."`
	Contains    []string     `yaml:"contains" doc:"Texts that the body must hold, all of them."`
	NotContains []string     `yaml:"not_contains" doc:"Texts that the body must not hold."`
	JSON        []JSONRule   `yaml:"json" doc:"What JSON paths must select."`
	Size        SizeRule     `yaml:"size" doc:"Bounds of the decompressed body."`
	Duration    DurationRule `yaml:"duration" doc:"Bound of the time to the end of the body."`
}

// SizeRule bounds the decoded body, in bytes, both ends included.
type SizeRule struct {
	Min int64  `yaml:"min" format:"bytes" min:"0" doc:"Fewest bytes."`
	Max *int64 `yaml:"max" format:"bytes" min:"0" doc:"Most bytes."`
}

// DurationRule bounds the time from the start of the probe to the end of the body. It is apart from the limits that
// rate speed: to be over it is always poor.
type DurationRule struct {
	Max time.Duration `yaml:"max" doc:"Longest time; to be over it is poor, whatever the limits say."`
}

// Response is one complete answer. The rules only read it.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte    // decoded
	Start    time.Time // what is left of the certificate's lifetime counts from here
	Duration time.Duration
	Phases   probe.Phases

	NotBefore, NotAfter time.Time // of the server's certificate; zero without TLS
}

// Set is a compiled set of rules. It is immutable and safe for concurrent use.
type Set struct {
	status check
	checks []check // all others but JSON paths
	json   []jsonCheck
}

// check looks at a response and returns what is wrong with it, or nil.
type check func(*Response) *probe.Finding

// Compile checks the rules and makes them ready. field is their path below "with", such as "expect"; all mistakes are
// reported at once, as probe.FieldError values, joined.
func (r *Rules) Compile(field string) (*Set, error) {
	status, errStatus := compileStatus(field+".status", r.Status)
	set := &Set{status: status}
	errs := []error{errStatus}
	add := func(c check, err error) {
		errs = append(errs, err)
		if err == nil && c != nil {
			set.checks = append(set.checks, c)
		}
	}
	add(compileContentType(field+".content_type", r.ContentType))
	for i := range r.Header {
		add(r.Header[i].compile(at(field+".header", i)))
	}
	for i, text := range r.Contains {
		add(compileContains(at(field+".contains", i), text, true))
	}
	for i, text := range r.NotContains {
		add(compileContains(at(field+".not_contains", i), text, false))
	}
	add(r.Size.compile(field + ".size"))
	add(r.Duration.compile(field + ".duration"))
	for i := range r.JSON {
		c, err := r.JSON[i].compile(at(field+".json", i))
		errs = append(errs, err)
		set.json = append(set.json, c)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return set, nil
}

// Check evaluates every rule and returns one finding for each that fails, in the order of the fields of Rules, JSON
// paths last. An unexpected status is the only finding, because whatever else an error page looks like is no news. A
// body that JSON paths cannot be applied to is one finding, json_invalid.
func (s *Set) Check(response *Response) []probe.Finding {
	if finding := s.status(response); finding != nil {
		return []probe.Finding{*finding}
	}
	var findings []probe.Finding
	for _, check := range s.checks {
		if finding := check(response); finding != nil {
			findings = append(findings, *finding)
		}
	}
	if len(s.json) == 0 {
		return findings
	}
	document, err := parseJSON(response.Body)
	if err != nil {
		return append(findings, *probe.Findingf(JSONInvalid, "%v; the body starts with %s", err, quote(start(response.Body))))
	}
	for i := range s.json {
		if finding := s.json[i].check(document); finding != nil {
			findings = append(findings, *finding)
		}
	}
	return findings
}
