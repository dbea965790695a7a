package grpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// maxRead bounds what is read of a connection, in bytes. An answer has about a hundred.
const maxRead = 64 << 10

var (
	errFlood = fmt.Errorf("more than %d KiB came", maxRead>>10)
	errSpent = errors.New("the connection of this probe is spent")
)

// call is one question for the health of a service, and what came of it.
type call struct {
	answer *grpc_health_v1.HealthCheckResponse // nil with an error
	err    error                               // a gRPC status
	said   bool                                // the status is the service's own, and not the library's about the connection
	broken error                               // what the connection ended with; nil while it was fine
}

// call asks over an open line, which is used up then.
func (p *prober) call(ctx context.Context, line *httpx.Line) (*call, error) {
	w := &wire{Conn: line.Conn, left: maxRead}
	ear := new(ear)
	conn, err := grpc.NewClient("passthrough:///"+p.endpoint.String(),
		grpc.WithTransportCredentials(credentialsOf(p.endpoint.Secure)),
		grpc.WithContextDialer(w.once),
		// A probe tries once, and it alone says how long that may take.
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: p.timeout + time.Second}),
		grpc.WithMaxHeaderListSize(maxRead),
		grpc.WithUserAgent(p.userAgent),
		grpc.WithStatsHandler(ear),
	)
	if err != nil {
		return nil, fmt.Errorf("preparing a call to %s: %w", p.url, err)
	}
	c := new(call)
	c.answer, c.err = grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: p.service})
	c.said, c.broken = ear.heard.Load(), w.ended()
	_ = conn.Close() // returns an error only for one that is closed
	return c, nil
}

// wire is the connection of a call: handed out once, and read within bounds.
type wire struct {
	net.Conn
	taken atomic.Bool

	mu   sync.Mutex
	left int   // bytes that may still be read
	err  error // what the connection ended with
}

// once hands the connection to the library, which would open others when it breaks.
func (w *wire) once(context.Context, string) (net.Conn, error) {
	if w.taken.Swap(true) {
		return nil, errSpent
	}
	return w, nil
}

// Read notes what ends the connection.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left -= n; w.left < 0 {
		err = errFlood
	}
	w.note(err)
	return n, err
}

// Write notes it, too, until something comes: the system tells of a reset once, and whoever asks first is told.
func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.left < maxRead: // what came says more
	case errors.Is(err, syscall.EPIPE):
		w.note(io.EOF) // the other side had hung up before
	default:
		w.note(err)
	}
	return n, err
}

// note keeps the first error, unless a reset comes after it.
func (w *wire) note(err error) {
	if errors.Is(err, net.ErrClosed) { // which is the library's doing
		return
	}
	if w.err == nil || errors.Is(err, syscall.ECONNRESET) {
		w.err = err
	}
}

func (w *wire) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// ear hears whether the service itself ended the call: everything else that the library says in its place comes without
// trailers.
type ear struct{ heard atomic.Bool }

// TagRPC adds nothing.
func (*ear) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// TagConn adds nothing.
func (*ear) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn needs nothing.
func (*ear) HandleConn(context.Context, stats.ConnStats) {}

// HandleRPC notes trailers.
func (e *ear) HandleRPC(_ context.Context, event stats.RPCStats) {
	if _, ok := event.(*stats.InTrailer); ok {
		e.heard.Store(true)
	}
}

// credentialsOf returns the credentials for a connection that is as secure as it will be.
func credentialsOf(secure bool) credentials.TransportCredentials {
	if !secure {
		return insecure.NewCredentials()
	}
	return secured{insecure.NewCredentials()}
}

// secured says of a connection that it has TLS already, which makes the scheme of the call https.
type secured struct {
	credentials.TransportCredentials
}

// Info says TLS.
func (secured) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the same: it is immutable.
func (s secured) Clone() credentials.TransportCredentials { return s }
