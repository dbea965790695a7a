package assert

import "github.com/channelwatch/channelwatch/internal/probe"

// ruleCondition is one thing that a Rule can expect.
type ruleCondition struct {
	key     string // of its field in YAML
	isSet   func(*Rule) bool
	compile func(c *compiler, r *Rule, field string) (test, error)
}

// conditions returns all that a Rule can expect, in the order of its fields.
func conditions() []ruleCondition {
	return []ruleCondition{
		{"status", func(r *Rule) bool { return len(r.Status) > 0 }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, func(field string) (check, error) { return compileStatus(field, r.Status) })
		}},
		{"header", func(r *Rule) bool { return r.Header != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, r.Header.compile)
		}},
		{"contains", func(r *Rule) bool { return r.Contains != "" }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, func(field string) (check, error) { return compileContains(field, r.Contains, true) })
		}},
		{"not_contains", func(r *Rule) bool { return r.NotContains != "" }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, func(field string) (check, error) { return compileContains(field, r.NotContains, false) })
		}},
		{"regex", func(r *Rule) bool { return r.Regex != "" }, func(_ *compiler, r *Rule, field string) (test, error) {
			return compileRegex(field, r.Regex, true)
		}},
		{"not_regex", func(r *Rule) bool { return r.NotRegex != "" }, func(_ *compiler, r *Rule, field string) (test, error) {
			return compileRegex(field, r.NotRegex, false)
		}},
		{"jsonpath", func(r *Rule) bool { return r.JSONPath != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return r.JSONPath.compileTest(field)
		}},
		{"cel", func(r *Rule) bool { return r.CEL != "" }, func(c *compiler, r *Rule, field string) (test, error) {
			return c.compileCEL(field, r.CEL)
		}},
		{"size", func(r *Rule) bool { return r.Size != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, r.Size.compile)
		}},
		{"duration", func(r *Rule) bool { return r.Duration != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return plain(field, r.Duration.compile)
		}},
		{"cert", func(r *Rule) bool { return r.Cert != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return r.Cert.compile(field)
		}},
		{"json_schema", func(r *Rule) bool { return r.JSONSchema != nil }, func(_ *compiler, r *Rule, field string) (test, error) {
			return compileSchema(field, r.JSONSchema)
		}},
		{"json_schema_file", func(r *Rule) bool { return r.JSONSchemaFile != "" }, func(_ *compiler, r *Rule, field string) (test, error) {
			return compileSchemaFile(field, r.JSONSchemaFile)
		}},
	}
}

// plain makes a test of a check, which cannot fail to be applied.
func plain(field string, compile func(field string) (check, error)) (test, error) {
	check, err := compile(field)
	if err != nil {
		return nil, err
	}
	if check == nil {
		return nil, probe.Fieldf(field, "bounds nothing, want min or max")
	}
	return func(s *subject) (string, error) { return detail(check(s.Response)), nil }, nil
}

// detail returns that of a finding; nil has none.
func detail(finding *probe.Finding) string {
	if finding == nil {
		return ""
	}
	return finding.Detail
}
