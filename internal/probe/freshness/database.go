package freshness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// maxRead bounds what is read of the connection to a database, in bytes. An answer has a few hundred.
const maxRead = 256 << 10

var (
	errFlood   = fmt.Errorf("more than %d KiB came", maxRead>>10)
	errSpent   = errors.New("the connection of this probe is spent")
	errRefused = errors.New("server takes no TLS")
)

// driver asks a database over a connection.
type driver interface {
	// ask returns the values of at most two rows, each nil for NULL and of at most maxValue+1 characters. It leaves
	// nothing behind, and ends with ctx.
	ask(ctx context.Context, w *wire) ([]*string, error)
	// said returns what an error of the database itself says, and whether it gave up a query that took too long; empty
	// for every other error.
	said(err error) (text string, late bool)
}

// database is a source that is asked over the network.
type database struct {
	driver
	client   *httpx.Client
	endpoint httpx.Endpoint
	url      string // for people
}

// look connects and asks once.
func (d *database) look(ctx context.Context) (found, probe.Result, error) {
	line, err := d.client.Open(ctx, d.endpoint)
	if err != nil {
		return found{}, probe.Result{}, err
	}
	defer line.Close()
	if line.Reason != "" {
		return found{}, line.Result("SELECT", d.url), nil
	}
	w := &wire{Conn: line.Conn, left: maxRead}
	values, err := d.contained(ctx, w)
	line.Mark(probe.Wait)
	r := line.Result("SELECT", d.url)
	if err != nil {
		r.Reason, r.Detail = d.explain(ctx, w, err)
		return found{}, r, nil
	}
	return only(&r, values), r, nil
}

// contained asks, and takes a panic for what it is: a driver that trusts the lengths in what a server says, as that of
// MySQL does in the greeting.
func (d *database) contained(ctx context.Context, w *wire) (values []*string, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			values, err = nil, fmt.Errorf("driver gave up: %v", cause)
		}
	}()
	return d.ask(ctx, w)
}

// only returns the one value of an answer, or says in the result that there is none.
func only(r *probe.Result, values []*string) found {
	switch {
	case len(values) > 1:
		r.Reason, r.Detail = unreadable, "the query returned more than one row, want one"
	case len(values) == 0:
		r.Reason, r.Detail = empty, "the query returned no row, want one"
	case values[0] == nil, *values[0] == "":
		r.Reason, r.Detail = empty, "the query returned no value, want one"
	default:
		return found{text: *values[0]}
	}
	return found{}
}

// explain says why there is no answer.
func (d *database) explain(ctx context.Context, w *wire, err error) (probe.Reason, string) {
	said, late := d.said(err)
	broken := w.ended()
	distrust, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(broken, errFlood):
		return probe.ResponseMalformed, errFlood.Error()
	case late, ctx.Err() != nil:
		return probe.ResponseTimeout, "no answer to the query in time"
	case said != "":
		return unasked, clipLine(said)
	case distrusted:
		return probe.Distrust(distrust.UnverifiedCertificates, distrust.Err, time.Now())
	case errors.Is(err, errRefused):
		return probe.TLSNotTLS, errRefused.Error()
	case broken != nil:
		return httpx.WaitReason(broken)
	}
	return probe.ResponseMalformed, "answer is not of the database's protocol: " + clipLine(err.Error())
}

// clipLine puts a foreign text on one line, and cuts it.
func clipLine(text string) string {
	return probe.Clip(strings.Join(strings.Fields(text), " "), 3*maxValue)
}

// wire is the connection of a probe: handed out once, and read within bounds.
type wire struct {
	net.Conn

	mu    sync.Mutex
	taken bool
	left  int   // bytes that may still be read
	err   error // the first one of a read
}

// once hands the connection to a driver, which would open others when it breaks.
func (w *wire) once(context.Context, string, string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken {
		return nil, errSpent
	}
	w.taken = true
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
	if w.err == nil && !errors.Is(err, net.ErrClosed) { // which is the driver's doing
		w.err = err
	}
	return n, err
}

func (w *wire) ended() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// wrapped puts a query where it can only be read from, and its value into a text: in the words of every database here
// (SQL:1999 common table expressions). as is the text of the value.
func wrapped(query, as string) string {
	return "WITH found (value) AS (\n" + query + "\n) SELECT " + as + " FROM found LIMIT 2"
}

// remaining is the time that is left, in whole milliseconds and at least one, for what servers are told.
func remaining(ctx context.Context) int64 {
	deadline, _ := ctx.Deadline()
	return max(1, time.Until(deadline).Milliseconds())
}
