package page_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// What browsers pass over is no reason to call a page broken, but it is said, and the page is looked at as they show it.
func TestProbe_OddEncoding(t *testing.T) {
	url, authority := serveTLS(t, answer(http.StatusOK, "<title>Shop</title>Welcome", "Content-Encoding", "none"))
	for text, want := range map[string][]probe.CheckID{
		"Welcome": {probe.EncodingOdd},
		"Goodbye": {probe.EncodingOdd, "text_missing"},
	} {
		result := run(t, config(probe.DesktopWeb, url, func(c *page.Config) {
			c.TLS.CAFile = authority
			c.Expect.Text = []string{text}
		}))
		if got := checkIDs(result.Findings); !slices.Equal(got, want) {
			t.Errorf("looking for %s: got %v, want %v: %+v", text, got, want, result.Findings)
		}
	}
}
