package assert

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// HeaderRule is what a response header field must be. Without any of the others, the field must be there. Several
// values of one field are looked at as one, joined by ", ", which is what RFC 9110, section 5.2 says they mean.
type HeaderRule struct {
	Name     string `yaml:"name" required:"true" doc:"Name of the header, in any case."`
	Equals   string `yaml:"equals" doc:"Its whole value."`
	Contains string `yaml:"contains" doc:"A part of its value."`
	Matches  string `yaml:"matches" format:"regex" doc:"Regular expression (RE2) that is found anywhere in its value."`
	Absent   bool   `yaml:"absent" doc:"The header must not be there."`
}

func (r *HeaderRule) compile(field string) (check, error) {
	var errs []error
	if !httpguts.ValidHeaderFieldName(r.Name) {
		errs = append(errs, probe.Fieldf(field+".name", "%q: want the name of a header field, such as Cache-Control", r.Name))
	}
	if r.Absent && (r.Equals != "" || r.Contains != "" || r.Matches != "") {
		errs = append(errs, probe.Fieldf(field+".absent", "is set beside equals, contains or matches, want it alone"))
	}
	pattern, err := regexp.Compile(r.Matches)
	if err != nil {
		errs = append(errs, probe.Fieldf(field+".matches", "%w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	rule := *r
	return func(response *Response) *probe.Finding { return rule.check(response, pattern) }, nil
}

func (r *HeaderRule) check(response *Response, pattern *regexp.Regexp) *probe.Finding {
	name := http.CanonicalHeaderKey(r.Name)
	values := response.Header.Values(name)
	got := strings.Join(values, ", ")
	switch {
	case r.Absent && len(values) == 0:
		return nil
	case r.Absent:
		return probe.Findingf(HeaderUnexpected, "%s is %s, want none", name, quoteHeader(name, got))
	case len(values) == 0:
		return probe.Findingf(HeaderUnexpected, "%s is missing", name)
	case r.Equals != "" && got != r.Equals:
		return probe.Findingf(HeaderUnexpected, "%s is %s, want %s", name, quoteHeader(name, got), quoteHeader(name, r.Equals))
	case !strings.Contains(got, r.Contains):
		return probe.Findingf(HeaderUnexpected, "%s is %s, want it to contain %s", name, quoteHeader(name, got), quoteHeader(name, r.Contains))
	case !pattern.MatchString(got):
		return probe.Findingf(HeaderUnexpected, "%s is %s, want it to match %s", name, quoteHeader(name, got), quoteHeader(name, r.Matches))
	}
	return nil
}

// quoteHeader hides the values of fields that carry credentials by their nature.
func quoteHeader(name, value string) string {
	lower := strings.ToLower(name)
	for _, word := range []string{"cookie", "auth", "token", "secret", "key"} {
		if strings.Contains(lower, word) {
			return "[redacted]"
		}
	}
	return quote(value)
}
