package web_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/web"
)

// pipes is a listener in memory, so that time can be made up.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// listenTo opens a stream of events.
func listenTo(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// events reads the names of events as they come, until the stream ends.
func events(response *http.Response) <-chan string {
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		defer func() { _ = response.Body.Close() }()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				out <- name
			}
		}
	}()
	return out
}

// eventsServer runs a server in a bubble of made-up time.
func eventsServer(t *testing.T, updates func() uint64, change ...func(*web.Options)) (client *http.Client, stop func() error) {
	t.Helper()
	server, err := web.New(options(t, &source{}, append(change, func(o *web.Options) { o.Updates = updates })...))
	if err != nil {
		t.Fatal(err)
	}
	listener := newPipes()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	transport := &http.Transport{
		DialContext: listener.dial, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the time of the certificate is not that of the bubble
	}
	return &http.Client{Transport: transport}, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := server.Stop(ctx)
		transport.CloseIdleConnections()
		if failed := <-served; failed != nil {
			return failed
		}
		return err
	}
}

// TestEvents_OutliveTheDeadlinesOfRequests listens for ten minutes: signs of life come all the time, updates at most every
// five seconds, and stopping ends the stream at once.
func TestEvents_OutliveTheDeadlinesOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var revision atomic.Uint64
		client, stop := eventsServer(t, revision.Load)
		response := listenTo(t, client, "http://memory/events")
		if got := response.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
			t.Errorf("content type %q", got)
		}
		stream := events(response)
		if got := <-stream; got != "hello" {
			t.Errorf("first event %q, want hello", got)
		}
		time.Sleep(10 * time.Minute) //nolint:forbidigo // made-up time
		synctest.Wait()
		if got := drain(stream); got["beat"] != 40 || got["update"] != 0 {
			t.Errorf("ten quiet minutes gave %v, want a sign of life every 15 s", got)
		}
		for range 60 {
			revision.Add(1)
			time.Sleep(time.Second) //nolint:forbidigo // made-up time
		}
		synctest.Wait()
		if got := drain(stream); got["update"] < 11 || got["update"] > 13 {
			t.Errorf("a minute with something new every second gave %v, want an update every 5 s", got)
		}
		before := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(before); took > time.Second {
			t.Errorf("stopping took %s: the stream held it up", took)
		}
		for range stream { // it has ended, or this would wait for ever
		}
	})
}

// TestEvents_OverHTTP2 listens over TLS, where every stream has deadlines of its own.
func TestEvents_OverHTTP2(t *testing.T) {
	config := tlsConfig(t)
	synctest.Test(t, func(t *testing.T) {
		client, stop := eventsServer(t, func() uint64 { return 0 }, func(o *web.Options) { o.WebConfigFile = config })
		response := listenTo(t, client, "https://memory/events")
		if response.ProtoMajor != 2 {
			t.Errorf("spoken over %s, want HTTP/2", response.Proto)
		}
		stream := events(response)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // made-up time
		synctest.Wait()
		if got := drain(stream); got["beat"] != 40 {
			t.Errorf("ten quiet minutes gave %v, want a sign of life every 15 s", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// tlsConfig writes a web configuration with a certificate of its own.
func tlsConfig(t *testing.T) (path string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"memory"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: packed}),
		"web.yaml": []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "web.yaml")
}

// drain counts the events that have come.
func drain(stream <-chan string) map[string]int {
	got := make(map[string]int)
	for {
		select {
		case name, open := <-stream:
			if !open {
				return got
			}
			got[name]++
		default:
			return got
		}
	}
}

// TestEvents_AreBounded opens more streams than there are places.
func TestEvents_AreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, stop := eventsServer(t, func() uint64 { return 0 })
		var open []*http.Response
		statuses := make(map[int]int)
		for range 66 {
			response := listenTo(t, client, "http://memory/events")
			statuses[response.StatusCode]++
			open = append(open, response)
		}
		if diff := cmp.Diff(map[int]int{http.StatusOK: 64, http.StatusServiceUnavailable: 2}, statuses); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		_ = open[0].Body.Close()     // a reader goes
		time.Sleep(20 * time.Second) //nolint:forbidigo // made-up time
		synctest.Wait()
		response := listenTo(t, client, "http://memory/events")
		if response.StatusCode != http.StatusOK {
			t.Errorf("after a reader has gone: %d, want a place", response.StatusCode)
		}
		for _, response := range append(open, response) {
			_ = response.Body.Close()
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
