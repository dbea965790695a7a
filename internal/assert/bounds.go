package assert

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func (r *SizeRule) compile(field string) (check, error) {
	low, high := r.Min, r.Max
	switch {
	case low < 0:
		return nil, probe.Fieldf(field+".min", "%d is negative", low)
	case high != nil && *high < low:
		return nil, probe.Fieldf(field+".max", "%d is less than min %d", *high, low)
	case low == 0 && high == nil:
		return nil, nil
	}
	return func(response *Response) *probe.Finding {
		size := int64(len(response.Body))
		switch {
		case size < low:
			return probe.Findingf(SizeUnexpected, "%d bytes, want at least %d", size, low)
		case high != nil && size > *high:
			return probe.Findingf(SizeUnexpected, "%d bytes, want at most %d", size, *high)
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
		return probe.Findingf(DurationExceeded, "took %v, want at most %v", response.Duration.Round(time.Millisecond), limit)
	}, nil
}
