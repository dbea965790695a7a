package propagation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober writes one marker after the other.
type prober struct {
	settings
	client    *httpx.Client
	redaction probe.Redaction
	turn      chan struct{} // holds one: who has a marker on its way
}

// Probe writes a marker, waits until all sinks show it or the window is over, and takes it back. It waits for the marker
// of another probe that is on its way.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.wait(ctx); err != nil {
		return probe.Result{}, err
	}
	defer func() { <-p.turn }()
	return p.round(ctx, rand.Text())
}

// wait waits for the turn of this probe. A free turn is taken even when there is no time left: what hangs is the write.
func (p *prober) wait(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the marker of another probe: %w", ctx.Err())
	}
}

// round is the way of one marker.
func (p *prober) round(ctx context.Context, marker string) (probe.Result, error) {
	end, _ := ctx.Deadline()
	reserve := p.reserve(time.Until(end))
	inTime, cancel := context.WithDeadline(ctx, end.Add(-reserve))
	defer cancel()
	written, err := p.client.Do(inTime, p.source.With(marker))
	if err != nil {
		return probe.Result{}, fmt.Errorf("writing the marker: %w", err)
	}
	c := conclusion{settings: &p.settings, result: probe.Result{Start: written.Start}, written: written}
	if written.Reason == "" && isGood(written) {
		c.ends, err = p.watch(inTime, marker, c.begin())
	}
	if _, sent := written.Phases.Get(probe.Send); sent && p.cleanup != nil {
		errClean := error(nil)
		if c.cleaned, errClean = p.clean(ctx, marker, reserve); err == nil {
			err = errClean
		}
	}
	if err != nil {
		return probe.Result{}, err
	}
	result := c.conclude()
	p.redaction.Hide(&result)
	return result, nil
}

// reserve is the part of the time that is left which is kept for the cleanup.
func (p *prober) reserve(left time.Duration) time.Duration {
	if p.cleanup == nil {
		return 0
	}
	return max(0, min(maxCleanup, (p.timeout-p.window)/2, left/4))
}

// clean takes back what was written. It is done even when the probe was given up, because nobody else does it.
func (p *prober) clean(ctx context.Context, marker string, within time.Duration) (*httpx.Response, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	response, err := p.client.Do(ctx, p.cleanup.With(marker))
	if err != nil {
		return nil, fmt.Errorf("taking the marker back: %w", err)
	}
	return response, nil
}

// watch looks at all sinks at the same time until each has shown the marker or the window is over.
func (p *prober) watch(ctx context.Context, marker string, begin time.Time) ([]end, error) {
	window, cancel := context.WithDeadline(ctx, begin.Add(p.window))
	defer cancel()
	ends, errs := make([]end, len(p.sinks)), make([]error, len(p.sinks))
	var looking sync.WaitGroup
	for i := range p.sinks {
		looking.Go(func() {
			if ends[i], errs[i] = p.look(window, &p.sinks[i], marker, begin); errs[i] != nil {
				cancel() // nothing could be concluded from the others
			}
		})
	}
	looking.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("looking at %s: %w", p.sinks[i].name, err)
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	return ends, nil
}

// end is how looking at one sink ended.
type end struct {
	seen  bool
	after time.Duration // since the beginning: when it was seen, or was given up
	looks int
	last  *httpx.Response // nil: there was no time for a look
	why   string          // why the last answer that came does not count as seen
	bad   bool            // that answer could not be read at all
}

// look looks at one sink step by step.
func (p *prober) look(ctx context.Context, s *readySink, marker string, begin time.Time) (end, error) {
	step := time.NewTicker(p.poll)
	defer step.Stop()
	e := end{why: "there was no time for one"}
	until, _ := ctx.Deadline()
	for ctx.Err() == nil {
		response, err := p.client.Do(ctx, s.call.With(marker))
		if err != nil {
			return e, err
		}
		e.looks++
		// A look that the end of the window cut off says nothing that the one before did not.
		if cut := response.Reason != "" && !time.Now().Before(until); !cut || e.last == nil {
			e.last = response
			e.seen, e.bad, e.why = s.judge(response, marker)
		}
		e.after = time.Since(begin)
		if e.seen {
			return e, nil
		}
		select {
		case <-step.C:
		case <-ctx.Done():
		}
	}
	e.after = time.Since(begin)
	return e, nil
}

func isGood(response *httpx.Response) bool {
	return response.Status >= http.StatusOK && response.Status < http.StatusMultipleChoices
}
