package grpc_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	grpcgo "google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/grpc"
	"github.com/channelwatch/channelwatch/internal/probe/probetest"
)

func TestConformance(t *testing.T) {
	subject := probetest.Subject{
		Kind: grpc.Kind(), Type: probe.MobileApp,
		With: func(target probetest.Target) map[string]any {
			scheme, rest, _ := strings.Cut(target.URL, "://")
			with := map[string]any{"address": strings.TrimSuffix(rest, "/"), "plaintext": scheme == "http"}
			if target.CAFile != "" {
				with["tls"] = map[string]any{"ca_file": target.CAFile}
			}
			return with
		},
	}
	probetest.Run(t, subject, probetest.Fixture{
		Healthy: func(tb testing.TB) probetest.Target {
			tb.Helper()
			address, caFile := overTLS(tb)
			return probetest.Target{URL: "https://" + address, CAFile: caFile}
		},
		Silent: func(tb testing.TB) probetest.Target {
			tb.Helper()
			return probetest.Target{URL: "http://" + serveRaw(tb, hold)}
		},
		SilentWant: probe.ResponseTimeout,
		ClosedPort: probetest.ClosedPort,
	})
}

func TestProbe_Health(t *testing.T) {
	t.Parallel()
	address := serve(t, serving(map[string]healthpb.HealthCheckResponse_ServingStatus{
		"shop.v1.Cart":   healthpb.HealthCheckResponse_SERVING,
		"shop.v1.Search": healthpb.HealthCheckResponse_NOT_SERVING,
		"shop.v1.Offers": healthpb.HealthCheckResponse_UNKNOWN,
		"shop.v1.Odd":    healthpb.HealthCheckResponse_SERVICE_UNKNOWN,
		"shop.v1.Newer":  42,
	}))
	cases := map[string]struct {
		want   probe.CheckID
		detail string
	}{
		"":               {"", "health is SERVING"},
		"shop.v1.Cart":   {"", "health is SERVING"},
		"shop.v1.Search": {"grpc_not_serving", "health is NOT_SERVING, want SERVING"},
		"shop.v1.Offers": {"grpc_health_unknown", "health is UNKNOWN, want SERVING"},
		"shop.v1.Odd":    {"grpc_service_unknown", "health is SERVICE_UNKNOWN, want SERVING"},
		"shop.v1.Newer":  {"grpc_health_unknown", "health is 42, want SERVING"},
		"shop.v1.None":   {"grpc_service_unknown", "answered NotFound, want OK: unknown service"},
	}
	for service, c := range cases {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			result := run(t, address, func(config *grpc.Config) { config.Service = service })
			if result.Reason != c.want || result.Detail != c.detail || len(result.Findings) > 0 {
				t.Errorf("got %q: %s, %v; want %q: %s", result.Reason, result.Detail, result.Findings, c.want, c.detail)
			}
		})
	}
}

// refuses is a health service that answers with an error.
func refuses(code codes.Code, message string) func(*grpcgo.Server) {
	return answering(func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		return nil, status.Error(code, message)
	})
}

func TestProbe_Errors(t *testing.T) {
	t.Parallel()
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	cases := map[string]struct {
		address string
		want    probe.CheckID
		detail  string // its start
	}{
		"no health service": {serve(t, func(*grpcgo.Server) {}), "grpc_no_health_service", "answered Unimplemented, want OK: unknown service grpc.health.v1.Health"},
		"no credentials":    {serve(t, refuses(codes.Unauthenticated, "who are you")), "grpc_denied", "answered Unauthenticated, want OK: who are you"},
		"wrong credentials": {serve(t, refuses(codes.PermissionDenied, "not you")), "grpc_denied", "answered PermissionDenied, want OK: not you"},
		"down":              {serve(t, refuses(codes.Unavailable, "no\nbackend")), "grpc_error", "answered Unavailable, want OK: no backend"},
		"broken":            {serve(t, refuses(codes.Internal, "")), "grpc_error", "answered Internal, want OK"},
		"its own deadline":  {serve(t, refuses(codes.DeadlineExceeded, "back end")), "grpc_error", "answered DeadlineExceeded, want OK: back end"},
		"a web server":      {serveHTTP2(t, http.NotFound), "grpc_malformed", "answer is not gRPC: unexpected HTTP status code received from server: 404"},
		"a gateway's error": {serveHTTP2(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), "grpc_malformed", "answer is not gRPC: unexpected HTTP status code received from server: 502"},
		"HTTP/1.1": {serveRaw(t, func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			hold(conn)
		}), "grpc_malformed", "answer is not gRPC: "},
		"a flood": {serveRaw(t, func(conn net.Conn) {
			noise := []byte(settings + strings.Repeat("\x00\x00\x08\x06\x00\x00\x00\x00\x00channelw", 8000)) // pings
			go hold(conn)
			_, _ = conn.Write(noise)
			hold(conn)
		}), "grpc_malformed", "more than 64 KiB came"},
		"hung up": {serveRaw(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 24)) // all that the client says first, else the end is a reset
			_, _ = conn.Read(make([]byte, 1<<10))
		}), probe.ConnectionClosed, ""},
		"reset": {serveRaw(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			_ = conn.(*net.TCPConn).SetLinger(0)
		}), probe.ConnectionReset, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, c.address, nil)
			if result.Reason != c.want || !strings.HasPrefix(result.Detail, c.detail) || strings.Contains(result.Detail, "\n") {
				t.Errorf("got %q: %s; want %q: %s", result.Reason, result.Detail, c.want, c.detail)
			}
			if result.Duration != result.Phases.Sum() || result.Duration <= 0 {
				t.Errorf("got phases of %v and a duration of %v, want the same", result.Phases.Sum(), result.Duration)
			}
		})
	}
}

