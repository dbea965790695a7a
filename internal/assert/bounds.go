package assert

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// ParseSize reads a size in bytes: a number, alone or with one of the units B, KB, MB, GB (powers of 1,000) and KiB, MiB,
// GiB (powers of 1,024), in any case.
func ParseSize(text string) (int64, bool) {
	number := strings.TrimRight(text, "BbKkMmGgIi ")
	unit := int64(1)
	switch strings.ToLower(strings.TrimSpace(text[len(number):])) {
	case "", "b":
	case "kb":
		unit = 1000
	case "mb":
		unit = 1000 * 1000
	case "gb":
		unit = 1000 * 1000 * 1000
	case "kib":
		unit = 1 << 10
	case "mib":
		unit = 1 << 20
	case "gib":
		unit = 1 << 30
	default:
		return 0, false
	}
	n, err := strconv.ParseFloat(number, 64)
	bytes := n * float64(unit)
	if err != nil || math.IsNaN(n) || n < 0 || bytes > 1<<50 {
		return 0, false
	}
	return int64(bytes), true
}

func (r *SizeRule) compile(field string) (check, error) {
	if r.Min == "" && r.Max == "" {
		return nil, nil
	}
	bound := func(name, text string, none int64) (int64, error) {
		if text == "" {
			return none, nil
		}
		size, ok := ParseSize(text)
		if !ok {
			return 0, probe.Fieldf(field+"."+name, "%q: want bytes or a size such as 64KB or 1.5MiB", text)
		}
		return size, nil
	}
	low, errLow := bound("min", r.Min, 0)
	high, errHigh := bound("max", r.Max, math.MaxInt64)
	if err := errors.Join(errLow, errHigh); err != nil {
		return nil, err
	}
	if low > high {
		return nil, probe.Fieldf(field+".min", "%s is more than max %s", r.Min, r.Max)
	}
	rule := *r
	return func(response *Response) *probe.Finding {
		size := int64(len(response.Body))
		switch {
		case size < low:
			return findf(SizeUnexpected, "%d bytes, want at least %s", size, rule.Min)
		case size > high:
			return findf(SizeUnexpected, "%d bytes, want at most %s", size, rule.Max)
		}
		return nil
	}, nil
}

func (r *DurationRule) compile(field string) (check, error) {
	if r.Max < 0 {
		return nil, probe.Fieldf(field+".max", "%v is negative", r.Max)
	}
	if r.Max == 0 {
		return nil, nil
	}
	limit := r.Max
	return func(response *Response) *probe.Finding {
		if response.Duration <= limit {
			return nil
		}
		return findf(DurationExceeded, "took %v, want at most %v", response.Duration.Round(time.Millisecond), limit)
	}, nil
}
