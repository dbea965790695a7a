package httpx_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

func TestClient_Certificates(t *testing.T) {
	t.Parallel()
	const host = "127.0.0.1"
	var none *authority
	root := none.issue(t, ca(template("Root")))
	stranger := none.issue(t, ca(template("Stranger")))
	inter := root.issue(t, ca(template("Intermediate")))
	short := func(c *x509.Certificate, from, to time.Duration) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(from).Truncate(time.Second), time.Now().Add(to).Truncate(time.Second)
		return c
	}
	leaf := func(issuer *authority, cert *x509.Certificate) *authority { return issuer.issue(t, cert) }
	oldInter := root.issue(t, short(ca(template("Old intermediate")), -2*time.Hour, -time.Hour))
	good := leaf(inter, template("good", host))
	soon := root.issue(t, short(ca(template("Soon gone")), -time.Hour, time.Hour))
	crossed := root.issue(t, ca(template("Crossed")))
	// The same authority and key, once more under a certificate that expires earlier: cross-signed.
	crossedShort := reissue(t, root, crossed, short(ca(template("Crossed")), -time.Hour, 2*time.Hour))

	tests := []struct {
		name    string
		chain   []*authority
		reason  probe.Reason
		expires *authority // whose validity is reported
	}{
		{name: "good", chain: []*authority{good, inter}},
		{name: "issued by the root", chain: []*authority{leaf(root, template("direct", host))}},
		{name: "with the root", chain: []*authority{good, inter, root}},
		{name: "expired", chain: []*authority{leaf(inter, short(template("old", host), -2*time.Hour, -time.Hour)), inter}, reason: probe.TLSExpired},
		{name: "not yet valid", chain: []*authority{leaf(inter, short(template("new", host), time.Hour, 2*time.Hour)), inter}, reason: probe.TLSNotYetValid},
		{name: "wrong host", chain: []*authority{leaf(inter, template("other", "example.com", "127.0.0.2")), inter}, reason: probe.TLSWrongHost},
		{name: "common name only", chain: []*authority{leaf(inter, template(host)), inter}, reason: probe.TLSWrongHost},
		{name: "self-signed", chain: []*authority{leaf(none, template("self", host))}, reason: probe.TLSUntrusted},
		{name: "unknown root", chain: []*authority{leaf(stranger, template("strange", host)), stranger}, reason: probe.TLSUntrusted},
		{name: "intermediate left out", chain: []*authority{good}, reason: probe.TLSIncompleteChain},
		{name: "expired intermediate", chain: []*authority{leaf(oldInter, template("x", host)), oldInter}, reason: probe.TLSExpired, expires: oldInter},
		{name: "intermediate expires first", chain: []*authority{leaf(soon, template("y", host)), soon}, expires: soon},
		{name: "expired and wrong host", chain: []*authority{leaf(inter, short(template("z", "a"), -2*time.Hour, -time.Hour)), inter}, reason: probe.TLSExpired},
		{name: "cross-signed", chain: []*authority{leaf(crossed, template("c", host)), crossedShort, crossed}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{test.chain[0].with(test.chain[1:]...)}}, hello)
			client := newClient(t, httpx.Options{TLS: httpx.TLSOptions{CAFile: root.file(t)}})
			for range 2 { // the second time the chain is known
				resp := do(t, client, &httpx.Request{URL: "https://" + addr + "/"})
				if resp.Reason != test.reason {
					t.Fatalf("got %q (%s), want %q", resp.Reason, resp.Detail, test.reason)
				}
				expires := test.expires
				if expires == nil {
					expires = test.chain[0]
				}
				if !resp.NotAfter.Equal(expires.cert.NotAfter) || !resp.NotBefore.Equal(expires.cert.NotBefore) {
					t.Errorf("got validity %v to %v, want that of %s", resp.NotBefore, resp.NotAfter, expires.cert.Subject)
				}
				facts := resp.Exchanges[0].TLS
				if facts == nil || len(facts.Chain) != len(test.chain) || facts.Chain[0].NotAfter != test.chain[0].cert.NotAfter {
					t.Errorf("got facts %+v, want a chain of %d", facts, len(test.chain))
				}
				if (facts.VerifyError != "") != (test.reason != "") {
					t.Errorf("got verification error %q for %q", facts.VerifyError, test.reason)
				}
				if test.reason == "" {
					wantPhases(t, &resp.Phases, probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive)
				} else {
					wantPhases(t, &resp.Phases, probe.Connect, probe.TLS)
				}
			}
		})
	}
}

