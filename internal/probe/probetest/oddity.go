package probetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Oddity is a service that does something unusual that customers do not notice, or only some kinds look at.
type Oddity struct {
	Name  string
	Start func(testing.TB) Target  // the service runs until the test ends
	Want  map[string]probe.CheckID // by name of a kind, what it finds; all others find nothing below good
}

// RunOddities points a subject at every odd service and checks that it is not rated worse than customers would.
func RunOddities(t *testing.T, subject Subject) {
	t.Helper()
	for _, oddity := range oddities() {
		t.Run(oddity.Name, func(t *testing.T) {
			target := oddity.Start(t)
			target.BodyLimit = bodyLimit
			built := subject.build(t, target)
			ctx, cancel := context.WithTimeout(t.Context(), answers)
			defer cancel()
			got := probeUntil(ctx, built.Prober, answers+grace)
			if got.err != nil {
				t.Fatal(got.err)
			}
			subject.checkResult(t, built.Profile, got)
			want := oddity.Want[subject.Kind.Name]
			if verdict := subject.rate(t, &got.result); verdict.Cause != want || len(subject.others(t, &got.result, want)) > 0 {
				t.Errorf("got %q, want %q: %s", verdict.Cause, want, explain(&got.result))
			}
		})
	}
}

func oddities() []Oddity {
	return slices.Concat(cookieOddities(), charsetOddities(), encodingOddities())
}

// cookieOddities are services that set a cookie, send customers to the same page again, and want it back as it was.
func cookieOddities() []Oddity {
	var all []Oddity
	for name, cookie := range map[string]string{
		"plain": "sid=abc", "quoted": `sid="abc"`, "JSON": `consent={"a":1}`, "brackets": "cart[a]=1", "empty": "seen=", "spaces": "a=b c",
	} {
		all = append(all, Oddity{Name: "cookie on a redirect: " + name, Start: overTLS(func(conn net.Conn, request *http.Request) {
			if request.Header.Get("Cookie") == cookie {
				_, _ = io.WriteString(conn, goodAnswer)
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 302 Found\r\nLocation: /\r\nSet-Cookie: %s; Path=/\r\nContent-Length: 0\r\n\r\n", cookie)
		})})
	}
	return all
}

// charsetOddities are texts that do not say how they are encoded, with their first letter beyond ASCII where browsers no
// longer look for a hint.
func charsetOddities() []Oddity {
	late := strings.Repeat(" ", 2<<10) + "Größe"
	answer := func(mediaType, body string) func(testing.TB) Target {
		return overTLS(say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", mediaType, len(body), body)))
	}
	garbled := map[string]probe.CheckID{"page": "charset_wrong"}
	return []Oddity{
		{Name: "charset: none needed", Start: answer("text/html", goodBody)},
		{Name: "charset: none, UTF-8 in a page", Start: answer("text/html", "<title>Größe</title>"), Want: garbled},
		{Name: "charset: none, UTF-8 late in a page", Start: answer("text/html", "<title>Shop</title>"+late), Want: garbled},
		{Name: "charset: none, UTF-8 in JSON", Start: answer("application/json", `{"size":"`+late+`"}`)},
		{Name: "charset: in the declaration of XML", Start: answer("text/xml", `<?xml version="1.0" encoding="UTF-8"?><size>`+late+"</size>")},
	}
}

// encodingOddities are bodies that are not packed quite as they should be, and that browsers show.
func encodingOddities() []Oddity {
	const trailer = 8 // bytes
	packed := compress([]byte(goodBody))
	answer := func(encoding string, body []byte) func(testing.TB) Target {
		return overTLS(func(conn net.Conn, _ *http.Request) { sayEncoded(conn, encoding, body) })
	}
	return []Oddity{
		{Name: "encoding: none by name", Start: answer("none", []byte(goodBody))},
		{Name: "encoding: a charset", Start: answer("utf-8", []byte(goodBody))},
		{Name: "encoding: gzip without its trailer", Start: answer("gzip", packed[:len(packed)-trailer])},
		{Name: "encoding: gzip with padding", Start: answer("gzip", append(packed, 0, 0, 0))},
	}
}

// overTLS starts a server with a good certificate.
func overTLS(answer talk) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		tb.Helper()
		return serveTLS(tb, answer)
	}
}
