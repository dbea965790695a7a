package ledger_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

// dial opens a connection to the server.
func (s *service) dial() net.Conn {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() }) // the test may have done so
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// exchange writes a request as it stands and returns all that comes back until the server hangs up, without the date.
func (s *service) exchange(request string) string {
	s.t.Helper()
	conn := s.dial()
	go func() { _, _ = io.WriteString(conn, request) }() // the server may have heard enough
	response, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil && len(response) == 0 {
		s.t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(string(response), "\r\n") {
		if !strings.HasPrefix(line, "Date: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// request is a request after which the sender hangs up.
func request(method, path, headers, body string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s", method, path, headers, len(body), body)
}

// TestServer_AnswersEverythingAlike compares whole answers, so that nobody can tell ids, tokens and addresses that mean
// something from those that do not.
func TestServer_AnswersEverythingAlike(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	book, pulse := s.OpenBook(token, time.Minute), s.OpenPulse(token, time.Minute)
	t.Cleanup(book.Close)
	t.Cleanup(pulse.Close)
	hook := s.OpenHook(token, "MARK")
	t.Cleanup(hook.Close)
	until := time.Now().Add(time.Minute)
	account := s.Account()
	known, expired := account.Expect(until), account.Expect(until)
	account.Forget(expired)
	authorized := "Authorization: Bearer " + token + "\r\n"
	const nobody = "/v1/receipts/nobody-waits-for-this"
	const body = `{"id":"message-0000000000000001"}`
	cases := []struct {
		name, request string
		counts        counts
	}{
		{"a receipt", request("POST", "/v1/receipts/"+known.ID, "", ""), counts{receipt: 1}},
		{"again", request("POST", "/v1/receipts/"+known.ID, "", ""), counts{repeated: 1}},
		{"too late", request("POST", "/v1/receipts/"+expired.ID, "", ""), counts{expired: 1}},
		{"a report", request("POST", "/v1/sent", authorized, body), counts{report: 1}},
		{"again", request("POST", "/v1/sent", authorized, body), counts{repeated: 1}},
		{"its receipt, with a query and a body", request("POST", "/v1/receipts/message-0000000000000001?x=1", "", "x"), counts{receipt: 1}},
		{"a report that says more", request("POST", "/v1/sent", authorized, `{"id":"message-0000000000000002","to":"phones"}`), counts{report: 1}},
		{"a heartbeat", request("POST", "/v1/heartbeat", authorized, ""), counts{heartbeat: 1}},
		{"a webhook", request("POST", "/v1/hooks/"+token, "X-Signature: x\r\n", `{"order":"MARK"}`), counts{webhook: 1}},
		{"a webhook of somebody else", request("POST", "/v1/hooks/"+token, "", `{"order":"1"}`), counts{webhook: 1}},
		{"a webhook to nobody", request("POST", "/v1/hooks/"+token+"x", "", `{"order":"MARK"}`), counts{unauthorized: 1}},
		{"a webhook to no token", request("POST", "/v1/hooks/", "", `{"order":"MARK"}`), counts{malformed: 1}},
		{"a webhook by GET", request("GET", "/v1/hooks/"+token, "", ""), counts{malformed: 1}},
		{"a report of nobody known", request("POST", "/v1/sent", "Authorization: Bearer x\r\n", body), counts{unauthorized: 1}},
		{"a report of nobody", request("POST", "/v1/sent", "", body), counts{unauthorized: 1}},
		{"a heartbeat of nobody", request("POST", "/v1/heartbeat", "", ""), counts{unauthorized: 1}},
		{"a report without an id", request("POST", "/v1/sent", authorized, `{}`), counts{malformed: 1}},
		{"a report with a short id", request("POST", "/v1/sent", authorized, `{"id":"short"}`), counts{malformed: 1}},
		{"a report with a number", request("POST", "/v1/sent", authorized, `{"id":1234567890123456}`), counts{malformed: 1}},
		{"a report that is none", request("POST", "/v1/sent", authorized, "\x00\xff{"), counts{malformed: 1}},
		{"two reports", request("POST", "/v1/sent", authorized, body+body), counts{malformed: 1}},
		{"a report of 1 KiB", request("POST", "/v1/sent", authorized, `{"id":"message-0000000000000003"}`+strings.Repeat(" ", 1024-33)), counts{report: 1}},
		{"a report of more", request("POST", "/v1/sent", authorized, `{"id":"message-0000000000000004"}`+strings.Repeat(" ", 1025-33)), counts{malformed: 1}},
		{"a huge report", request("POST", "/v1/sent", authorized, strings.Repeat(" ", 4<<20)), counts{malformed: 1}},
		{"an endless report", "POST /v1/sent HTTP/1.1\r\nHost: x\r\n" + authorized + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10\r\n0123456789abcdef\r\n", 1<<16), counts{malformed: 1}},
		{"a huge receipt", request("POST", nobody, "", strings.Repeat(" ", 4<<20)), counts{}},
		{"an id of 15 characters", request("POST", "/v1/receipts/123456789012345", "", ""), counts{malformed: 1}},
		{"an id of 129 characters", request("POST", "/v1/receipts/"+strings.Repeat("x", 129), "", ""), counts{malformed: 1}},
		{"an id with a slash", request("POST", "/v1/receipts/nobody/waits-for-this", "", ""), counts{malformed: 1}},
		{"an id with a hidden slash", request("POST", "/v1/receipts/nobody%2fwaits-for-this", "", ""), counts{malformed: 1}},
		{"an id with a space", request("POST", "/v1/receipts/nobody%20waits-for-this", "", ""), counts{malformed: 1}},
		{"an id with a zero", request("POST", "/v1/receipts/nobody%00waits-for-this", "", ""), counts{malformed: 1}},
		{"an id in other letters", request("POST", "/v1/receipts/n%C3%B6body-waits-for-this", "", ""), counts{malformed: 1}},
		{"no id", request("POST", "/v1/receipts/", "", ""), counts{malformed: 1}},
		{"a way up", request("POST", "/v1/receipts/../receipts/nobody-waits-for-this", "", ""), counts{malformed: 1}},
		{"a hidden way up", request("POST", "/v1/%2e%2e/v1/sent", authorized, body), counts{malformed: 1}},
		{"two slashes", request("POST", "//v1/sent", authorized, body), counts{malformed: 1}},
		{"a slash at the end", request("POST", "/v1/sent/", authorized, body), counts{malformed: 1}},
		{"capitals", request("POST", "/V1/SENT", authorized, body), counts{malformed: 1}},
		{"another method", request("PUT", "/v1/sent", authorized, body), counts{malformed: 1}},
		{"a method in small letters", request("post", "/v1/sent", authorized, body), counts{malformed: 1}},
		{"reading", request("GET", "/v1/receipts/"+known.ID, "", ""), counts{malformed: 1}},
		{"asking for the head", request("HEAD", "/v1/sent", "", ""), counts{malformed: 1}},
		{"asking first, as browsers do", request("OPTIONS", "/v1/sent", "Origin: https://x.example\r\nAccess-Control-Request-Method: POST\r\n", ""), counts{malformed: 1}},
		{"asking for what is possible", request("OPTIONS", "*", "", ""), counts{malformed: 1}},
		{"a tunnel", request("CONNECT", "x.example:443", "", ""), counts{malformed: 1}},
		{"a whole URL", request("POST", "http://x.example/v1/heartbeat", authorized, ""), counts{heartbeat: 1}},
		{"asking how it is", request("GET", "/healthz", "", ""), counts{malformed: 1}},
		{"asking for metrics", request("GET", "/metrics", "", ""), counts{malformed: 1}},
		{"the root", request("GET", "/", "", ""), counts{malformed: 1}},
		{"another protocol", request("POST", "/v1/heartbeat", authorized+"Upgrade: websocket\r\n", ""), counts{heartbeat: 1}},
		{"a receipt of nothing", request("POST", nobody, "", ""), counts{repeated: 1}}, // held since the huge one
	}
	const want = "HTTP/1.1 204 No Content\nConnection: close\n\n"
	for _, test := range cases {
		before := countsOf(s.Ledger)
		if got := s.exchange(test.request); got != want {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
		if got := countsOf(s.Ledger).minus(before); got != test.counts {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.counts)
		}
	}
	if tally := book.Settle(); tally.Sent != 3 || len(tally.Delivered) != 1 {
		t.Errorf("got %+v, want three messages and one of them delivered", tally)
	}
}

func (c counts) minus(o counts) counts {
	return counts{
		c.receipt - o.receipt, c.report - o.report, c.heartbeat - o.heartbeat, c.webhook - o.webhook,
		c.repeated - o.repeated, c.expired - o.expired, c.unknown - o.unknown, c.limited - o.limited, c.malformed - o.malformed, c.unauthorized - o.unauthorized,
	}
}

func TestServer_AsksForBodiesOfThoseWhoWait(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	conn := s.dial()
	if _, err := io.WriteString(conn, "POST /healthz HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("got %q, %v, want to be asked for the body", line, err)
	}
	if _, err := io.WriteString(conn, "abc"); err != nil {
		t.Fatal(err)
	}
	_, _ = reader.ReadString('\n')
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "204") {
		t.Errorf("got %q, %v, want 204", line, err)
	}
}

func TestServer_KeepsConnectionsForMore(t *testing.T) {
	t.Parallel()
	s := serve(t, ledger.Options{})
	for range 3 {
		if response := s.send(http.MethodPost, "/v1/heartbeat", ""); response.StatusCode != http.StatusNoContent || response.Close {
			t.Errorf("got %s, closed: %v", response.Status, response.Close)
		}
	}
}
