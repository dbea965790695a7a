package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	coder "github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober opens one connection for each probe.
type prober struct{ settings }

// Probe connects, pings, sends and waits once.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	v := visit{settings: &p.settings}
	if err := v.run(ctx); err != nil {
		return probe.Result{}, p.redaction.Error(err)
	}
	p.redaction.Hide(&v.result)
	return v.result, nil
}

// visit is one probe on its way.
type visit struct {
	*settings
	result   probe.Result
	response *httpx.Response // to the upgrade
	last     time.Time       // when the phase that runs now began
}

// mark ends a phase that began where the last one ended.
func (v *visit) mark(p probe.Phase) {
	now := time.Now()
	v.result.Phases.Add(p, now.Sub(v.last))
	v.last = now
	v.result.Duration = v.result.Phases.Sum()
}

// note adds to the evidence what happened now.
func (v *visit) note(format string, args ...any) {
	v.result.Evidence.Events = append(v.result.Evidence.Events,
		probe.Event{At: time.Since(v.result.Start), Text: fmt.Sprintf(format, args...)})
}

func (v *visit) measure(metric string, took time.Duration) {
	v.result.Measurements = append(v.result.Measurements, probe.Measurement{Metric: metric, Value: took.Seconds()})
}

// run fills in the result. An error means that nothing could be measured.
func (v *visit) run(ctx context.Context) error {
	conn, line, err := v.upgrade(ctx)
	if err != nil || conn == nil {
		return err
	}
	// The library's ping would go on waiting when the connection has ended.
	alive, end := context.WithCancel(ctx)
	defer end()
	l := listen(ctx, conn, v.settings, end)
	why := v.talk(alive, conn, l)
	goodbye(conn, line)
	<-l.ended
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("talking over a WebSocket: %w", ctx.Err())
	}
	if why != nil {
		v.result.Reason, v.result.Detail = why.Check, why.Detail
		v.note("%s", why.Detail)
	}
	return nil
}

// upgrade opens the connection. It returns none when the result says why. line is the connection below.
func (v *visit) upgrade(ctx context.Context) (*coder.Conn, io.Closer, error) {
	upgrade := &httpx.Upgrade{Client: v.client}
	line := new(line)
	options := coder.DialOptions{
		HTTPClient: &http.Client{Transport: keeper{upgrade, line}}, HTTPHeader: v.header.Clone(),
	}
	if v.subprotocol != "" {
		options.Subprotocols = []string{v.subprotocol}
	}
	conn, _, err := coder.Dial(ctx, v.url, &options) //nolint:bodyclose // the library takes it
	resp := upgrade.Response
	switch {
	case upgrade.Err != nil:
		return nil, nil, upgrade.Err
	case resp == nil:
		return nil, nil, fmt.Errorf("opening a WebSocket: %w", context.Cause(ctx))
	}
	v.response, v.last = resp, resp.Start.Add(resp.Duration)
	v.result = probe.Result{
		Start: resp.Start, Duration: resp.Duration, Phases: resp.Phases, Reason: resp.Reason, Detail: resp.Detail,
		Evidence: &probe.Evidence{Exchanges: resp.Exchanges},
	}
	v.result.NoteCertificate(resp.NotBefore, resp.NotAfter, resp.Start)
	switch {
	case err == nil:
		conn.SetReadLimit(-1) // what is kept is bounded by the listener
		v.result.Detail = "connected"
		if conn.Subprotocol() != v.subprotocol {
			v.result.Findings = append(v.result.Findings, *probe.Findingf(subprotocol, "none agreed, want %q", v.subprotocol))
		}
		return conn, line, nil
	case resp.Reason != "":
	case resp.Status == http.StatusSwitchingProtocols:
		v.result.Reason, v.result.Detail = probe.ResponseMalformed, "the answer to the WebSocket handshake is not as RFC 6455 asks for"
	default:
		v.result.Reason, v.result.Detail = refused, fmt.Sprintf("status %d, want 101", resp.Status)
	}
	return nil, nil, nil
}

// line is a connection below a WebSocket, once there is one.
type line struct{ io.Closer }

// keeper keeps hold of the connection that a handshake leads to, because the library's own close waits for the other
// side longer than a probe may.
type keeper struct {
	*httpx.Upgrade
	line *line
}

// RoundTrip makes the handshake.
func (k keeper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := k.Upgrade.RoundTrip(req)
	if err == nil {
		k.line.Closer = resp.Body
	}
	return resp, err
}

// parting is how long the other side may take to answer a goodbye: a service that goes on talking is cut off.
const parting = 300 * time.Millisecond

// goodbye closes a connection as RFC 6455 section 7.1 asks for, so that the service's log shows no broken one. What comes
// of it is no part of the probe.
func goodbye(conn *coder.Conn, below io.Closer) {
	cut := time.AfterFunc(parting, func() { _ = below.Close() })
	defer cut.Stop()
	_ = conn.Close(coder.StatusNormalClosure, "")
}
