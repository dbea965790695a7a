package httpx_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

func newClient(t *testing.T, opts httpx.Options) *httpx.Client {
	t.Helper()
	client, err := httpx.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func do(t *testing.T, client *httpx.Client, req *httpx.Request) *httpx.Response {
	t.Helper()
	resp, err := client.Do(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	checkClocks(t, resp)
	return resp
}

// within returns a context with a deadline.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// patience is how long a test waits for a result: short when a deadline is what it is about, but long enough for the
// phases before, of which a TLS handshake is the slowest on a busy machine.
func patience(reason probe.Reason, short time.Duration) time.Duration {
	if strings.HasSuffix(string(reason), "_timeout") {
		return short
	}
	return time.Minute
}

// checkClocks asserts what holds for every response: the phases add up to the duration, over all exchanges and in each.
func checkClocks(t *testing.T, resp *httpx.Response) {
	t.Helper()
	if sum := resp.Phases.Sum(); sum != resp.Duration {
		t.Errorf("phases add up to %v, duration is %v", sum, resp.Duration)
	}
	var sum time.Duration
	for i := range resp.Exchanges {
		sum += resp.Exchanges[i].Phases.Sum()
	}
	if sum != resp.Duration {
		t.Errorf("phases of the exchanges add up to %v, duration is %v", sum, resp.Duration)
	}
}

// wantPhases asserts which phases were reached, and no others.
func wantPhases(t *testing.T, phases *probe.Phases, want ...probe.Phase) {
	t.Helper()
	reached := make(map[probe.Phase]bool)
	for _, p := range want {
		reached[p] = true
	}
	for p := range probe.NumPhases {
		if _, ok := phases.Get(p); ok != reached[p] {
			t.Errorf("phase %v: reached %v, want %v", p, ok, reached[p])
		}
	}
}

// listen serves every connection with serve on a goroutine of its own until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			running.Go(func() {
				serve(conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return listener.Addr().String()
}

// answer reads one request and sends text.
func answer(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = conn.Write([]byte(text))
		}
	}
}

// hang keeps a connection open until the other side closes it.
func hang(conn net.Conn) {
	var b [1]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

// reset closes a connection with RST.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

var serials struct { // of all certificates of the tests
	sync.Mutex
	last int64
}

// template returns a certificate that is valid now for the names given.
func template(name string, names ...string) *x509.Certificate {
	serials.Lock()
	defer serials.Unlock()
	serials.last++
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(serials.last),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour).Truncate(time.Second),
		NotAfter:     time.Now().Add(24 * time.Hour).Truncate(time.Second),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, n)
		}
	}
	return cert
}

// ca turns a certificate into one that may sign others and outlives them.
func ca(cert *x509.Certificate) *x509.Certificate {
	cert.NotAfter = cert.NotAfter.Add(24 * time.Hour)
	cert.IsCA, cert.BasicConstraintsValid, cert.KeyUsage = true, true, x509.KeyUsageCertSign
	return cert
}

// issue signs a certificate with a; with nil it signs itself.
func (a *authority) issue(tb testing.TB, cert *x509.Certificate) *authority {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	parent, signer := cert, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &authority{parsed, key, der}
}

// with returns a key pair that is served with the chain given.
func (a *authority) with(chain ...*authority) tls.Certificate {
	pair := tls.Certificate{Certificate: [][]byte{a.der}, PrivateKey: a.key}
	for _, c := range chain {
		pair.Certificate = append(pair.Certificate, c.der)
	}
	return pair
}

// file writes the certificate as PEM.
func (a *authority) file(tb testing.TB) string {
	tb.Helper()
	return writePEM(tb, "CERTIFICATE", a.der)
}

func (a *authority) keyFile(tb testing.TB) string {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		tb.Fatal(err)
	}
	return writePEM(tb, "PRIVATE KEY", der)
}

func writePEM(tb testing.TB, kind string, der []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// serveTLS serves HTTP over TLS. HTTP/2 is offered when config.NextProtos has it.
func serveTLS(t *testing.T, config *tls.Config, handler http.HandlerFunc) string {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, TLSConfig: config, ErrorLog: discard(), ReadHeaderTimeout: time.Minute}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func TestMain(m *testing.M) {
	if os.Getenv(targetEnv) != "" {
		serveTarget()
	}
	goleak.VerifyTestMain(m)
}
