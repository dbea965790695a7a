package push_test

import (
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

func TestSaid(t *testing.T) {
	t.Parallel()
	secrets := probe.NewRedaction("hunter2secret")
	cases := map[string]struct{ text, want string }{
		"a word":                       {"UNREGISTERED", "UNREGISTERED"},
		"several lines":                {" a\r\n\tb\u2028c ", "a b c"},
		"marks that are not printed":   {"a\x00b\x1b[31m\u202e", "ab[31m"},
		"not UTF-8":                    {"a\xffb", "a\ufffdb"},
		"a secret":                     {"no hunter2secret here", "no [redacted] here"},
		"a secret that is taken apart": {"hunter2\x00secret", "[redacted]"},
		"a secret at the cut":          {strings.Repeat("a", 95) + "hunter2secret", strings.Repeat("a", 95) + "[reda…"},
		"long":                         {strings.Repeat("a", 101), strings.Repeat("a", 100) + "…"},
		"as long as it may be":         {strings.Repeat("a", 100), strings.Repeat("a", 100)},
	}
	for name, c := range cases {
		if got := push.Said(secrets, c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
