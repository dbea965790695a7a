package assert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/theory/jsonpath"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxDepth bounds the nesting of a JSON document; RFC 8259, section 9 lets a parser set such a limit.
const maxDepth = 200

// JSONRule is what an RFC 9535 JSONPath must select. Without any of the others, it must select at least one node. Equals,
// Matches, Min and Max hold when at least one node is selected and all selected nodes satisfy them.
type JSONRule struct {
	Path    string   `yaml:"path"`
	Exists  *bool    `yaml:"exists"`  // false: the path must select nothing
	Equals  any      `yaml:"equals"`  // any JSON value; numbers compare by value
	Matches string   `yaml:"matches"` // regular expression in RE2 syntax, found anywhere in a string, or in a number as it is written
	Min     *float64 `yaml:"min"`
	Max     *float64 `yaml:"max"`
	Count   *int     `yaml:"count"` // how many nodes the path must select

	equalsNull bool
}

// UnmarshalYAML reads the rule; it exists because "equals: null" is a wish of its own, not the absence of one.
func (r *JSONRule) UnmarshalYAML(unmarshal func(any) error) error {
	type plain JSONRule
	if err := unmarshal((*plain)(r)); err != nil {
		return err
	}
	var keys map[string]any
	if unmarshal(&keys) == nil {
		_, set := keys["equals"]
		r.equalsNull = set && r.Equals == nil
	}
	return nil
}

// jsonCheck is a compiled JSONRule.
type jsonCheck struct {
	path *jsonpath.Path
	rule JSONRule
	want []condition
}

// condition returns whether a node satisfies it; wanted completes "want …".
type condition struct {
	wanted string
	holds  func(node any) bool
}

func (r *JSONRule) compile(field string) (jsonCheck, error) {
	var errs []error
	path, err := jsonpath.Parse(r.Path)
	if err != nil {
		errs = append(errs, probe.Fieldf(field+".path", "%q: %w, want an RFC 9535 path such as $.items[0].price", r.Path, err))
	}
	c := jsonCheck{path: path, rule: *r}
	if r.Equals != nil || r.equalsNull {
		want, err := normalize(r.Equals)
		if err != nil {
			errs = append(errs, probe.Fieldf(field+".equals", "%w", err))
		}
		c.want = append(c.want, condition{show(want), func(node any) bool { return equal(node, want) }})
	}
	if r.Matches != "" {
		pattern, err := regexp.Compile(r.Matches)
		if err != nil {
			errs = append(errs, probe.Fieldf(field+".matches", "%w", err))
		}
		c.want = append(c.want, condition{"a match of " + strconv.Quote(r.Matches), func(node any) bool { return matches(node, pattern) }})
	}
	if r.Min != nil {
		c.want = append(c.want, condition{"at least " + number(*r.Min), func(node any) bool {
			n, ok := float(node)
			return ok && n >= *r.Min
		}})
	}
	if r.Max != nil {
		c.want = append(c.want, condition{"at most " + number(*r.Max), func(node any) bool {
			n, ok := float(node)
			return ok && n <= *r.Max
		}})
	}
	errs = append(errs, r.conflicts(field, len(c.want) > 0))
	return c, errors.Join(errs...)
}

// conflicts reports rules that can never hold.
func (r *JSONRule) conflicts(field string, conditions bool) error {
	switch {
	case r.Count != nil && *r.Count < 0:
		return probe.Fieldf(field+".count", "%d is negative", *r.Count)
	case r.Exists != nil && !*r.Exists && (conditions || r.Count != nil):
		return probe.Fieldf(field+".exists", "false beside another expectation, want it alone")
	case r.Count != nil && *r.Count == 0 && conditions:
		return probe.Fieldf(field+".count", "0 beside another expectation, want it alone")
	case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
		return probe.Fieldf(field+".min", "%s is more than max %s", number(*r.Min), number(*r.Max))
	}
	return nil
}

func (c *jsonCheck) check(document any) *probe.Finding {
	nodes := c.path.Select(document)
	switch {
	case c.rule.Count != nil && len(nodes) != *c.rule.Count:
		return findf(JSONUnexpected, "%s selects %d values, want %d", c.rule.Path, len(nodes), *c.rule.Count)
	case c.rule.Count != nil && len(c.want) == 0:
		return nil
	case c.rule.Exists != nil && !*c.rule.Exists:
		if len(nodes) > 0 {
			return findf(JSONUnexpected, "%s is %s, want none", c.rule.Path, show(nodes[0]))
		}
		return nil
	case len(nodes) == 0:
		return findf(JSONUnexpected, "%s selects nothing%s", c.rule.Path, c.wanted())
	}
	for _, node := range nodes {
		for _, want := range c.want {
			if !want.holds(node) {
				return findf(JSONUnexpected, "%s is %s, want %s", c.rule.Path, show(node), want.wanted)
			}
		}
	}
	return nil
}

func (c *jsonCheck) wanted() string {
	if len(c.want) == 0 {
		return ""
	}
	return ", want " + c.want[0].wanted
}

// parseJSON reads one document; numbers keep the digits that they were written with.
func parseJSON(body []byte) (any, error) {
	if depth := nesting(body); depth > maxDepth {
		return nil, fmt.Errorf("the body is not usable JSON: nested %d deep, want at most %d", depth, maxDepth)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body is not one JSON document: more follows after the first")
	}
	return document, nil
}

// nesting returns how deep the brackets outside of strings go. It needs no valid JSON, so that it can run before the
// parser, whose memory it protects.
func nesting(body []byte) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
