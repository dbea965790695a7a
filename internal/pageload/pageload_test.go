package pageload_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/channelwatch/channelwatch/internal/pageload"
)

// TestRead_Neighbours loads a page beside another tab that was opened later: it is not hidden by it.
func TestRead_Neighbours(t *testing.T) {
	shop := serve(t, map[string]string{"/": "<p>fine"})
	names := map[string]*httptest.Server{"shop.example": shop}
	first, _ := open(t, names, quick())
	second, _ := open(t, names, quick())
	for _, page := range []*pageload.Page{first, second, first} {
		if l := load(t, page, "http://shop.example/"); l.Vitals.LCP == nil {
			t.Errorf("got vitals %+v, want LCP", l.Vitals)
		}
	}
}

func TestPage_Read(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><title>Shop</title><h1>Hello</h1><p>Buy <a href=/x>now</a><script>console.log("hi");gone()</script>`)
	}))
	defer shop.Close()
	page, _ := open(t, map[string]*httptest.Server{"shop.example": shop}, quick())
	l := load(t, page, "http://shop.example/?q=secret")
	if l.Status != 200 || l.Content.Words != 3 || l.Counts.JSErrors != 1 || l.Vitals.LCP == nil {
		t.Errorf("got %+v", l)
	}
}
