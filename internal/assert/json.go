package assert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/theory/jsonpath"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxDepth bounds the nesting of a JSON document; RFC 8259, section 9 lets a parser set such a limit.
const maxDepth = 200

// maxValues bounds the number of values in a JSON document: each costs up to 200 bytes of memory, however short it is
// written, and the server chooses how many there are. Documents with names and texts of usual lengths stay below it
// up to 3 MB.
const maxValues = 200_000

// JSONRule is what an RFC 9535 JSONPath must select. At least one of its expectations is set. Equals, Type, Matches, Min
// and Max hold when at least one node is selected and all selected nodes satisfy them.
type JSONRule struct {
	Path    string   `yaml:"path" required:"true" doc:"JSONPath (RFC 9535), such as $.items[0].price."`
	Exists  *bool    `yaml:"exists" doc:"Whether the path selects something."`
	Count   *int     `yaml:"count" min:"0" doc:"How many values the path selects."`
	Equals  any      `yaml:"equals" doc:"The value, anything but null; numbers compare by value."`
	Type    string   `yaml:"type" enum:"string,number,boolean,array,object,null" doc:"Type of the value; write \"null\" with quotes."`
	Matches string   `yaml:"matches" format:"regex" doc:"Regular expression (RE2) that is found anywhere in a string, or in a number as it is written."`
	Min     *float64 `yaml:"min" doc:"Smallest number."`
	Max     *float64 `yaml:"max" doc:"Largest number."`
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
	path, err := parsePath(r.Path)
	if err != nil {
		err = probe.Fieldf(field+".path", "%w", err)
	}
	want, errWant := r.conditions(field)
	return jsonCheck{path, *r, want}, errors.Join(err, errWant, r.conflicts(field))
}

// compileTest returns a test that the path selects what it must.
func (r *JSONRule) compileTest(field string) (test, error) {
	compiled, err := r.compile(field)
	if err != nil {
		return nil, err
	}
	return func(s *subject) (string, error) {
		document, err := s.document()
		if err != nil {
			return err.Error(), nil //nolint:nilerr // what is no JSON breaks the rule
		}
		return detail(compiled.check(document)), nil
	}, nil
}

// conditions compiles what each selected node must satisfy.
func (r *JSONRule) conditions(field string) ([]condition, error) {
	var want []condition
	var errs []error
	if r.Equals != nil {
		value, err := normalize(r.Equals)
		if err != nil {
			errs = append(errs, probe.Fieldf(field+".equals", "%w", err))
		}
		want = append(want, condition{show(value), func(node any) bool { return equal(node, value) }})
	}
	if r.Type != "" {
		if !slices.Contains(jsonTypes(), r.Type) {
			errs = append(errs, probe.Fieldf(field+".type", "%q: want one of %s", r.Type, strings.Join(jsonTypes(), ", ")))
		}
		name := r.Type
		want = append(want, condition{"a value of type " + name, func(node any) bool { return typeOf(node) == name }})
	}
	if r.Matches != "" {
		pattern, err := regexp.Compile(r.Matches)
		if err != nil {
			errs = append(errs, probe.Fieldf(field+".matches", "%w", err))
		}
		want = append(want, condition{"a match of " + quote(r.Matches), func(node any) bool { return matches(node, pattern) }})
	}
	if r.Min != nil {
		want = append(want, condition{"at least " + number(*r.Min), bound(*r.Min, math.Inf(1))})
	}
	if r.Max != nil {
		want = append(want, condition{"at most " + number(*r.Max), bound(math.Inf(-1), *r.Max)})
	}
	return want, errors.Join(errs...)
}

// conflicts reports a rule that says nothing or can never hold.
func (r *JSONRule) conflicts(field string) error {
	conditions := r.Equals != nil || r.Type != "" || r.Matches != "" || r.Min != nil || r.Max != nil
	switch {
	case !conditions && r.Exists == nil && r.Count == nil:
		return probe.Fieldf(field, `no expectation, want exists, count, equals, type, matches, min or max; null is type: "null"`)
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
		return probe.Findingf(JSONUnexpected, "%s selects %d values, want %d", c.rule.Path, len(nodes), *c.rule.Count)
	case c.rule.Count != nil && len(c.want) == 0:
		return nil
	case c.rule.Exists != nil && !*c.rule.Exists:
		if len(nodes) > 0 {
			return probe.Findingf(JSONUnexpected, "%s is %s, want none", c.rule.Path, show(nodes[0]))
		}
		return nil
	case len(nodes) == 0:
		return probe.Findingf(JSONUnexpected, "%s selects nothing%s", c.rule.Path, c.wanted())
	}
	for _, node := range nodes {
		for _, want := range c.want {
			if !want.holds(node) {
				return probe.Findingf(JSONUnexpected, "%s is %s, want %s", c.rule.Path, show(node), want.wanted)
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
	switch depth, values := measure(body); {
	case depth > maxDepth:
		return nil, fmt.Errorf("the body is not usable JSON: nested %d deep, want at most %d", depth, maxDepth)
	case values > maxValues:
		return nil, fmt.Errorf("the body is not usable JSON: %d values, want at most %d", values, maxValues)
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

// measure returns how deep the brackets outside of strings go, and how many values the brackets and commas make room for
// at most. It needs no valid JSON, so that it can run before the parser, whose memory it protects.
func measure(body []byte) (deepest, values int) {
	depth, inString := 0, false
	values = 1
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			values++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		case c == ',':
			values++
		}
	}
	return deepest, values
}
