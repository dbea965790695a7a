package web

import (
	"net/http"
	"testing"
)

// Handler returns the handler of a server without its listener.
func Handler(tb testing.TB, opts Options) http.Handler {
	tb.Helper()
	server, err := New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return server.http.Handler
}
