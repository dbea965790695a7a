package page

import (
	"net/http"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Scanned is what tests see of a document.
type Scanned struct {
	Title, Text, Base string
	Canonicals        []string
	Robots            []string // agent, then where it stands
}

// Scan reads a document.
func Scan(body string) Scanned {
	doc := scan([]byte(body))
	s := Scanned{Title: doc.title, Text: string(doc.text), Base: doc.base, Canonicals: doc.canonicals}
	for _, r := range doc.robots {
		s.Robots = append(s.Robots, r.agent+"|"+r.where)
	}
	return s
}

// HeaderRobots returns the agents that X-Robots-Tag fields send away.
func HeaderRobots(fields ...string) []string {
	var agents []string
	for _, r := range headerRobots(http.Header{"X-Robots-Tag": fields}) {
		agents = append(agents, r.agent)
	}
	return agents
}

// CanonicalLinks returns the canonical targets of a Link field.
func CanonicalLinks(field string) []string { return canonicalLinks(field) }

// Matches reports whether s fits the pattern.
func Matches(text, s string) bool { return newPattern(text).matches(s) }

// Collapse collapses white space.
func Collapse(text string) string { return collapse(text) }

// Compiled returns the function that says what the expectations find wrong with an answer.
func (e *Expect) Compiled() (func(*httpx.Response) []probe.Finding, error) {
	rules, err := e.compile(true)
	return rules.conclude, err
}

// Conclude returns what the expectations find wrong with an answer.
func (e *Expect) Conclude(response *httpx.Response) ([]probe.Finding, error) {
	conclude, err := e.Compiled()
	if err != nil {
		return nil, err
	}
	return conclude(response), nil
}
