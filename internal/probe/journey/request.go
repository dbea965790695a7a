package journey

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
)

// step is one compiled step. It is immutable.
type step struct {
	name, title string
	place       string // where it is among the others, for details
	client      *httpx.Client
	needs       []string      // variables that have to have a value
	request     httpx.Request // complete when nothing varies
	varies      bool
	url         template
	link        string              // variable that holds the whole URL, instead of url
	journey     http.Header         // of the journey, for its own site
	base        *url.URL            // of the journey
	sites       map[string]bool     // that links may lead to
	header      map[string]template // of the step, by canonical name
	body        *template           // nil for none
	budget      time.Duration       // 0 for none
	expect      *assert.Set
	asserts     *assert.Assertions
	extract     []extraction
}

// method returns the method of the request.
func (s *Step) method() string {
	switch {
	case s.Method != "":
		return s.Method
	case s.Body != "" || s.JSON != nil || s.Form != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// request compiles what a step sends.
func (c *compiler) request(field string, s *Step, compiled *step) {
	methods := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	if !slices.Contains(methods, s.method()) {
		c.fail(field+".method", "%q, want one of %s", s.Method, strings.Join(methods, ", "))
	}
	mistakes := len(c.errs)
	compiled.journey, compiled.base, compiled.sites = c.site.Header, c.base, c.sites
	c.address(field+".url", s, compiled)
	c.headers(field+".headers", s, compiled)
	c.body(field, s, compiled)
	compiled.request.Method = s.method()
	compiled.varies = compiled.link != "" || len(compiled.needs) > 0
	if !compiled.varies && len(c.errs) == mistakes {
		if err := compiled.fill(&compiled.request, nil); err != nil {
			c.fail(field+".url", "%w", err) // all else was looked at
		}
	}
}

// address compiles the URL. Variables stand in its path and its query, or are the whole of it.
func (c *compiler) address(field string, s *Step, compiled *step) {
	text := s.URL
	whole := variablePattern.FindStringSubmatch(text)
	constant, isConstant := "", false
	if whole != nil && whole[0] == text {
		constant, isConstant = c.constants[whole[1]]
	}
	switch {
	case text == "":
		text = c.base.String()
	case isConstant:
		text = constant
	case whole != nil && whole[0] == text && whole[1] == runVariable:
		c.fail(field, "is variable %s, want a path, a whole address or a link that an earlier step extracted", runVariable)
		return
	case whole != nil && whole[0] == text:
		compiled.link = whole[1]
		t, err := parseTemplate(text, escapeNothing, nil)
		c.use(field, compiled, t, err)
		return
	}
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		text = c.base.Scheme + "://" + c.base.Host + text
	}
	text, _, _ = strings.Cut(text, "#") // it is not sent
	path, query, queried := strings.Cut(text, "?")
	if literal, _, varies := strings.Cut(path, "{{"); varies && strings.Count(literal, "/") < len("//")+1 {
		c.fail(field, "has a variable in front of its path, want it in path or query, or as the whole")
		return
	}
	t, err := parseTemplate(path, escapePath, nil)
	if queried {
		q, errQuery := parseTemplate(query, escapeQuery, nil)
		t, err = join(t, fixed("?"), q), errors.Join(err, errQuery)
	}
	if compiled.url = c.use(field, compiled, t, err); len(compiled.url.parts) == 0 {
		return // that is a mistake already
	}
	target, err := httpx.ParseURL(compiled.url.sample())
	switch {
	case err != nil:
		c.fail(field, "%w, or a path that begins with /", err)
	case target.User != nil:
		c.fail(field, "holds credentials, want them in headers as Authorization with a variable")
	default:
		c.sites[siteOf(target)] = true
	}
}

// headers compiles the header of a step.
func (c *compiler) headers(field string, s *Step, compiled *step) {
	compiled.header = make(map[string]template, len(s.Headers))
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		canonical, at := http.CanonicalHeaderKey(name), fieldOf(field, name)
		t, err := parseTemplate(s.Headers[name], escapeNothing, nil)
		if isCredential(canonical) {
			c.credential(at, &t)
		}
		_, double := compiled.header[canonical]
		compiled.header[canonical] = c.use(at, compiled, t, err)
		if double {
			c.fail(at, "is set twice, want one value")
		}
		used := compiled.header[canonical]
		if err := httpx.ValidateHeader(http.Header{name: {used.sample()}}); err != nil {
			c.fail(at, "%w", err)
		}
	}
}

// fieldOf returns the path of a name in a map. One that is unusual is quoted, so that a message stays on one line.
func fieldOf(field, name string) string {
	if quoted := strconv.Quote(name); strings.Contains(name, " ") || quoted[1:len(quoted)-1] != name {
		name = quoted
	}
	return field + "." + name
}

// isCredential reports whether the values of a field are credentials by their definition.
func isCredential(canonical string) bool {
	return slices.Contains([]string{"Authorization", "Cookie", "Proxy-Authorization"}, canonical)
}

