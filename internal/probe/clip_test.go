package probe_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

func TestClip(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"shorter":         {"shop", 5, "shop"},
		"as long":         {"shops", 5, "shops"},
		"longer":          {"shopping", 4, "shop…"},
		"in a character":  {"größe", 3, "gr…"},
		"after one":       {"größe", 4, "grö…"},
		"not UTF-8":       {"sh\xffop", 9, "shop"},
		"long, not UTF-8": {"\xff\xfeshop", 4, "sh…"},
		"nothing":         {"", 0, ""},
		"no room":         {"shop", 0, "…"},
	} {
		if got := probe.Clip(tc.text, tc.limit); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
