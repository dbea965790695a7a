package ping

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// forbidden says that the host lets the agent send no echoes.
type forbidden struct{ err error }

// Error says what to change.
func (f *forbidden) Error() string {
	return fmt.Sprintf("this host forbids echoes (%v): set net.ipv4.ping_group_range to a range with group %d, or give the agent CAP_NET_RAW", f.err, os.Getegid())
}

// Unwrap returns what the system said.
func (f *forbidden) Unwrap() error { return f.err }

// echoes is one probe's. It is used by one goroutine at a time.
type echoes struct {
	*prober
	result *probe.Result
	sent   map[int]time.Time // by sequence number
	trips  []time.Duration   // of those that came back, in that order
	open   bool              // a socket could be had
}

// send sends all echoes, by a socket that needs no privilege where the host lets it, else by a raw one.
func (e *echoes) send(ctx context.Context, addr netip.Addr) error {
	err := e.run(ctx, addr, false)
	if !e.open && errors.Is(err, os.ErrPermission) {
		err = e.run(ctx, addr, true)
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return &forbidden{err}
	case err != nil && len(e.sent) == 0:
		return err
	}
	return nil // those that did not come back are counted
}

func (e *echoes) run(ctx context.Context, addr netip.Addr, raw bool) error {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	if left <= 0 || ctx.Err() != nil {
		return context.DeadlineExceeded
	}
	pinger := probing.New(addr.String())
	pinger.SetIPAddr(&net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()})
	pinger.SetPrivileged(raw)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.Count, pinger.Interval, pinger.Timeout = e.count, e.interval, left
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	pinger.OnSetup = func() { e.open = true }
	// The library's own times are of a clock that can be set; these are called on one goroutine.
	pinger.OnSend = func(packet *probing.Packet) { e.sent[packet.Seq] = time.Now() }
	pinger.OnRecv = func(packet *probing.Packet) {
		if at, ok := e.sent[packet.Seq]; ok {
			e.trips = append(e.trips, time.Since(at))
			e.note("echo %d came back after %v", packet.Seq, e.trips[len(e.trips)-1])
		}
	}
	return pinger.RunWithContext(ctx)
}

func (e *echoes) note(format string, args ...any) {
	r := e.result
	r.Evidence.Events = append(r.Evidence.Events, probe.Event{At: time.Since(r.Start), Text: fmt.Sprintf(format, args...)})
}

// conclude turns what came back into the result. waited is how long all echoes took.
func (e *echoes) conclude(addr netip.Addr, waited time.Duration) {
	r, lost := e.result, len(e.sent)-len(e.trips)
	share := float64(lost) / float64(max(len(e.sent), 1))
	e.note("%d of %d echoes to %s were lost", lost, len(e.sent), addr)
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: lossRatio, Value: share})
	if len(e.trips) == 0 {
		r.Phases.Add(probe.Connect, waited)
		r.Reason, r.Detail = unanswered, fmt.Sprintf("none of %d echoes to %s came back in %v", len(e.sent), addr, waited.Round(time.Millisecond))
		return
	}
	s := summarise(e.trips)
	r.Phases.Add(probe.Connect, s.avg)
	for stat, value := range map[string]time.Duration{statMin: s.min, statAvg: s.avg, statMax: s.max, statJitter: s.jitter} {
		r.Measurements = append(r.Measurements, probe.Measurement{Metric: roundTrip, Label: stat, Value: value.Seconds()})
	}
	r.Detail = fmt.Sprintf("%d of %d echoes came back from %s in %v on average", len(e.trips), len(e.sent), addr, s.avg.Round(time.Microsecond))
	if check := lossCheck(share); check != "" {
		r.Findings = append(r.Findings, *probe.Findingf(check, "%d of %d echoes to %s were lost, want none", lost, len(e.sent), addr))
	}
}

// lossCheck returns the check for a share of lost echoes, empty for none. At a quarter most transfers of a page stall at
// least once; a lone one may be the limit that a host puts on echoes.
func lossCheck(share float64) probe.CheckID {
	const heavy = 0.25
	switch {
	case share >= heavy:
		return heavyLoss
	case share > 0:
		return someLoss
	}
	return ""
}

// summary is what round trips are like.
type summary struct{ min, avg, max, jitter time.Duration }

// summarise takes at least one round trip. Jitter is the mean difference between neighbours; of one it is 0.
func summarise(trips []time.Duration) summary {
	var sum, apart time.Duration
	for i, trip := range trips {
		sum += trip
		if i > 0 {
			apart += (trip - trips[i-1]).Abs()
		}
	}
	return summary{
		min: slices.Min(trips), avg: sum / time.Duration(len(trips)), max: slices.Max(trips),
		jitter: apart / time.Duration(max(len(trips)-1, 1)),
	}
}