// reissue signs another certificate for the key of an authority.
func reissue(t *testing.T, parent, key *authority, cert *x509.Certificate) *authority {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent.cert, &key.key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{parsed, key.key, der}
}

// A verdict that is remembered must not outlive the certificate, nor serve another name or chain.
func TestClient_RememberedVerdict(t *testing.T) {
	var none *authority
	root := none.issue(t, ca(template("Root")))
	pairs := make(chan tls.Certificate, 3)
	pairs <- root.issue(t, template("good", "127.0.0.1", "localhost")).with()
	pairs <- root.issue(t, template("other", "example.com")).with()
	pairs <- root.issue(t, template("good again", "127.0.0.1")).with()
	addr := serveTLS(t, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair := <-pairs
		return &pair, nil
	}}, hello)
	client := newClient(t, httpx.Options{TLS: httpx.TLSOptions{CAFile: root.file(t)}})
	for i, want := range []probe.Reason{"", probe.TLSWrongHost, ""} {
		if resp := do(t, client, &httpx.Request{URL: "https://" + addr}); resp.Reason != want {
			t.Errorf("exchange %d: got %q (%s), want %q", i, resp.Reason, resp.Detail, want)
		}
	}
}

func TestClient_HandshakeFailures(t *testing.T) {
	t.Parallel()
	var none *authority
	root := none.issue(t, ca(template("Root")))
	server := root.issue(t, template("server", "127.0.0.1", "shop.example"))
	config := func(change func(*tls.Config)) func(net.Conn) {
		return func(c net.Conn) {
			config := &tls.Config{Certificates: []tls.Certificate{server.with()}, MinVersion: tls.VersionTLS12}
			change(config)
			conn := tls.Server(c, config)
			if conn.HandshakeContext(t.Context()) == nil {
				answer("HTTP/1.1 204 No Content\r\n\r\n")(conn)
			}
		}
	}
	clients := x509.NewCertPool()
	clients.AddCert(root.cert)
	tests := []struct {
		name   string
		serve  func(net.Conn)
		opts   httpx.Options
		reason probe.Reason
		last   probe.Phase
	}{
		{name: "plain HTTP", serve: func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			hang(c) // closing with an unread hello would take back what was written
		}, reason: probe.TLSNotTLS, last: probe.TLS},
		{name: "banner", serve: func(c net.Conn) { _, _ = c.Write([]byte("220 mail ESMTP\r\n")); hang(c) }, reason: probe.TLSNotTLS, last: probe.TLS},
		{name: "closed", serve: func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, reason: probe.TLSHandshake, last: probe.TLS},
		{name: "reset", serve: func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); reset(c) }, reason: probe.TLSHandshake, last: probe.TLS},
		{name: "hangs", serve: hang, reason: probe.TLSTimeout, last: probe.TLS},
		{
			name: "no common version", serve: config(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }),
			opts: httpx.Options{TLS: httpx.TLSOptions{MinVersion: tls.VersionTLS13}}, reason: probe.TLSHandshake, last: probe.TLS,
		},
		{name: "no common protocol", serve: config(func(c *tls.Config) { c.NextProtos = []string{"mqtt"} }), reason: probe.TLSALPN, last: probe.TLS},
		{name: "h2 wanted, none chosen", serve: config(func(*tls.Config) {}), opts: httpx.Options{Protocols: []string{httpx.HTTP2}}, reason: probe.TLSALPN, last: probe.TLS},
		{name: "client certificate wanted", serve: config(func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients
		}), reason: probe.TLSHandshake, last: probe.Wait},
		{name: "other server name", serve: config(func(*tls.Config) {}), opts: httpx.Options{TLS: httpx.TLSOptions{ServerName: "shop.example"}}, last: probe.Receive},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.opts.TLS.CAFile = root.file(t)
			client := newClient(t, test.opts)
			resp, err := client.Do(within(t, patience(test.reason, 2*time.Second)), &httpx.Request{URL: "https://" + listen(t, test.serve)})
			if err != nil {
				t.Fatal(err)
			}
			checkClocks(t, resp)
			if resp.Reason != test.reason {
				t.Errorf("got %q (%s), want %q", resp.Reason, resp.Detail, test.reason)
			}
			want := []probe.Phase{probe.Connect, probe.TLS, probe.Send, probe.Wait, probe.Receive}
			wantPhases(t, &resp.Phases, want[:test.last]...)
		})
	}
}

