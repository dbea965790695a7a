package applink

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// association is what apple-app-site-association says of links (Apple, applinks).
type association struct {
	Links *struct {
		Defaults  matching            `json:"defaults"`
		Details   []detail            `json:"details"`
		Variables map[string][]string `json:"substitutionVariables"`
	} `json:"applinks"`
}

// detail is what some apps open.
type detail struct {
	AppID      string      `json:"appID"`
	AppIDs     []string    `json:"appIDs"`
	Components []component `json:"components"`
	Paths      []string    `json:"paths"` // of iOS 12 and older; ignored beside components
	Defaults   matching    `json:"defaults"`
}

// component is one pattern. What it leaves out takes everything.
type component struct {
	Path     *string `json:"/"`
	Query    query   `json:"?"`
	Fragment *string `json:"#"`
	Exclude  bool    `json:"exclude"`
	matching
}

// matching is how patterns match: as the component says, else its app, else the file, else exactly.
type matching struct {
	CaseSensitive  *bool `json:"caseSensitive"`
	PercentEncoded *bool `json:"percentEncoded"`
}

func (m matching) or(other matching) matching {
	if m.CaseSensitive == nil {
		m.CaseSensitive = other.CaseSensitive
	}
	if m.PercentEncoded == nil {
		m.PercentEncoded = other.PercentEncoded
	}
	return m
}

func (m matching) folded() bool { return m.CaseSensitive != nil && !*m.CaseSensitive }

func (m matching) decoded() bool { return m.PercentEncoded != nil && !*m.PercentEncoded }

// query is a pattern of the whole query, or of the items that it names.
type query struct {
	whole *string
	items map[string]string
}

// UnmarshalJSON reads a text or an object of texts.
func (q *query) UnmarshalJSON(data []byte) error {
	var whole string
	if err := json.Unmarshal(data, &whole); err != nil {
		return json.Unmarshal(data, &q.items)
	}
	q.whole = &whole
	return nil
}

// parseAssociation reads the file of the site.
func parseAssociation(data []byte) (*association, error) {
	var a association
	if err := json.Unmarshal(data, &a); err != nil {
		return nil, err
	}
	if a.Links == nil {
		return nil, errors.New("it has no applinks")
	}
	return &a, nil
}

// maxWork bounds what matching one link against a file can take, in bytes of expressions: a short file can name patterns
// by the hundred over values by the thousand.
const maxWork = 1 << 20

// work is about how many bytes of expressions matching one link against all patterns takes.
func (a *association) work() int {
	values, patterns := 0, 0
	for _, list := range a.Links.Variables {
		for _, value := range list {
			values += len(value) + 1
		}
	}
	total := 0
	of := func(pattern string) {
		patterns++
		total += len(pattern) + strings.Count(pattern, "$(")*min(values, maxPattern)
	}
	for i := range a.Links.Details {
		for _, path := range a.Links.Details[i].Paths {
			of(path)
		}
		for _, c := range a.Links.Details[i].Components {
			for _, text := range []*string{c.Path, c.Fragment, c.Query.whole} {
				if text != nil {
					of(*text)
				}
			}
			for _, pattern := range c.Query.items {
				of(pattern)
			}
		}
	}
	return total + patterns
}

func (d *detail) names(app string) bool { return d.AppID == app || slices.Contains(d.AppIDs, app) }

// names reports whether the site lets an app open links.
func (a *association) names(app string) bool {
	return slices.ContainsFunc(a.Links.Details, func(d detail) bool { return d.names(app) })
}

// opens reports whether a link opens an app: the first pattern of the app that matches decides.
func (a *association) opens(app string, link *url.URL) bool {
	for i := range a.Links.Details {
		d := &a.Links.Details[i]
		if !d.names(app) {
			continue
		}
		if d.Components == nil {
			if matched, opens := a.byPaths(d.Paths, link); matched {
				return opens
			}
			continue
		}
		for _, c := range d.Components {
			c.matching = c.or(d.Defaults).or(a.Links.Defaults)
			if c.matches(link, a.Links.Variables) {
				return !c.Exclude
			}
		}
	}
	return false
}

// byPaths matches the patterns of iOS 12 and older, of which those behind "NOT " exclude.
func (a *association) byPaths(paths []string, link *url.URL) (matched, opens bool) {
	for _, path := range paths {
		path, excluded := strings.CutPrefix(path, "NOT ")
		if matches(path, pathOf(link, false), false, nil) {
			return true, !excluded
		}
	}
	return false, false
}

func pathOf(link *url.URL, decoded bool) string {
	path := link.EscapedPath()
	if decoded {
		path = link.Path
	}
	if path == "" {
		return "/"
	}
	return path
}

// matches reports whether all that the component says fits the link.
func (c *component) matches(link *url.URL, variables map[string][]string) bool {
	fits := func(pattern *string, text string) bool {
		return pattern == nil || matches(*pattern, text, c.folded(), variables)
	}
	fragment, whole := link.EscapedFragment(), link.RawQuery
	if c.decoded() {
		fragment = link.Fragment
		if plain, err := url.PathUnescape(whole); err == nil {
			whole = plain
		}
	}
	if !fits(c.Path, pathOf(link, c.decoded())) || !fits(c.Fragment, fragment) || !fits(c.Query.whole, whole) {
		return false
	}
	for name, pattern := range c.Query.items {
		for _, value := range c.values(link, name) {
			if !fits(&pattern, value) {
				return false
			}
		}
	}
	return true
}

// values returns all values of a query item; one that the link does not have is empty.
func (c *component) values(link *url.URL, name string) []string {
	var values []string
	for item := range strings.SplitSeq(link.RawQuery, "&") {
		key, value, _ := strings.Cut(item, "=")
		if c.decoded() {
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
		}
		if key == name {
			values = append(values, value)
		}
	}
	if values == nil {
		return []string{""}
	}
	return values
}
