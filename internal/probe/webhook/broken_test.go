package webhook_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe/webhook"
)

// A webhook that is too large is lost, and the finding says what came in its place; the next probe has forgotten it.
func TestProbe_SaysWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	p := newPayments(t)
	p.send = func(p *payments, n int) {
		if n == 0 {
			p.post(token, append([]byte(p.asked[n]), bytes.Repeat([]byte(" "), 64<<10)...))
		}
	}
	prober := p.prober(func(c *webhook.Config) { c.Window, c.Deadline = time.Second, time.Second })
	const lost, why = "webhook_lost: webhook 1 of 1 did not come within ", "; 1 came that were cut off or larger than 64 KiB"
	first, second := run(t, prober), run(t, prober)
	if got := found(&first); len(got) != 1 || !strings.HasPrefix(got[0], lost) || !strings.HasSuffix(got[0], why) {
		t.Errorf("got %q, want it lost and why", got)
	}
	if got := found(&second); len(got) != 1 || !strings.HasPrefix(got[0], lost) || strings.Contains(got[0], "64 KiB") {
		t.Errorf("got %q, want it lost for no reason that is known", got)
	}
}