func TestClient_ClientCertificate(t *testing.T) {
	var none *authority
	root := none.issue(t, ca(template("Root")))
	clients := x509.NewCertPool()
	clients.AddCert(root.cert)
	addr := serveTLS(t, &tls.Config{
		Certificates: []tls.Certificate{root.issue(t, template("server", "127.0.0.1")).with()},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName))
	})
	cert := template("agent")
	cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	own := root.issue(t, cert)
	resp := do(t, newClient(t, httpx.Options{TLS: httpx.TLSOptions{CAFile: root.file(t), CertFile: own.file(t), KeyFile: own.keyFile(t)}}),
		&httpx.Request{URL: "https://" + addr})
	if string(resp.Body) != "agent" {
		t.Errorf("server saw %q (%s), want the client's certificate", resp.Body, resp.Detail)
	}
}

// A server that refuses the client after the handshake has said so, however much of the request it cut off.
func TestClient_RefusedWhileSending(t *testing.T) {
	var none *authority
	root := none.issue(t, ca(template("Root")))
	config := &tls.Config{
		Certificates: []tls.Certificate{root.issue(t, template("server", "127.0.0.1")).with()}, ClientAuth: tls.RequireAnyClientCert,
		NextProtos: []string{"h2", "http/1.1"},
	}
	addr := listen(t, func(c net.Conn) { _ = tls.Server(c, config).HandshakeContext(t.Context()) })
	for _, protocol := range []string{httpx.HTTP1, httpx.HTTP2} {
		client := newClient(t, httpx.Options{Protocols: []string{protocol}, TLS: httpx.TLSOptions{CAFile: root.file(t)}})
		resp := do(t, client, &httpx.Request{Method: http.MethodPost, URL: "https://" + addr, Body: make([]byte, 1<<20)})
		if resp.Reason != probe.TLSHandshake {
			t.Errorf("%s: got %q (%s), want %q", protocol, resp.Reason, resp.Detail, probe.TLSHandshake)
		}
	}
}

// Every probe makes a full handshake: a resumed one is not what a new customer gets.
func TestClient_NoResumption(t *testing.T) {
	var none *authority
	root := none.issue(t, ca(template("Root")))
	addr := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{root.issue(t, template("server", "127.0.0.1")).with()}},
		func(w http.ResponseWriter, r *http.Request) {
			if r.TLS.DidResume {
				w.WriteHeader(http.StatusTeapot)
			}
		})
	client := newClient(t, httpx.Options{TLS: httpx.TLSOptions{CAFile: root.file(t)}})
	for range 3 {
		if resp := do(t, client, &httpx.Request{URL: "https://" + addr}); resp.Status != http.StatusOK {
			t.Errorf("got status %d (%s): the session was resumed", resp.Status, resp.Detail)
		}
	}
}

func TestNew_CAFileWithoutCertificate(t *testing.T) {
	path := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := httpx.New(httpx.Options{TLS: httpx.TLSOptions{CAFile: path}})
	if want := "CA file " + path + " has no PEM certificate"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

// The server's goodbye is part of TLS: a client that just hangs up makes entries in the server's log.
func TestClient_SaysGoodbye(t *testing.T) {
	var none *authority
	root := none.issue(t, ca(template("Root")))
	server := root.issue(t, template("server", "127.0.0.1"))
	ended := make(chan error, 1)
	addr := listen(t, func(c net.Conn) {
		conn := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{server.with()}})
		r := bufio.NewReader(conn)
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
		}
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	})
	do(t, newClient(t, httpx.Options{TLS: httpx.TLSOptions{CAFile: root.file(t)}}), &httpx.Request{URL: "https://" + addr})
	if err := <-ended; err == nil || err.Error() != "EOF" {
		t.Errorf("server saw %v, want EOF after close_notify", err)
	}
}
