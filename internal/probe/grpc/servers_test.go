package grpc_test

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	grpcgo "google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/grpc"
)

// build returns a prober of a plain address with changes.
func build(t *testing.T, address string, change func(*grpc.Config)) (probe.Built, error) {
	t.Helper()
	c := grpc.Kind().NewConfig(probe.MobileApp).(*grpc.Config)
	c.Address, c.Plaintext = address, true
	if change != nil {
		change(c)
	}
	return grpc.Kind().Build(c, probe.Setup{
		Channel: "app", Touchpoint: "cart", Type: probe.MobileApp, Every: time.Minute, Timeout: 10 * time.Second,
		Location: "test", UserAgent: "Channelwatch/1.2.3",
	})
}

// run probes once.
func run(t *testing.T, address string, change func(*grpc.Config)) probe.Result {
	t.Helper()
	built, err := build(t, address, change)
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// listen opens a port of loopback.
func listen(tb testing.TB) net.Listener {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// serve starts a real gRPC server until the test ends, and waits for it.
func serve(tb testing.TB, register func(*grpcgo.Server), options ...grpcgo.ServerOption) (address string) {
	tb.Helper()
	listener := listen(tb)
	server := grpcgo.NewServer(options...)
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	tb.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return listener.Addr().String()
}

// serving registers the library's own health service, in which the services have these statuses.
func serving(statuses map[string]healthpb.HealthCheckResponse_ServingStatus) func(*grpcgo.Server) {
	return func(server *grpcgo.Server) {
		registry := health.NewServer()
		for name, status := range statuses {
			registry.SetServingStatus(name, status)
		}
		healthpb.RegisterHealthServer(server, registry)
	}
}

// answers is a health service that answers with what it is told.
type answers struct {
	healthpb.UnimplementedHealthServer
	check func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error)
}

func (a answers) Check(ctx context.Context, request *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return a.check(ctx, request)
}

// answering registers such a health service.
func answering(check func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error)) func(*grpcgo.Server) {
	return func(server *grpcgo.Server) { healthpb.RegisterHealthServer(server, answers{check: check}) }
}

// overTLS starts a server that serves, with a good certificate, and returns the file of its authority.
func overTLS(tb testing.TB, protocols ...string) (address, caFile string) {
	tb.Helper()
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	config := source.TLS.Clone()
	config.NextProtos = protocols
	caFile = filepath.Join(tb.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: source.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		tb.Fatal(err)
	}
	return serve(tb, serving(nil), grpcgo.Creds(credentials.NewTLS(config))), caFile
}

// serveRaw serves every connection until the test ends, and waits for all.
func serveRaw(tb testing.TB, talk func(net.Conn)) (address string) {
	tb.Helper()
	listener := listen(tb)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				talk(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// hold waits for the other side to hang up.
func hold(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// serveHTTP2 starts a plain HTTP/2 server that knows no gRPC.
func serveHTTP2(t *testing.T, handle http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
