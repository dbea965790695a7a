package assert

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// List is a list of named rules: the "assert" block of a kind's configuration. Each rule says one thing, and how much it
// matters. The zero value expects nothing.
type List []Rule

// Rule is one named expectation of a response. Exactly one of the fields from Status on is set.
type Rule struct {
	Name      string `yaml:"name" required:"true" doc:"What is expected, in a few words that both sides understand; unique in its list."`
	Severity  string `yaml:"severity" enum:"poor,fair,good,info" doc:"Best rating that a response can have when it breaks the rule; info only tells. Default: poor."`
	Marketing string `yaml:"marketing" doc:"What it means for customers when the rule is broken, in one sentence."`
	IT        string `yaml:"it" doc:"What to look at when the rule is broken, in one sentence."`

	Status         []string      `yaml:"status" doc:"Status after redirects: codes, classes such as 2xx or ranges such as 200-204; any of them."`
	Header         *HeaderRule   `yaml:"header" doc:"What a response header must be."`
	Contains       string        `yaml:"contains" doc:"Text that the body must hold."`
	NotContains    string        `yaml:"not_contains" doc:"Text that the body must not hold."`
	Regex          string        `yaml:"regex" format:"regex" doc:"Regular expression (RE2) that is found anywhere in the body."`
	NotRegex       string        `yaml:"not_regex" format:"regex" doc:"Regular expression (RE2) that is found nowhere in the body."`
	JSONPath       *JSONRule     `yaml:"jsonpath" doc:"What a JSON path must select."`
	CEL            string        `yaml:"cel" doc:"CEL expression that is true, over status, headers, body, json, timings, duration and cert; times are seconds."`
	Size           *SizeRule     `yaml:"size" doc:"Bounds of the decompressed body."`
	Duration       *DurationRule `yaml:"duration" doc:"Bound of the time to the end of the body."`
	Cert           *CertRule     `yaml:"cert" doc:"How long the server's certificate is valid."`
	JSONSchema     any           `yaml:"json_schema" doc:"JSON Schema (draft 2020-12, or as its $schema says) that the body satisfies, written as YAML. It refers to nothing outside of itself."`
	JSONSchemaFile string        `yaml:"json_schema_file" format:"file" doc:"File with that JSON Schema, at most 1 MiB."`
}

// Bounds of what operators write, in characters: names are titles on pages.
const (
	maxRules    = 100
	maxName     = 80
	maxSentence = 300
)

// evaluation bounds the time that CEL rules of one response may take together, so that none holds up a probe that is
// over. What they cost is bounded as well, and stops them long before on a host that is not starved.
const evaluation = 2 * time.Second

// Assertions is a compiled List. It is immutable and safe for concurrent use.
type Assertions struct{ rules []assertion }

// assertion is a compiled Rule.
type assertion struct {
	rule *Rule
	test test
}

// test returns what is wrong with a response, or nothing. An error says that the rule cannot be applied to it.
type test func(*subject) (wrong string, err error)

// Compile checks the rules and makes them ready. field is the path of the list below "with", such as "assert"; all
// mistakes are reported at once, as probe.FieldError values, joined.
func (l List) Compile(field string) (*Assertions, error) {
	if len(l) > maxRules {
		return nil, probe.Fieldf(field, "%d rules, want at most %d", len(l), maxRules)
	}
	c := newCompiler()
	compiled := &Assertions{rules: make([]assertion, len(l))}
	var errs []error
	seen := make(map[string]int, len(l))
	for i := range l {
		rule := l[i]
		if first, double := seen[rule.Name]; double && rule.Name != "" {
			errs = append(errs, probe.Fieldf(at(field, i)+".name", "%q is the name of %s too, want one of its own", rule.Name, at(field, first)))
		} else {
			seen[rule.Name] = i
		}
		test, err := rule.compile(c, at(field, i))
		errs = append(errs, err)
		compiled.rules[i] = assertion{&rule, test}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return compiled, nil
}

// JudgesStatus reports whether a rule of severity poor says which status is right. A kind that would else expect 2xx
// leaves the status to the list then.
func (l List) JudgesStatus() bool {
	return slices.ContainsFunc(l, func(r Rule) bool { return len(r.Status) > 0 && (r.Severity == "" || r.Severity == "poor") })
}

// ReadsBody reports whether a rule can only hold for a response that has a body, which answers to HEAD never do.
func (l List) ReadsBody() bool {
	return slices.ContainsFunc(l, func(r Rule) bool {
		document := r.JSONPath != nil || r.JSONSchema != nil || r.JSONSchemaFile != ""
		return document || r.Contains != "" || r.Regex != "" || r.Size != nil && r.Size.Min > 0 || readsAny(r.CEL, "body", "json")
	})
}

// compile checks one rule and makes it ready.
func (r *Rule) compile(c *compiler, field string) (test, error) {
	var errs []error
	for _, text := range []struct {
		key, value string
		limit      int
	}{{"name", r.Name, maxName}, {"marketing", r.Marketing, maxSentence}, {"it", r.IT, maxSentence}} {
		if n := utf8.RuneCountInString(text.value); n > text.limit || strings.ContainsFunc(text.value, unicode.IsControl) {
			errs = append(errs, probe.Fieldf(field+"."+text.key, "%d characters, want one line of at most %d", n, text.limit))
		}
	}
	if strings.TrimSpace(r.Name) == "" {
		errs = append(errs, probe.Fieldf(field+".name", "is empty, want a few words"))
	}
	if severityCheck(r.Severity) == "" {
		errs = append(errs, probe.Fieldf(field+".severity", "%q: want poor, fair, good or info", r.Severity))
	}
	var set []string
	var compiled test
	for _, condition := range conditions() {
		if !condition.isSet(r) {
			continue
		}
		set = append(set, condition.key)
		test, err := condition.compile(c, r, field+"."+condition.key)
		errs = append(errs, err)
		compiled = test
	}
	if len(set) != 1 {
		errs = append(errs, r.miscounted(field, set))
	}
	return compiled, errors.Join(errs...)
}

// miscounted says that a rule sets no condition or several.
func (r *Rule) miscounted(field string, set []string) error {
	if len(set) > 0 {
		return probe.Fieldf(field, "sets %s, want one of them and a rule for each other", strings.Join(set, " and "))
	}
	var keys []string
	for _, c := range conditions() {
		keys = append(keys, c.key)
	}
	return probe.Fieldf(field, "expects nothing, want one of %s", strings.Join(keys, ", "))
}

// Check tries every rule on a response and returns one finding for each that does not hold, in their order. No rule
// depends on another. A rule that cannot be applied is AssertionError, unless breaking it would weigh less.
func (a *Assertions) Check(response *Response) []probe.Finding {
	if len(a.rules) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), evaluation)
	defer cancel()
	return a.check(ctx, response)
}

func (a *Assertions) check(ctx context.Context, response *Response) []probe.Finding {
	s := newSubject(ctx, response)
	var findings []probe.Finding
	for _, assertion := range a.rules {
		wrong, err := assertion.test(s)
		rule := assertion.rule
		check := severityCheck(rule.Severity)
		if err != nil {
			wrong = "the rule cannot be applied: " + line(err.Error())
			if check == AssertionPoor || check == AssertionFair {
				check = AssertionError
			}
		}
		if wrong != "" {
			findings = append(findings, probe.Finding{Check: check, Detail: wrong, Title: rule.Name, Marketing: rule.Marketing, IT: rule.IT})
		}
	}
	return findings
}
