package assert

import (
	"fmt"
	"regexp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// compileRegex returns a test that a pattern is found in the body, or that it is not. What was found is not repeated:
// patterns of what must not be there are often made to find what nobody should see.
func compileRegex(field, expression string, wanted bool) (test, error) {
	pattern, err := regexp.Compile(expression)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	return func(s *subject) (string, error) {
		found := pattern.FindIndex(s.Body)
		switch {
		case wanted && found == nil:
			return fmt.Sprintf("%d bytes without a match of %s; the body starts with %s", len(s.Body), quote(expression), quote(start(s.Body))), nil
		case !wanted && found != nil:
			return fmt.Sprintf("%s matches %d bytes at byte %d, want no match", quote(expression), found[1]-found[0], found[0]), nil
		}
		return "", nil
	}, nil
}
