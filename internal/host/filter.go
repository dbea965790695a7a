package host

import (
	"fmt"
	"regexp"
)

// Filter chooses label values by regular expressions (RE2) that must match the whole value. A value is taken when it
// matches Include, or Include is empty, and does not match Exclude.
type Filter struct {
	Include string // default: everything
	Exclude string // default: the exclusion named at the option; "$^" excludes nothing
}

// filter is a compiled Filter.
type filter struct {
	include *regexp.Regexp // nil takes everything
	exclude *regexp.Regexp
}

// compile returns the filter, with exclude in the place of an empty Exclude.
func (f Filter) compile(exclude string) (filter, error) {
	if f.Exclude != "" {
		exclude = f.Exclude
	}
	var compiled filter
	var err error
	if f.Include != "" {
		if compiled.include, err = whole(f.Include); err != nil {
			return filter{}, fmt.Errorf("include: %w", err)
		}
	}
	if compiled.exclude, err = whole(exclude); err != nil {
		return filter{}, fmt.Errorf("exclude: %w", err)
	}
	return compiled, nil
}

func whole(expression string) (*regexp.Regexp, error) {
	return regexp.Compile("^(?:" + expression + ")$")
}

func (f filter) takes(value string) bool {
	return (f.include == nil || f.include.MatchString(value)) && !f.exclude.MatchString(value)
}