// credential checks that the secret of a credential is a variable, and has results hide it.
func (c *compiler) credential(field string, t *template) {
	secret := false
	for _, name := range t.variables() {
		_, plain := c.config.Variables[name]
		secret = secret || !plain && name != runVariable
		c.hidden[name] = true
	}
	if !secret {
		c.fail(field, "is a credential, want {{name}} of secrets or extract in it")
	}
}

// body compiles the body of a step and gives it a content type.
func (c *compiler) body(field string, s *Step, compiled *step) {
	set := 0
	for _, is := range []bool{s.Body != "", s.JSON != nil, s.Form != nil} {
		if is {
			set++
		}
	}
	var t template
	var err error
	contentType := ""
	switch {
	case set == 0:
		return
	case set > 1:
		c.fail(field+".body", "more than one of body, json and form is set, want one")
		return
	case s.JSON != nil:
		field, contentType = field+".json", "application/json"
		var encoded []byte
		if encoded, err = assert.EncodeJSON(s.JSON); err == nil {
			t, err = parseTemplate(string(encoded), escapeJSON, nil)
		}
	case s.Form != nil:
		field, contentType = field+".form", "application/x-www-form-urlencoded"
		t, err = parseForm(s.Form)
	default:
		field += ".body"
		t, err = parseBody(s)
	}
	t = c.use(field, compiled, t, err)
	compiled.body = &t
	if _, own := compiled.header["Content-Type"]; contentType != "" && !own {
		compiled.header["Content-Type"] = fixed(contentType)
	}
}

// parseForm makes the body of a form. Its fields are in the order of their names.
func parseForm(form map[string]string) (template, error) {
	var all template
	for i, name := range slices.Sorted(maps.Keys(form)) {
		t, err := parseTemplate(form[name], escapeQuery, url.QueryEscape)
		if err != nil {
			return template{}, fmt.Errorf("%s: %w", name, err)
		}
		lead := url.QueryEscape(name) + "="
		if i > 0 {
			lead = "&" + lead
		}
		all = join(all, fixed(lead), t)
	}
	return all, nil
}

// parseBody splits a body at its variables, which are escaped as its content type asks for.
func parseBody(s *Step) (template, error) {
	declared := ""
	for name, text := range s.Headers {
		if http.CanonicalHeaderKey(name) == "Content-Type" {
			declared = text
		}
	}
	media, _, _ := mime.ParseMediaType(declared)
	escape := escapeNothing
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		escape = escapeJSON
	case media == "application/x-www-form-urlencoded":
		escape = escapeQuery
	case media == "application/xml" || media == "text/xml" || strings.HasSuffix(media, "+xml"):
		escape = escapeXML
	case media == "text/plain" || !strings.Contains(s.Body, "{{"):
	default:
		return template{}, fmt.Errorf("has variables, and the Content-Type in headers is %q: want JSON, form, XML or text/plain, so that values are escaped for it", media)
	}
	return parseTemplate(s.Body, escape, nil)
}

// ask returns the request of a step. An error says why the values do not make one.
func (s *step) ask(values map[string]value) (*httpx.Request, error) {
	if !s.varies {
		return &s.request, nil
	}
	request := s.request
	return &request, s.fill(&request, values)
}

// fill puts values into a request.
func (s *step) fill(request *httpx.Request, values map[string]value) error {
	target, err := s.target(values)
	if err != nil {
		return err
	}
	request.URL = target.String()
	request.Header = make(http.Header, len(s.header)+len(s.journey))
	if siteOf(target) == siteOf(s.base) {
		maps.Copy(request.Header, s.journey)
	}
	for name, t := range s.header {
		text, err := t.expand(values)
		if err != nil {
			return err
		}
		request.Header[name] = []string{text}
	}
	if err := httpx.ValidateHeader(request.Header); err != nil {
		return err
	}
	if s.body != nil {
		text, err := s.body.expand(values)
		if err != nil {
			return err
		}
		request.Body = []byte(text)
	}
	return nil
}

// target returns the URL of a step. A link leads to where the page that it was found on would lead to, but never to a
// site that the operator has not named: what is sent there is the operator's.
func (s *step) target(values map[string]value) (*url.URL, error) {
	if s.link == "" {
		text, err := s.url.expand(values)
		if err != nil {
			return nil, err
		}
		return httpx.ParseURL(text)
	}
	link := values[s.link]
	reference, err := url.Parse(link.text)
	if err != nil {
		return nil, fmt.Errorf("variable %s: want a link, which is no URL", s.link)
	}
	target, err := httpx.ParseURL(link.found.ResolveReference(reference).String())
	switch {
	case err != nil:
		return nil, fmt.Errorf("variable %s: %w", s.link, err)
	case target.User != nil || !s.sites[siteOf(target)]:
		return nil, fmt.Errorf("variable %s: leads to %q, want one of %s", s.link, siteOf(target), strings.Join(slices.Sorted(maps.Keys(s.sites)), ", "))
	}
	return target, nil
}

// siteOf returns scheme, host and port of a URL.
func siteOf(u *url.URL) string {
	return u.Scheme + "://" + strings.ToLower(httpkind.HostPort(u))
}
