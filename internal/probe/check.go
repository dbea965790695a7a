package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckID names a check: a closed set of lower-case words, safe as a metric label.
type CheckID string

// Reason is the id of the check that says why a probe could not be completed.
type Reason = CheckID

// Check describes one thing that a probe can find wrong, for everybody who reads it.
type Check struct {
	ID        CheckID
	Dimension Dimension
	Cap       Rating // the best rating that a result with this finding can still have; Unknown: it was not measured
	Title     string // two to four words for charts, such as "slow server"
	Marketing string // one sentence: what it means for customers
	IT        string // one sentence: what to look at
}

// Catalogue is the closed list of checks and metrics that an agent knows: the shared ones and those of its kinds.
// It is immutable and safe for concurrent use.
type Catalogue struct {
	checks  []Check
	byID    map[CheckID]*Check
	byKind  map[string][]Check
	metrics []Metric
}

// NewCatalogue joins the shared checks with those of the kinds. Two kinds may declare the same check or metric when
// they declare it identically; every other double is an error.
func NewCatalogue(kinds []Kind) (*Catalogue, error) {
	c := &Catalogue{byID: make(map[CheckID]*Check), byKind: make(map[string][]Check)}
	var errs []error
	seen := make(map[CheckID]Check)
	add := func(owner string, checks []Check) {
		for _, check := range checks {
			old, double := seen[check.ID]
			switch {
			case double && old != check:
				errs = append(errs, fmt.Errorf("kind %q: check %q is declared differently elsewhere", owner, check.ID))
			case !double:
				seen[check.ID] = check
				c.checks = append(c.checks, check)
			}
		}
	}
	add("shared", sharedChecks())
	for _, kind := range kinds {
		add(kind.Name, kind.Checks)
		c.byKind[kind.Name] = append(c.byKind[kind.Name], kind.Checks...)
		for _, metric := range kind.Metrics {
			i := slices.IndexFunc(c.metrics, func(m Metric) bool { return m.Name == metric.Name })
			switch {
			case i < 0:
				c.metrics = append(c.metrics, metric)
			case !c.metrics[i].equal(metric):
				errs = append(errs, fmt.Errorf("kind %q: metric %q is declared differently elsewhere", kind.Name, metric.Name))
			}
		}
	}
	slices.SortFunc(c.checks, func(a, b Check) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(c.metrics, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	for i := range c.checks {
		c.byID[c.checks[i].ID] = &c.checks[i]
	}
	return c, errors.Join(errs...)
}

// Check returns the check named id. An id outside of the catalogue is a programming error of a kind: it is answered
// with the check NotMeasured, so that it can never rate a channel, and false.
func (c *Catalogue) Check(id CheckID) (Check, bool) {
	if check, ok := c.byID[id]; ok {
		return *check, true
	}
	return *c.byID[NotMeasured], false
}

// Checks returns all checks, sorted by id.
func (c *Catalogue) Checks() []Check { return slices.Clone(c.checks) }

// KindChecks returns the checks that a touchpoint of the kind can fail: the shared ones, then the kind's own without
// doubles, in the order of their declaration.
func (c *Catalogue) KindChecks(kind string) []Check {
	checks := sharedChecks()
	for _, check := range c.byKind[kind] {
		if !slices.Contains(checks, check) {
			checks = append(checks, check)
		}
	}
	return checks
}

// Metrics returns the kinds' own metrics, sorted by name.
func (c *Catalogue) Metrics() []Metric { return slices.Clone(c.metrics) }
