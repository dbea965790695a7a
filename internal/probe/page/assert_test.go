package page_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/page"
)

// Rules of the operator see the page's source, all of them the same one, after those for the page.
func TestProbe_Assert(t *testing.T) {
	t.Parallel()
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>Shop</title><body data-stock="0">Basket</body>`)
	}))
	list := assert.List{
		{Name: "something to sell", Regex: `data-stock="[1-9]`, Severity: "fair"},
		{Name: "still a shop", CEL: `body.contains("data-stock") && status == 200`},
	}
	result := run(t, config(probe.DesktopWeb, url+"/", func(c *page.Config) {
		c.Expect.Text, c.Assert = []string{"Checkout"}, list
	}))
	if len(result.Findings) < 2 || result.Find("text_missing") == nil {
		t.Errorf("got %+v, want the missing text and the rule that does not hold", result.Findings)
	}
	last := result.Findings[len(result.Findings)-1]
	if last.Check != "assertion_fair" || last.Title != "something to sell" {
		t.Errorf("got %+v, want the one rule that does not hold", last)
	}
}
