package assert

import (
	"errors"
	"strconv"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// statusRange holds HTTP status codes, both ends included.
type statusRange struct{ from, to int }

// compileStatus returns a check that the status is in one of the ranges; without any, it must be 2xx.
func compileStatus(field string, want []string) (check, error) {
	if len(want) == 0 {
		want = []string{"2xx"}
	}
	ranges := make([]statusRange, len(want))
	var errs []error
	for i, text := range want {
		r, ok := parseStatus(text)
		if !ok {
			errs = append(errs, probe.Fieldf(at(field, i), "%q: want a code such as 200, a class such as 2xx or a range such as 200-204", text))
		}
		ranges[i] = r
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	wanted := strings.Join(want, ", ")
	return func(response *Response) *probe.Finding {
		for _, r := range ranges {
			if r.from <= response.Status && response.Status <= r.to {
				return nil
			}
		}
		return probe.Findingf(StatusUnexpected, "status %d, want %s", response.Status, wanted)
	}, nil
}

func parseStatus(text string) (statusRange, bool) {
	if class, ok := strings.CutSuffix(strings.ToLower(text), "xx"); ok {
		n, err := strconv.Atoi(class)
		return statusRange{n * 100, n*100 + 99}, err == nil && 1 <= n && n <= 5
	}
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, errFirst := strconv.Atoi(from)
	last, errLast := strconv.Atoi(to)
	valid := errFirst == nil && errLast == nil && 100 <= first && first <= last && last <= 599
	return statusRange{first, last}, valid
}
