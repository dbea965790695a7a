package probetest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// RunEchoes points a subject at services that repeat the secret of the request, in one place after the other so that
// every cut of evidence and of details meets it once, and checks that no part of it that is worth anything is shown.
func RunEchoes(t *testing.T, subject Subject) {
	t.Helper()
	const (
		variable = "CHANNELWATCH_TEST_ECHO"
		scheme   = "Bearer "
		token    = "Qk7Zp3Wv9Xj5"
		run      = 4 // characters
	)
	t.Setenv(variable, scheme+token)
	target := serveTLS(t, echo)
	target.SecretEnv = variable
	// The texts that are expected fail, so that findings quote what came.
	target.Text = "a text that is not there"
	for _, cut := range []int{40, 80, 200, 256, 300, 512, 1 << 10, 4 << 10} {
		for at := cut - len(scheme+token); at <= cut; at++ {
			here := target
			here.URL += fmt.Sprintf("%d", at)
			got := probeWithin(t, subject.build(t, here).Prober, answers)
			shown := explain(&got.result)
			for i := range len(token) - run + 1 {
				if part := token[i : i+run]; strings.Contains(shown, part) {
					t.Fatalf("got %q of the secret that was echoed at %d, want none of it: %s", part, at, shown)
				}
			}
		}
	}
}

// echo repeats the credentials of a request after as many bytes as the path says: in the body and in fields that evidence
// shows.
func echo(conn net.Conn, request *http.Request) {
	var at int
	_, _ = fmt.Sscanf(request.URL.Path, "/%d", &at) // 0 for all others
	text := strings.Repeat(".", at) + request.Header.Get("Authorization") + " is wrong"
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: %s\r\nX-Cache: %s\r\nContent-Length: %d\r\n\r\n%s",
		text, text, len(text), text)
}
