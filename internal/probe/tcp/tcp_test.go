package tcp_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve hands every connection to a server until the test ends, and waits for it.
func serve(tb testing.TB, handle func(*net.TCPConn)) (address string) {
	tb.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				handle(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// hold waits until the other side hangs up.
func hold(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) }

// say returns a server that says a text and waits for the other side to hang up.
func say(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		_, _ = io.WriteString(conn, text)
		hold(conn)
	}
}

// answer returns a server that says a text once it has read the question.
func answer(question, text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		got := make([]byte, len(question))
		if _, err := io.ReadFull(conn, got); err == nil && string(got) == question {
			_, _ = io.WriteString(conn, text)
		}
		hold(conn)
	}
}

// reset cuts the connection once something was sent.
func reset(conn *net.TCPConn) {
	_, _ = conn.Read(make([]byte, 1))
	_ = conn.SetLinger(0)
}

func build(config tcp.Config) (probe.Built, error) {
	return tcp.Kind().Build(&config, probe.Setup{Timeout: 10 * time.Second, Every: time.Minute})
}

// run probes once, within the time that there is.
func run(t *testing.T, config tcp.Config, timeout time.Duration) probe.Result {
	t.Helper()
	built, err := build(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestConformance(t *testing.T) {
	target := func(handle func(*net.TCPConn)) func(testing.TB) probetest.Target {
		return func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: serve(tb, handle)}
		}
	}
	probetest.Run(t, probetest.Subject{
		Kind: tcp.Kind(), Type: probe.Email,
		With: func(t probetest.Target) map[string]any {
			return map[string]any{
				"address": strings.TrimSuffix(strings.TrimPrefix(t.URL, "http://"), "/"), "banner": "^220 ", "send": "HELO me\r\n", "expect": "^250 ",
			}
		},
	}, probetest.Fixture{
		Healthy: target(func(conn *net.TCPConn) {
			_, _ = io.WriteString(conn, "220 here\r\n")
			answer("HELO me\r\n", "250 hello\r\n")(conn)
		}),
		Silent: target(hold), SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

// TestProbe_Outcome tells services apart that differ in one thing. Those that hang are given up after a moment.
func TestProbe_Outcome(t *testing.T) {
	t.Parallel()
	const moment = time.Second
	tests := map[string]struct {
		handle   func(*net.TCPConn)
		config   tcp.Config
		reason   probe.Reason
		findings []probe.CheckID
		detail   string // part of that of the reason or the finding
	}{
		"connects":            {handle: hold},
		"banner":              {handle: say("220 ready\r\n"), config: tcp.Config{Banner: "^220 "}},
		"answer":              {handle: answer("PING\r\n", "+PONG\r\n"), config: tcp.Config{Send: "PING\r\n", Expect: `^\+PONG`}},
		"sends without ear":   {handle: hold, config: tcp.Config{Send: "X"}},
		"match over reads":    {handle: drip("220-one\r\n", "220 two\r\n"), config: tcp.Config{Banner: `(?m)^220 `}},
		"other banner":        {handle: say("554 go away\r\n"), config: tcp.Config{Banner: "^220 "}, findings: []probe.CheckID{"tcp_unexpected_answer"}, detail: `banner is "554 go away\r\n", want a match of "^220 "`},
		"other answer":        {handle: answer("PING\r\n", "-ERR\r\n"), config: tcp.Config{Send: "PING\r\n", Expect: `^\+PONG`}, findings: []probe.CheckID{"tcp_unexpected_answer"}, detail: `answer is "-ERR\r\n"`},
		"other, then hung up": {handle: func(c *net.TCPConn) { _, _ = io.WriteString(c, "bye") }, config: tcp.Config{Banner: "^220 "}, findings: []probe.CheckID{"tcp_unexpected_answer"}, detail: `"bye"`},
		"banner is no answer": {handle: say("+PONG\r\n"), config: tcp.Config{Banner: "PONG", Send: "PING\r\n", Expect: "PONG"}, reason: probe.ResponseTimeout},
		"silent":              {handle: hold, config: tcp.Config{Banner: "."}, reason: probe.ResponseTimeout, detail: "no response in time"},
		"hung up":             {handle: func(*net.TCPConn) {}, config: tcp.Config{Banner: "."}, reason: probe.ConnectionClosed},
		"reset":               {handle: reset, config: tcp.Config{Send: "PING\r\n", Expect: "."}, reason: probe.ConnectionReset},
		"endless":             {handle: endless, config: tcp.Config{Banner: "^220 "}, findings: []probe.CheckID{"tcp_unexpected_answer"}, detail: "(65536 bytes)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.Address = serve(t, test.handle)
			timeout := 10 * time.Second
			if test.reason == probe.ResponseTimeout || name == "other banner" || name == "other answer" {
				timeout = moment
			}
			result := run(t, test.config, timeout)
			var findings []probe.CheckID
			detail := result.Detail
			for _, finding := range result.Findings {
				findings, detail = append(findings, finding.Check), finding.Detail
			}
			if result.Reason != test.reason || !cmp.Equal(findings, test.findings) || !strings.Contains(detail, test.detail) {
				t.Errorf("got reason %q, findings %v, detail %q, want %q, %v, %q", result.Reason, findings, detail, test.reason, test.findings, test.detail)
			}
			if result.Duration != result.Phases.Sum() {
				t.Errorf("got %v, want the sum of the phases %+v", result.Duration, result.Phases)
			}
		})
	}
}

// drip returns a server that says two texts, the second after the first was read on its own.
func drip(first, second string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		_, _ = io.WriteString(conn, first)
		tick := time.NewTimer(20 * time.Millisecond)
		<-tick.C
		_, _ = io.WriteString(conn, second)
		hold(conn)
	}
}

// endless talks until the other side has had enough.
func endless(conn *net.TCPConn) {
	for text := strings.Repeat("x", 4<<10); ; {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// TestProbe_Evidence shows what was heard, and each phase where it belongs.
func TestProbe_Evidence(t *testing.T) {
	t.Parallel()
	address := serve(t, answer("PING\r\n", "+PONG\r\n"))
	result := run(t, tcp.Config{Address: address, Send: "PING\r\n", Expect: "PONG"}, 10*time.Second)
	exchange := result.Evidence.Exchanges[0]
	got := []any{exchange.Method, exchange.URL, exchange.Address, exchange.BodyStart, exchange.BodyBytes}
	if diff := cmp.Diff([]any{"CONNECT", "tcp://" + address, address, "+PONG\r\n", int64(7)}, got); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	var phases []string
	for phase := range result.Phases.Spans() {
		phases = append(phases, phase.String())
	}
	if diff := cmp.Diff([]string{"connect", "send", "wait"}, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

// TestProbe_Waits finds a delay before the answer in the phase of waiting.
func TestProbe_Waits(t *testing.T) {
	t.Parallel()
	const delay = 100 * time.Millisecond
	address := serve(t, func(conn *net.TCPConn) {
		<-time.After(delay)
		say("220 late\r\n")(conn)
	})
	var wait, all time.Duration
	for range 30 { // on a busy machine the server may begin with its delay before the prober does with its phase
		result := run(t, tcp.Config{Address: address, Banner: "^220 "}, 10*time.Second)
		all = result.Duration
		var ok bool
		if wait, ok = result.Phases.Get(probe.Wait); ok && wait >= delay-5*time.Millisecond && wait <= all {
			return
		}
	}
	t.Errorf("waited %v of %v, want at least %v", wait, all, delay)
}

func TestBuild_Mistakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config tcp.Config
		want   string
	}{
		"address without port": {tcp.Config{Address: "mail.example.com"}, `address: "mail.example.com" has no port, want host:port`},
		"address with a path":  {tcp.Config{Address: "mail.example.com:25/x"}, "address: want host:port, without anything else"},
		"address with user":    {tcp.Config{Address: "me:secret@mail.example.com:25"}, "address: want host:port, without anything else"},
		"no such port":         {tcp.Config{Address: "mail.example.com:99999"}, "address: want host:port, without anything else"},
		"banner":               {tcp.Config{Address: "h:1", Banner: "("}, "banner: error parsing regexp: missing closing ): `(`"},
		"expect":               {tcp.Config{Address: "h:1", Send: "x", Expect: "["}, "expect: error parsing regexp: missing closing ]: `[`"},
		"expect without send":  {tcp.Config{Address: "h:1", Expect: "x"}, "expect: is for the answer to send, which is missing; want banner for what the server says first"},
		"long send":            {tcp.Config{Address: "h:1", Send: strings.Repeat("x", 5000)}, "send: has 5000 bytes, want at most 4096"},
		"resolver":             {tcp.Config{Address: "h:1", Resolver: "dns"}, `resolver: resolver "dns", want host:port`},
		"two":                  {tcp.Config{Address: "h", Banner: "("}, "address: \"h\" has no port, want host:port\nbanner: error parsing regexp: missing closing ): `(`"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := build(test.config)
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestBuild_Profile announces the phases that results can have.
func TestBuild_Profile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config tcp.Config
		want   probe.Profile
	}{
		"name": {tcp.Config{Address: "mail.example.com:25"}, probe.Profile{
			Target: "mail.example.com:25", URL: "tcp://mail.example.com:25", Phases: []probe.Phase{probe.Resolve, probe.Connect},
		}},
		"address": {tcp.Config{Address: "[::1]:25", Send: "x"}, probe.Profile{
			Target: "[::1]:25", URL: "tcp://[::1]:25", Phases: []probe.Phase{probe.Connect, probe.Send},
		}},
		"banner": {tcp.Config{Address: "127.0.0.1:25", Banner: "x"}, probe.Profile{
			Target: "127.0.0.1:25", URL: "tcp://127.0.0.1:25", Phases: []probe.Phase{probe.Connect, probe.Wait, probe.Receive},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, err := build(test.config)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, built.Profile); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}