func TestProbe_TriesOnce(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 10)
	address := serve(t, answering(func(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		calls <- strings.Join(md.Get("user-agent"), " ")
		return nil, status.Error(codes.Unavailable, "try again")
	}))
	run(t, address, nil)
	if agent := <-calls; !strings.HasPrefix(agent, "Channelwatch/1.2.3 ") || len(calls) > 0 {
		t.Errorf("got user agent %q and %d more calls, want ours and no more", agent, len(calls))
	}
}

func TestProbe_Slow(t *testing.T) {
	t.Parallel()
	address := serve(t, answering(func(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	built, err := build(t, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	result, err := built.Prober.Probe(ctx)
	wait, _ := result.Phases.Get(probe.Wait)
	if err != nil || result.Reason != probe.ResponseTimeout && result.Reason != "grpc_error" || wait < 500*time.Millisecond {
		t.Errorf("got %q (%s), %v and a wait of %v, want the timeout, seen from either side", result.Reason, result.Detail, err, wait)
	}
}

func TestProbe_TLS(t *testing.T) {
	t.Parallel()
	address, caFile := overTLS(t)
	result := run(t, address, func(c *grpc.Config) { c.Plaintext, c.TLS.CAFile = false, caFile })
	facts := result.Evidence.Exchanges[0].TLS
	if result.Reason != "" || facts == nil || facts.ALPN != "h2" || result.Evidence.Exchanges[0].URL != "grpcs://"+address {
		t.Errorf("got %q (%s) and %+v, want a call over h2", result.Reason, result.Detail, facts)
	}
	var metrics []string
	for _, m := range result.Measurements {
		metrics = append(metrics, m.Metric)
	}
	if !slices.Contains(metrics, probe.CertificateNotAfter) {
		t.Errorf("got the measurements %v, want the dates of the certificate", metrics)
	}
	// As the server, but without a reset: that is what closing with unread frames would be.
	confused := serveRaw(t, func(conn net.Conn) {
		_ = tls.Server(conn, new(tls.Config)).HandshakeContext(t.Context())
		_ = conn.(*net.TCPConn).CloseWrite()
		hold(conn)
	})
	for name, c := range map[string]struct {
		change func(*grpc.Config)
		want   probe.CheckID
	}{
		"not trusted":        {func(*grpc.Config) {}, probe.TLSUntrusted},
		"for another name":   {func(c *grpc.Config) { c.TLS.CAFile, c.TLS.ServerName = caFile, "shop.example.org" }, probe.TLSWrongHost},
		"plain where TLS is": {func(c *grpc.Config) { c.Address, c.Plaintext = confused, true }, probe.ConnectionClosed},
	} {
		result := run(t, address, func(config *grpc.Config) {
			config.Plaintext = false
			c.change(config)
		})
		if result.Reason != c.want {
			t.Errorf("%s: got %q (%s), want %q", name, result.Reason, result.Detail, c.want)
		}
	}
}

func TestProbe_ShowsNoSecret(t *testing.T) {
	const token = "Qk7Zp3Wv9Xj5"
	t.Setenv("TEST_TOKEN", "Bearer "+token)
	sent := make(chan metadata.MD, 1)
	address := serve(t, answering(func(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		sent <- md
		return nil, status.Error(codes.Unauthenticated, strings.Repeat(".", 280)+strings.Join(md.Get("authorization"), " "))
	}))
	built, err := build(t, address, func(c *grpc.Config) {
		c.Metadata = map[string]string{"x-tenant": "shop", "x-trace-bin": "\x00\x01"}
		c.SecretMetadata = map[string]probe.Secret{"authorization": {Env: "TEST_TOKEN"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	result, err := built.Prober.Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	md := <-sent
	if md.Get("authorization")[0] != "Bearer "+token || md.Get("x-tenant")[0] != "shop" || md.Get("x-trace-bin")[0] != "\x00\x01" {
		t.Errorf("got the metadata %v, want all of it", md)
	}
	shown, err := json.Marshal([]any{result, built.Profile})
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(token) - 3 {
		if strings.Contains(string(shown), token[i:i+4]) {
			t.Fatalf("got a part of the secret in %s", shown)
		}
	}
	if !strings.Contains(string(shown), "[redacted]") {
		t.Errorf("got %s, want to see where the secret was: else this tests nothing", shown)
	}
}
