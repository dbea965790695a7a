package kinds_test

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/kinds"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// longestSentence is what fits into a tooltip and two lines of a table, in characters.
const longestSentence = 160

// TestAll_ChecksSpeakToBothSides keeps the sentences useful: marketing reads no jargon, IT is told where to look.
func TestAll_ChecksSpeakToBothSides(t *testing.T) {
	t.Parallel()
	sentence := regexp.MustCompile(`^\p{Lu}.* .*[^.]\.$`)
	jargon := regexp.MustCompile(`(?i)\b(https?|html|tls|ssl|dns|tcp|ip|url|json|alpn|timeouts?|headers?|status codes?|payloads?|endpoints?|redirects?|handshakes?|resolvers?|certificate chain)\b|[_{}/]`)
	instruction := regexp.MustCompile(`(?i)\b(check|compare|look|see|renew|add)\b`)
	catalogue, err := probe.NewCatalogue(kinds.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range catalogue.Checks() {
		for side, text := range map[string]string{"marketing": check.Marketing, "IT": check.IT} {
			if n := utf8.RuneCountInString(text); !sentence.MatchString(text) || n > longestSentence {
				t.Errorf("%s, %s: got %q with %d characters, want a sentence of at most %d", check.ID, side, text, n, longestSentence)
			}
		}
		if word := jargon.FindString(check.Marketing); word != "" {
			t.Errorf("%s: got %q for marketing, want words that customers know instead of %q", check.ID, check.Marketing, word)
		}
		if !instruction.MatchString(check.IT) {
			t.Errorf("%s: got %q for IT, want where to check, compare, look, see, or what to renew or add", check.ID, check.IT)
		}
	}
}
