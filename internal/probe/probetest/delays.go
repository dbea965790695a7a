package probetest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Delay is a service that does everything right, some time late in one phase.
type Delay struct {
	Name  string
	Phase probe.Phase
	Late  time.Duration                          // how late it can be made
	Start func(testing.TB, time.Duration) Target // with the time that it is late: Late, or 0
}

// late is how late services are: much longer than all that they do otherwise.
const late = 100 * time.Millisecond

// Delays returns the services that are late by TCP. There is none that is late in the phase send: what a request needs of
// room is always there.
func Delays() []Delay {
	return []Delay{
		{"resolve", probe.Resolve, late, lateName},
		{"connect", probe.Connect, 250 * time.Millisecond, lateFamily}, // the head start of the first address family
		{"TLS", probe.TLS, late, lateHandshake(serveHTTP2)},
		{"wait by HTTP/1.1", probe.Wait, late, lateAnswer(func(conn net.Conn, d time.Duration) {
			<-time.After(d)
			_, _ = io.WriteString(conn, goodAnswer)
		})},
		{"receive by HTTP/1.1", probe.Receive, late, lateAnswer(func(conn net.Conn, d time.Duration) {
			end := len(goodAnswer) - 1
			_, _ = io.WriteString(conn, goodAnswer[:end])
			<-time.After(d)
			_, _ = io.WriteString(conn, goodAnswer[end:])
		})},
		{"wait by HTTP/2", probe.Wait, late, lateHandler(serveHTTP2, probe.Wait)},
		{"receive by HTTP/2", probe.Receive, late, lateHandler(serveHTTP2, probe.Receive)},
	}
}

// QUICDelays returns the services that are late by HTTP/3.
func QUICDelays() []Delay {
	serve := func(tb testing.TB, caFile string, config *tls.Config, handler http.HandlerFunc) Target {
		tb.Helper()
		return serveHTTP3(tb, caFile, listenUDP(tb), config, handler)
	}
	return []Delay{
		{"TLS by HTTP/3", probe.TLS, late, lateHandshake(serve)},
		{"wait by HTTP/3", probe.Wait, late, lateHandler(serve, probe.Wait)},
		{"receive by HTTP/3", probe.Receive, late, lateHandler(serve, probe.Receive)},
	}
}

// RunDelays points a subject at services that are late in one phase, and at the same ones in time, and checks that the
// difference is found in that phase and nowhere else. Whatever a busy machine adds is no fault of the subject: what counts
// of each phase is the shortest of many tries.
func RunDelays(t *testing.T, subject Subject, delays []Delay) {
	t.Helper()
	const (
		tries   = 30
		closely = 5 * time.Millisecond
	)
	for _, delay := range delays {
		t.Run(delay.Name, func(t *testing.T) {
			inTime := subject.build(t, delay.Start(t, 0))
			inDelay := subject.build(t, delay.Start(t, delay.Late))
			var best [2]fastest
			for range tries {
				for i, built := range []probe.Built{inTime, inDelay} {
					got := probeWithin(t, built.Prober, answers)
					subject.checkResult(t, built.Profile, got)
					if got.result.Reason != "" {
						t.Fatalf("got reason %q, want none: %s", got.result.Reason, explain(&got.result))
					}
					best[i].take(&got.result.Phases)
				}
				if foundIn(delay, &best[0], &best[1], closely) {
					return
				}
			}
			t.Errorf("%d tries do not have the %v in %v and nowhere else: got %+v, in time %+v", tries, delay.Late, delay.Phase, best[1], best[0])
		})
	}
}

// fastest is the shortest time that each phase of several probes took; 0 for phases that one of them did not reach.
type fastest struct {
	tries  int
	phases [probe.NumPhases]time.Duration
}

func (f *fastest) take(phases *probe.Phases) {
	for p := range probe.NumPhases {
		took, _ := phases.Get(p)
		if f.tries == 0 || took < f.phases[p] {
			f.phases[p] = took
		}
	}
	f.tries++
}

// foundIn reports whether two services differ by the delay in its phase, and not in any other.
func foundIn(delay Delay, inTime, inDelay *fastest, closely time.Duration) bool {
	for p := range probe.NumPhases {
		want := time.Duration(0)
		if p == delay.Phase {
			want = delay.Late
		}
		if (inDelay.phases[p] - inTime.phases[p] - want).Abs() > closely {
			return false
		}
	}
	return true
}

// lateName serves under a name that is late to be found.
func lateName(tb testing.TB, d time.Duration) Target {
	tb.Helper()
	return named(tb, serveHTTP(tb, say(goodAnswer)), serveDNS(tb, reply{addresses: []netip.Addr{loopback()}, delay: d}))
}

// lateFamily serves under a name whose first address family is a black hole when it is late, so that the second comes to
// its turn (RFC 8305).
func lateFamily(tb testing.TB, d time.Duration) Target {
	tb.Helper()
	if d == 0 {
		return lateName(tb, 0)
	}
	for range 10 { // somebody else may have the port of the hole
		_, port, _ := net.SplitHostPort(blackHole(tb, "[::1]:0"))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port) //nolint:noctx // it does not wait
		if err == nil {
			target := Target{URL: "http://" + serveOn(tb, listener, func(conn net.Conn) { converse(conn, say(goodAnswer)) }) + "/"}
			return named(tb, target, serveDNS(tb, reply{addresses: []netip.Addr{netip.IPv6Loopback(), loopback()}}))
		}
	}
	tb.Fatal("no port is free in both address families")
	return Target{}
}

// named puts the name in the place of the address of a target.
func named(tb testing.TB, target Target, resolver string) Target {
	tb.Helper()
	u, err := url.Parse(target.URL)
	if err != nil {
		tb.Fatal(err)
	}
	u.Host = net.JoinHostPort(Name, u.Port())
	target.URL, target.Resolver = u.String(), resolver
	return target
}

// server serves with a TLS configuration until the test ends.
type server func(tb testing.TB, caFile string, config *tls.Config, handler http.HandlerFunc) Target

// lateHandshake returns a service that thinks about the first message of the handshake.
func lateHandshake(serve server) func(testing.TB, time.Duration) Target {
	return func(tb testing.TB, d time.Duration) Target {
		tb.Helper()
		root := newRoot(tb, "Test Root")
		config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}
		if d > 0 {
			config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
				<-time.After(d)
				return nil, nil //nolint:nilnil // keeps the one that is there
			}
		}
		return serve(tb, root.file(tb), config, welcome)
	}
}

// lateHandler returns a service that thinks before its answer or in the middle of it.
func lateHandler(serve server, in probe.Phase) func(testing.TB, time.Duration) Target {
	return func(tb testing.TB, d time.Duration) Target {
		tb.Helper()
		root := newRoot(tb, "Test Root")
		config := &tls.Config{Certificates: []tls.Certificate{root.issue(tb, nil)}}
		return serve(tb, root.file(tb), config, func(w http.ResponseWriter, r *http.Request) {
			if in == probe.Receive {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_ = http.NewResponseController(w).Flush() // fails on a connection that is gone only
			}
			if d > 0 {
				<-time.After(d)
			}
			welcome(w, r)
		})
	}
}

// lateAnswer returns a service that answers as it is told over plain HTTP.
func lateAnswer(answer func(net.Conn, time.Duration)) func(testing.TB, time.Duration) Target {
	return func(tb testing.TB, d time.Duration) Target {
		tb.Helper()
		return serveHTTP(tb, func(conn net.Conn, _ *http.Request) { answer(conn, d) })
	}
}
