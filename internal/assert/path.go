package assert

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/theory/jsonpath"
)

// Path is a compiled JSONPath, for kinds that take a value out of an answer rather than expect one. It is immutable and
// safe for concurrent use.
type Path struct{ path *jsonpath.Path }

// ParsePath compiles a JSONPath (RFC 9535).
func ParsePath(text string) (*Path, error) {
	path, err := parsePath(text)
	if err != nil {
		return nil, err
	}
	return &Path{path}, nil
}

// parsePath compiles a JSONPath and refuses those whose work grows with the square of a document, which a service
// chooses: a second descent into everything, and filters that begin at the root for each value.
func parsePath(text string) (*jsonpath.Path, error) {
	path, err := jsonpath.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w, want an RFC 9535 path such as $.items[0].price", text, err)
	}
	// Dots and dollars mean nothing in quotes.
	bare := regexp.MustCompile(`"(\\.|[^"\\])*"|'(\\.|[^'\\])*'`).ReplaceAllString(text, "")
	switch {
	case strings.Count(bare, "..") > 1:
		return nil, fmt.Errorf("%q: descends into everything (..) more than once, want the names on the way", text)
	case strings.Count(bare, "$") > 1:
		return nil, fmt.Errorf("%q: a filter begins at the root ($), want it to begin at the value (@)", text)
	}
	return path, nil
}

// Document is a JSON body that paths are applied to. It is immutable.
type Document struct{ root any }

// ParseDocument reads a body as one JSON document, within the bounds of depth and values that rules have.
func ParseDocument(body []byte) (*Document, error) {
	root, err := parseJSON(body)
	if err != nil {
		return nil, err
	}
	return &Document{root}, nil
}

// Text returns the first value that the path selects: texts as they are, numbers as they are written, true and false.
// Every other value, and none, is an error.
func (p *Path) Text(document *Document) (string, error) {
	nodes := p.path.Select(document.root)
	if len(nodes) == 0 {
		return "", errors.New("selects nothing")
	}
	switch node := nodes[0].(type) {
	case string:
		return node, nil
	case json.Number:
		return node.String(), nil
	case bool:
		return strconv.FormatBool(node), nil
	default:
		return "", fmt.Errorf("selects a value of type %s, want string, number or boolean", typeOf(node))
	}
}
