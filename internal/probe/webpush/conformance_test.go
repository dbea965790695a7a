package webpush_test

import (
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
	"github.com/channelwatch/channelwatch/internal/probe/webpush"
	"github.com/channelwatch/channelwatch/internal/pushservice"
)

func TestConformance(t *testing.T) {
	key, _ := newKey(t)
	files := map[string][]byte{
		"canary.json": []byte(subscriptionAt(t, "https://push.example.com/wpush/v2/a")), "vapid.pem": []byte(key),
	}
	s := newStage(t, pushservice.Options{})
	c := newCanary(t, s, "")
	canary := c.file()
	// with sends to the subscription of the canary, or to one at the target.
	with := func(receive string) func(probetest.Target) map[string]any {
		return func(target probetest.Target) map[string]any {
			file := canary
			if target.URL != s.url() {
				file = private(t, "canary.json", subscriptionAt(t, target.URL))
			}
			return map[string]any{"receive": receive, "subscription_file": file}
		}
	}
	for receive, with := range map[string]func(probetest.Target) map[string]any{
		"self": func(target probetest.Target) map[string]any {
			return map[string]any{"receive": "self", "service": strings.Replace(target.URL, "http", "ws", 1)}
		},
		"receipt": with("receipt"),
		"none":    with("none"),
	} {
		t.Run(receive, func(t *testing.T) {
			probetest.Run(t, probetest.Subject{
				Kind: webpush.Kind(c.receipts), Type: probe.Push, Files: files, With: with,
			}, probetest.Fixture{
				Healthy:    func(testing.TB) probetest.Target { return probetest.Target{URL: s.url()} },
				Silent:     probetest.Silent,
				SilentWant: probe.ResponseTimeout,
				ClosedPort: probetest.ClosedPort,
			})
		})
	}
}

// Whatever a service does to the connection that a message, or its receiver, comes on has the reason that it has in all
// other kinds.
func TestProbe_FaultsOfConnections(t *testing.T) {
	t.Parallel()
	const hangs = 1500 * time.Millisecond // until what never ends is given up
	for _, fault := range probetest.Faults() {
		about, _, _ := strings.Cut(fault.Name, ":")
		switch about {
		case "DNS", "redirect", "status": // no names, and every status is an answer
			continue
		}
		if fault.Name == "connect: refused by the address of a name" {
			continue
		}
		t.Run("message, "+fault.Name, func(t *testing.T) {
			t.Parallel()
			target := start(t, fault)
			file := private(t, "canary.json", subscriptionAt(t, target.URL))
			r := take(t, fileProber(t, "none", file, nil, func(c *webpush.Config) { c.TLS.CAFile, c.Window = target.CAFile, hangs }))
			want(t, r, fault.Want, "unsent")
		})
		switch about {
		case "body", "encoding", "framing", "HTTP/2": // the receiver asks for another protocol
			continue
		}
		t.Run("receiver, "+fault.Name, func(t *testing.T) {
			t.Parallel()
			target := start(t, fault)
			r := take(t, newProber(t, nil, func(c *webpush.Config) {
				c.Receive, c.Service, c.TLS.CAFile = "self", strings.Replace(target.URL, "http", "ws", 1), target.CAFile
				c.Window = timeout - hangs
			}))
			if fault.Name == "header: 101 that nobody asked for" { // this one asks for it, but in another way
				want(t, r, "push_receiver_refused", "unsent")
				return
			}
			want(t, r, fault.Want, "unsent")
		})
	}
}

// start starts a service that misbehaves. Plain text does not leave this machine.
func start(tb testing.TB, fault probetest.Fault) probetest.Target {
	tb.Helper()
	target := fault.Start(tb)
	if !strings.Contains(target.URL, "//127.0.0.1") {
		target.URL = strings.Replace(target.URL, "http:", "https:", 1)
	}
	return target
}
