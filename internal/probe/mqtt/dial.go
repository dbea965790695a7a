package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// dialed is an open connection and what opening it showed.
type dialed struct {
	tcp       *net.TCPConn
	tls       *tls.Conn // nil without TLS
	anonymous bool      // the broker asked for a client certificate and got none
	exchange  probe.Exchange
}

// dial opens a connection to e and clocks every phase. On failure the exchange holds what was seen until then, and the
// error is a *failure, or that of a cancelled context.
func dial(ctx context.Context, e *endpoint) (dialed, error) {
	d := dialed{exchange: probe.Exchange{Method: "CONNECT as " + e.role, URL: e.url}}
	addresses, err := d.resolve(ctx, e.host)
	if err != nil {
		return d, classify(ctx, probe.Resolve, err)
	}
	start := time.Now()
	d.tcp, err = dialFirst(ctx, addresses, e.port)
	d.exchange.Phases.Add(probe.Connect, time.Since(start))
	if err != nil {
		return d, classify(ctx, probe.Connect, err)
	}
	d.exchange.Address = d.tcp.RemoteAddr().String()
	if e.tls == nil {
		return d, nil
	}
	start = time.Now()
	config := e.tls.Clone()
	config.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for i := range e.tls.Certificates {
			if asked.SupportsCertificate(&e.tls.Certificates[i]) == nil {
				return &e.tls.Certificates[i], nil
			}
		}
		d.anonymous = true
		return new(tls.Certificate), nil
	}
	d.tls = tls.Client(d.tcp, config)
	err = d.tls.HandshakeContext(ctx)
	d.exchange.Phases.Add(probe.TLS, time.Since(start))
	d.exchange.TLS = tlsFacts(e.tls.ServerName, d.tls, err)
	if err != nil {
		_ = d.tcp.Close()
		return d, classify(ctx, probe.TLS, err)
	}
	return d, nil
}

// maxAddresses is how many of the addresses of a name are tried and kept as evidence.
const maxAddresses = 20

// resolve returns the addresses of host in the order in which the system prefers them. An address needs no phase.
func (d *dialed) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address}, nil
	}
	start := time.Now()
	addresses, err := httpx.Resolver{}.Lookup(ctx, host)
	d.exchange.Phases.Add(probe.Resolve, time.Since(start))
	addresses = addresses[:min(len(addresses), maxAddresses)]
	for _, address := range addresses {
		d.exchange.Addresses = append(d.exchange.Addresses, address.String())
	}
	return addresses, err
}

// dialFirst tries the addresses in turn, each with an even share of the time that is left, and returns the first
// connection or the first error.
func dialFirst(ctx context.Context, addresses []netip.Addr, port string) (*net.TCPConn, error) {
	var first error
	for i, address := range addresses {
		conn, err := dialOne(ctx, net.JoinHostPort(address.String(), port), len(addresses)-i)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = errors.New("no address")
	}
	return nil, first
}

func dialOne(ctx context.Context, address string, shares int) (*net.TCPConn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	}
	// Keep-alive probes are left to MQTT's own pings.
	dialer := net.Dialer{KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}
