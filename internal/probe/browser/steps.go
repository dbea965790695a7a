package browser

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Times of steps. A page that makes customers wait longer has lost them.
const (
	patience = 15 * time.Second // for what a step needs or waits for
	moment   = 2 * time.Second  // for what must be to be seen now: a page needs it to show what a click did
)

// step is one compiled step.
type step struct {
	title  string // for people: its number, and its name or what it does
	does   action
	target string  // address of goto, selector of click and type
	text   string  // of type
	secret bool    // whether nobody may see the text
	sight  sighted // of wait and assert
}

// action is what a step does.
type action uint8

const (
	goes action = iota
	clicks
	enters
	waits
	asserts
)

// compileSteps checks the steps and makes them ready. It returns the secrets that they type, too.
func compileSteps(list []Step) (steps []step, secrets []string, err error) {
	var errs []error
	for i := range list {
		s, err := list[i].compile(fmt.Sprintf("steps[%d]", i))
		errs = append(errs, err)
		s.title = fmt.Sprintf("step %d (%s)", i+1, list[i].words(&s))
		if s.secret {
			secrets = append(secrets, s.text)
		}
		steps = append(steps, s)
	}
	return steps, secrets, errors.Join(errs...)
}

// words names a step for people.
func (s *Step) words(compiled *step) string {
	if s.Name != "" {
		return quotable(collapse(s.Name))
	}
	switch compiled.does {
	case goes:
		return "go to " + shownURL(compiled.target)
	case clicks:
		return "click " + quotable(compiled.target)
	case enters:
		return "type into " + quotable(compiled.target)
	case waits:
		return "wait for " + compiled.sight.words
	case asserts:
	}
	return "see " + compiled.sight.words
}

// compile checks one step.
func (s *Step) compile(field string) (step, error) {
	given := 0
	for _, set := range []bool{s.Goto != "", s.Click != "", s.Type != nil, s.Wait != nil, s.Assert != nil} {
		if set {
			given++
		}
	}
	if given != 1 {
		return step{}, probe.Fieldf(field, "has %d actions, want one of goto, click, type, wait and assert", given)
	}
	switch {
	case s.Goto != "":
		return compileGoto(field+".goto", s.Goto)
	case s.Click != "":
		return step{does: clicks, target: s.Click}, checkSelector(field+".click", "a CSS selector", s.Click)
	case s.Type != nil:
		return s.Type.compile(field + ".type")
	case s.Wait != nil:
		sight, err := s.Wait.compile(field + ".wait")
		return step{does: waits, sight: sight}, err
	}
	sight, err := s.Assert.compile(field + ".assert")
	return step{does: asserts, sight: sight}, err
}

func compileGoto(field, address string) (step, error) {
	u, err := httpx.ParseURL(address)
	switch {
	case err != nil:
		return step{}, probe.Fieldf(field, "%w", err)
	case u.User != nil:
		return step{}, probe.Fieldf(field, "holds credentials, want an address without; steps can type them")
	}
	return step{does: goes, target: u.String()}, nil
}

func (t *TypeStep) compile(field string) (step, error) {
	s := step{does: enters, target: t.Selector, text: t.Text}
	errs := []error{checkSelector(field+".selector", "the CSS selector of a field", t.Selector)}
	switch {
	case !t.Secret.IsZero() && t.Text != "":
		errs = append(errs, probe.Fieldf(field, "has text and secret, want one"))
	case !t.Secret.IsZero():
		secret, err := t.Secret.Read()
		if err != nil {
			errs = append(errs, probe.Fieldf(field+".secret", "%w", err))
		}
		s.text, s.secret = secret, true
	case t.Text == "":
		errs = append(errs, probe.Fieldf(field, "has neither text nor secret, want one"))
	}
	return s, errors.Join(errs...)
}

// sighted is a compiled sight.
type sighted struct {
	words    string // for people: what is to be seen
	selector string // empty for the others
	sees     func(*seen) bool
}

// seen is what a page shows at a moment.
type seen struct{ url, title, text string }

// compile checks what is to be seen.
func (s *Sight) compile(field string) (sighted, error) {
	given := 0
	for _, text := range []string{s.Selector, s.Text, s.URL, s.Title} {
		if collapse(text) != "" {
			given++
		}
	}
	if given != 1 {
		return sighted{}, probe.Fieldf(field, "has %d of selector, text, url and title, want one", given)
	}
	switch {
	case s.Selector != "":
		return sighted{words: "the element " + quotable(s.Selector), selector: s.Selector}, checkSelector(field+".selector", "a CSS selector", s.Selector)
	case s.Text != "":
		needle := readable(s.Text)
		return sighted{
			words: fmt.Sprintf("the text %q", quotable(collapse(s.Text))),
			sees:  func(now *seen) bool { return strings.Contains(readable(now.text), needle) },
		}, nil
	case s.URL != "":
		want, err := newURLPattern(field+".url", s.URL)
		return sighted{
			words: "the address " + shownURL(s.URL),
			sees:  func(now *seen) bool { return want.matches(withoutFragment(now.url)) },
		}, err
	}
	want := newPattern(collapse(s.Title))
	return sighted{
		words: fmt.Sprintf("the title %q", quotable(want.text)),
		sees:  func(now *seen) bool { return want.matches(collapse(now.title)) },
	}, nil
}
