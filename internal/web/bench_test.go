package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/channelwatch/channelwatch/internal/web"
)

// BenchmarkOverview renders the first page of an agent with 60 channels, packed as a browser asks for it.
func BenchmarkOverview(b *testing.B) {
	pages := web.Handler(b, options(b, &source{channels: channels()}, withViews(fleet(60))))
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept-Encoding", "gzip")
	for b.Loop() {
		w := httptest.NewRecorder()
		if pages.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
