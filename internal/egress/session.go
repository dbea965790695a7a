package egress

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// session is one connection of the browser. One goroutine reads from it; while there is a leg, that one writes to it.
type session struct {
	proxy  *Proxy
	client *patient
	in     *bufio.Reader
	out    *bufio.Writer
	head   []byte      // of the current request
	direct []byte      // as it is sent
	leg    *leg        // to the server of the last plain request
	shut   atomic.Bool // no more requests are taken
}

func newSession(p *Proxy, client *patient) *session {
	s := &session{proxy: p, client: client}
	s.in, s.out = bufio.NewReader(s.client), bufio.NewWriter(s.client)
	return s
}

// serve answers requests until one side ends.
func (s *session) serve() {
	for s.next() {
	}
	if s.leg != nil {
		s.leg.cut()
	}
}

// next serves one request. It returns whether another one may come.
func (s *session) next() bool {
	if _, err := s.in.Peek(1); err != nil {
		return false
	}
	s.client.hurry(time.Now().Add(s.proxy.patience.head))
	raw, err := readHead(s.in, s.head[:0])
	s.head = raw
	s.client.hurry(time.Time{})
	switch {
	case s.shut.Load(), err != nil && !errors.Is(err, errTooLarge):
		return false
	case err != nil:
		return s.refuse(http.StatusRequestHeaderFieldsTooLarge, "http_request_error")
	}
	r, err := parseRequest(raw)
	switch {
	case err != nil:
		return s.refuse(http.StatusBadRequest, "http_request_error")
	case s.proxy.Blocks(r.target.host):
		s.proxy.book.blocked.Add(1)
		return s.refuse(http.StatusForbidden, "http_request_denied")
	case !s.proxy.book.admit(s.proxy.opts.MaxRequests):
		return s.deny(&r, probe.NotMeasured)
	case r.method == http.MethodConnect:
		return s.tunnel(&r)
	}
	return s.forward(&r)
}

// deny ends a request that leads nowhere: in the browser it is an error, not a page.
func (s *session) deny(r *request, reason probe.Reason) bool {
	if r.method == http.MethodConnect {
		return s.refuse(refusal(reason))
	}
	s.settle()
	return false
}

// refuse answers a request itself and ends the connection.
func (s *session) refuse(status int, why string) bool {
	s.settle()
	_, _ = s.out.WriteString("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\n" +
		"Proxy-Status: channelwatch; error=" + why + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	_ = s.out.Flush()         // the browser has gone, and
	_ = s.client.CloseWrite() // there is nobody to tell
	s.client.hurry(time.Now().Add(s.proxy.patience.parting))
	_ = s.proxy.carry(io.Discard, s.in) // a close with something unread would take the answer back
	return false
}

// refusal says in the words of HTTP (RFC 9209 section 2.3) why there is no tunnel.
func refusal(reason probe.Reason) (status int, why string) {
	switch reason {
	case probe.AddressForbidden:
		return http.StatusForbidden, "destination_ip_prohibited"
	case probe.DNSNotFound, probe.DNSFailed:
		return http.StatusBadGateway, "dns_error"
	case probe.DNSTimeout:
		return http.StatusGatewayTimeout, "dns_timeout"
	case probe.ConnectRefused:
		return http.StatusBadGateway, "connection_refused"
	case probe.ConnectTimeout:
		return http.StatusGatewayTimeout, "connection_timeout"
	case probe.ConnectUnreachable:
		return http.StatusBadGateway, "destination_ip_unroutable"
	}
	return http.StatusServiceUnavailable, "proxy_internal_error"
}

// settle waits for the answers that are due and ends the leg, so that the browser's side is free.
func (s *session) settle() {
	if s.leg != nil {
		s.leg.finish()
		s.leg = nil
	}
}

// tunnel connects and carries bytes both ways, whatever they are.
func (s *session) tunnel(r *request) bool {
	s.settle()
	server, reason := s.proxy.reach(r.target)
	if reason != "" {
		return s.refuse(refusal(reason))
	}
	defer s.proxy.release(server)
	_, _ = s.out.WriteString("HTTP/1.1 200 Connection established\r\n\r\n")
	if s.out.Flush() != nil {
		return false
	}
	up := make(chan struct{})
	s.proxy.running.Go(func() {
		defer close(up)
		s.carryUp(server)
	})
	s.carryDown(server)
	<-up
	return false
}

// carryUp carries all from the browser to the server. Its end is the server's.
func (s *session) carryUp(server stream) {
	if s.proxy.carry(server, s.in) == nil {
		_ = server.CloseWrite() // it is gone, and the other direction says so
		return
	}
	_ = server.Close()
}

// carryDown carries all from the server to the browser, and ends the way the server does.
func (s *session) carryDown(server stream) {
	err := s.proxy.carry(s.client, server)
	switch {
	case err == nil:
		_ = s.client.CloseWrite() // the browser is gone, and the other direction says so
		return
	case s.proxy.ctx.Err() == nil:
		abort(s.client.TCPConn)
	}
	_ = server.Close()
}

// carry copies until the orderly end.
func (p *Proxy) carry(to io.Writer, from io.Reader) error {
	buffer := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buffer)
	for {
		n, err := from.Read(*buffer)
		if n > 0 {
			if _, err := to.Write((*buffer)[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
