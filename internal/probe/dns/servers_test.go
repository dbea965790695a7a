package dns_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/dns"
)

// serve answers questions by UDP and TCP on a port of loopback until the test ends. An empty address gets one.
func serve(tb testing.TB, address string, handle mdns.HandlerFunc) string {
	tb.Helper()
	packets, stream := bind(tb, address)
	var serving, ready sync.WaitGroup
	tb.Cleanup(serving.Wait)
	for _, server := range []*mdns.Server{{PacketConn: packets, Handler: handle}, {Listener: stream, Handler: handle}} {
		ready.Add(1)
		server.NotifyStartedFunc = ready.Done
		serving.Go(func() { _ = server.ActivateAndServe() })
		tb.Cleanup(func() { _ = server.Shutdown() }) // before the one that waits, which is registered first
	}
	ready.Wait()
	return packets.LocalAddr().String()
}

// bind returns sockets for UDP and TCP at one address. Of those that the system picks for one, the other can be taken.
func bind(tb testing.TB, address string) (net.PacketConn, net.Listener) {
	tb.Helper()
	tries := 1
	if address == "" {
		address, tries = "127.0.0.1:0", 50
	}
	var err error
	for range tries {
		var stream net.Listener
		if stream, err = net.Listen("tcp", address); err != nil {
			continue
		}
		var packets net.PacketConn
		if packets, err = net.ListenPacket("udp", stream.Addr().String()); err == nil {
			return packets, stream
		}
		_ = stream.Close()
	}
	tb.Fatal(err)
	return nil, nil
}

// records are what a server knows, as lines of a zone file.
type records []string

// answer fills a message with the records of the question, through aliases, as a server of the zone does. Names that it has
// no records of do not exist.
func (z records) answer(tb testing.TB, question *mdns.Msg) *mdns.Msg {
	tb.Helper()
	m := new(mdns.Msg).SetReply(question)
	m.Authoritative = true
	q := question.Question[0]
	known := false
	for name, hops := strings.ToLower(q.Name), 0; hops < 10; hops++ {
		next := ""
		for _, line := range z {
			rr, err := mdns.NewRR(line)
			if err != nil {
				tb.Error(err)
				continue
			}
			if rr.Header().Name != name {
				continue
			}
			known = true
			if alias, ok := rr.(*mdns.CNAME); ok {
				next = alias.Target
			}
			if rr.Header().Rrtype == q.Qtype || next != "" {
				m.Answer = append(m.Answer, rr)
			}
		}
		if name = next; next == "" {
			break
		}
	}
	if !known {
		m.Rcode = mdns.RcodeNameError
	}
	return m
}

// zone returns a server of records. edit may change every answer.
func zone(tb testing.TB, z records, edit func(*mdns.Msg)) mdns.HandlerFunc {
	tb.Helper()
	return func(w mdns.ResponseWriter, question *mdns.Msg) {
		m := z.answer(tb, question)
		if edit != nil {
			edit(m)
		}
		_ = w.WriteMsg(m)
	}
}

// code returns a server that answers with nothing but a code.
func code(c int) mdns.HandlerFunc {
	return func(w mdns.ResponseWriter, question *mdns.Msg) { _ = w.WriteMsg(new(mdns.Msg).SetRcode(question, c)) }
}

// silent is a server that does not answer.
func silent(mdns.ResponseWriter, *mdns.Msg) {}

// overUDP returns a server that answers by UDP with one handler and by TCP with another.
func overUDP(udp, tcp mdns.HandlerFunc) mdns.HandlerFunc {
	return func(w mdns.ResponseWriter, question *mdns.Msg) {
		if w.RemoteAddr().Network() == "udp" {
			udp(w, question)
			return
		}
		tcp(w, question)
	}
}

// raw returns a server that answers with bytes.
func raw(data []byte) mdns.HandlerFunc {
	return func(w mdns.ResponseWriter, _ *mdns.Msg) { _, _ = w.Write(data) }
}

// hangUp ends a connection instead of an answer.
func hangUp(w mdns.ResponseWriter, _ *mdns.Msg) { _ = w.Close() }

// config returns that of the shop's name, with a server and changes.
func config(server string, edit func(*dns.Config)) dns.Config {
	c := *dns.Kind().NewConfig(probe.DesktopWeb).(*dns.Config)
	c.Name, c.Server = "shop.example.test", server
	if edit != nil {
		edit(&c)
	}
	return c
}

func build(c dns.Config) (probe.Built, error) {
	return dns.Kind().Build(&c, probe.Setup{Timeout: 10 * time.Second, Every: time.Minute})
}

// run probes once, within the time that there is.
func run(t *testing.T, c dns.Config, timeout time.Duration) probe.Result {
	t.Helper()
	built, err := build(c)
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

// outcome is the reason or the checks of a result, and the details of all, as one text.
func outcome(r *probe.Result) (checks, details string) {
	names, texts := []string{}, []string{r.Detail}
	if r.Reason != "" {
		names = append(names, string(r.Reason))
	}
	for _, finding := range r.Findings {
		names, texts = append(names, string(finding.Check)), append(texts, finding.Detail)
	}
	return strings.Join(names, " "), strings.Join(texts, "\n")
}
