package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	// resend is after how long without an answer a question is sent again: a packet may get lost on the way. Stub
	// resolvers wait between one and five seconds.
	resend = 2 * time.Second
	// datagram is what is offered as the largest answer by UDP, in bytes: it passes every network in one piece (DNS flag
	// day 2020).
	datagram = 1232
)

// reply is what one server said to a question.
type reply struct {
	server   string // for people
	address  string // address:port
	protocol string // "udp" or "tcp"
	took     time.Duration
	message  *dns.Msg     // nil when there is a reason
	reason   probe.Reason // why there is no answer
	detail   string
}

// query asks one server, by UDP and, where the answer does not fit, by TCP. An error means that nothing could be measured.
func query(ctx context.Context, address string, q dns.Question, recursive bool) (*reply, error) {
	m := new(dns.Msg)
	m.Id = dns.Id()
	m.Question = []dns.Question{q}
	m.RecursionDesired = recursive
	m.AuthenticatedData = recursive // asks for the flag in the answer (RFC 6840 section 5.7)
	m.SetEdns0(datagram, false)
	r := &reply{server: address, address: address, protocol: "udp"}
	start := time.Now()
	message, err := exchange(ctx, r.protocol, address, m)
	cut := err == nil && message.Truncated
	if cut {
		r.protocol = "tcp"
		message, err = exchange(ctx, r.protocol, address, m)
	}
	r.took = time.Since(start)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, fmt.Errorf("asking %s: %w", address, context.Cause(ctx))
	}
	if err == nil {
		r.message = message
		return r, nil
	}
	if r.reason, r.detail = blame(address, err); r.reason == probe.NotMeasured {
		return nil, fmt.Errorf("asking %s: %w", address, err)
	}
	if cut {
		r.detail = "answer does not fit by UDP, and by TCP: " + r.detail
	}
	return r, nil
}

// misfit is an answer that is none to the question.
type misfit struct{ detail string }

// Error returns the detail.
func (m *misfit) Error() string { return m.detail }

// blame sorts and words why there is no answer.
func blame(address string, err error) (probe.Reason, string) {
	if odd, ok := errors.AsType[*misfit](err); ok {
		return malformed, address + ": " + odd.detail
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return probe.DNSFailed, address + ": nothing answers at this port"
	}
	reason, detail := httpx.ResolveReason(address, err)
	return reason, strings.Replace(detail, "resolving", "asking", 1)
}

// exchange sends a question and returns the answer to it. Other messages are passed over by UDP, because anybody can send
// them; what was wrong with the last of them is told when no better one comes.
func exchange(ctx context.Context, network, address string, question *dns.Msg) (*dns.Msg, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = conn.SetDeadline(time.Unix(1, 0)) // fails on a closed connection only
	})
	defer func() {
		if !stop() {
			<-interrupted
		}
		_ = conn.Close() // there is nobody to tell
	}()
	talk := &dns.Conn{Conn: conn, UDPSize: datagram}
	if network == "tcp" {
		if err := talk.WriteMsg(question); err != nil {
			return nil, err
		}
		return receive(talk, question)
	}
	var odd error
	for ctx.Err() == nil {
		if err := talk.WriteMsg(question); err != nil {
			return nil, err
		}
		message, err := listen(ctx, talk, question, &odd)
		if message != nil || !timedOut(err) {
			return message, err
		}
	}
	if odd != nil {
		return nil, odd
	}
	return nil, ctx.Err()
}

// listen waits for the answer until it is time to ask again.
func listen(ctx context.Context, talk *dns.Conn, question *dns.Msg, odd *error) (*dns.Msg, error) {
	err := talk.SetReadDeadline(time.Now().Add(resend))
	if err != nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	for {
		message, err := receive(talk, question)
		if _, misfits := errors.AsType[*misfit](err); !misfits {
			return message, err
		}
		*odd = err
	}
}

// receive reads one message.
func receive(talk *dns.Conn, question *dns.Msg) (*dns.Msg, error) {
	data, err := talk.ReadMsgHeader(nil)
	if errors.Is(err, dns.ErrShortRead) {
		return nil, &misfit{"message is shorter than its header"}
	}
	if err != nil {
		return nil, err
	}
	return parse(data, question)
}

// parse reads the message of a server and checks that it answers the question.
func parse(data []byte, question *dns.Msg) (*dns.Msg, error) {
	m := new(dns.Msg)
	if err := m.Unpack(data); err != nil {
		return nil, &misfit{"not a DNS message: " + probe.Clip(err.Error(), maxRecord)}
	}
	want := question.Question[0]
	switch {
	case !m.Response:
		return nil, &misfit{"message is a question, want an answer"}
	case m.Id != question.Id:
		return nil, &misfit{fmt.Sprintf("answer has id %d, want %d", m.Id, question.Id)}
	case len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess:
		// Servers that understood nothing repeat nothing (RFC 1035 section 4.1.1, format error).
	case len(m.Question) != 1 || m.Question[0].Qtype != want.Qtype || m.Question[0].Qclass != want.Qclass ||
		!strings.EqualFold(m.Question[0].Name, want.Name):
		return nil, &misfit{"answer is to another question"}
	}
	return m, nil
}

func timedOut(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
