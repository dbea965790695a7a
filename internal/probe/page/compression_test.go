package page_test

import (
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

func TestProbe_CompressionThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	url := serve(t, answer(200, long()))
	for encoding, want := range map[string]bool{"identity": false, "compress": false, "gzip": true, "br;q=1": true, "zstd": true, "*": true} {
		result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) {
			c.Headers = map[string]string{"accept-encoding": encoding}
		}))
		if got := result.Find("not_compressed") != nil; got != want {
			t.Errorf("Accept-Encoding %s: got not_compressed %v, want %v", encoding, got, want)
		}
	}
}
