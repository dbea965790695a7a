package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober makes requests and waits for their webhooks, for one probe at a time.
type prober struct {
	settings
	client    *httpx.Client
	hook      *ledger.Hook
	redaction probe.Redaction
	turn      chan struct{} // holds one: who uses hook and past
	past      *past
}

// Probe makes the requests, and waits for their webhooks until all are in or the window is over.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.wait(ctx); err != nil {
		return probe.Result{}, err
	}
	defer func() { <-p.turn }()
	r := &round{prober: p, start: time.Now(), broken: p.hook.Broken()}
	r.drain()
	defer r.remember()
	if err := r.run(ctx); err != nil {
		return probe.Result{}, err
	}
	result := r.conclude()
	p.redaction.Hide(&result)
	return result, nil
}

// wait waits for the turn of this probe. A free turn is taken even when there is no time left: what hangs is the request.
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
		return fmt.Errorf("waiting for the webhooks of another probe: %w", ctx.Err())
	}
}

// message is one request and its webhook.
type message struct {
	marker   string
	response *httpx.Response // to the request
	begin    time.Time       // when the connection for it stood
	copies   int
	after    time.Duration // until the first copy was in
	flaw     *probe.Finding
}

// round is one probe.
type round struct {
	*prober
	start    time.Time
	messages []*message
	order    []int  // of the messages, as their first copies came
	broken   uint64 // webhooks at the hook's address that could not be read before this probe
	repeats  int    // copies of messages of earlier probes that had come before
	belated  int    // messages of earlier probes that came after all
	waited   time.Duration
	events   []probe.Event
}

// run makes the requests one after the other, and then waits.
func (r *round) run(ctx context.Context) error {
	for range r.count {
		marker := r.prefix + rand.Text()
		m := &message{marker: marker}
		r.messages = append(r.messages, m) // before it is sent: a webhook can be faster than the answer
		response, err := r.client.Do(ctx, r.trigger.With(marker))
		if err != nil {
			return fmt.Errorf("making the request: %w", err)
		}
		m.response, m.begin = response, response.Start.Add(lead(response))
		if !taken(response) {
			return nil
		}
	}
	r.await(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}

// lead is what opening the connection took.
func lead(response *httpx.Response) time.Duration {
	var sum time.Duration
	for _, p := range []probe.Phase{probe.Resolve, probe.Connect, probe.TLS} {
		d, _ := response.Phases.Get(p)
		sum += d
	}
	return sum
}

// taken reports whether a request was taken.
func taken(response *httpx.Response) bool {
	return response.Reason == "" && response.Status >= http.StatusOK && response.Status < http.StatusMultipleChoices
}

// await takes in webhooks until all are there or the window of the last request is over.
func (r *round) await(ctx context.Context) {
	last := r.messages[len(r.messages)-1]
	ctx, cancel := context.WithDeadline(ctx, last.begin.Add(r.Window))
	defer cancel()
	for len(r.order) < len(r.messages) {
		select {
		case d := <-r.hook.Deliveries():
			r.take(&d)
			continue
		case <-ctx.Done():
		}
		break
	}
	r.drain()
	r.waited = time.Since(last.begin)
}

// drain takes in the webhooks that are there already.
func (r *round) drain() {
	for {
		select {
		case d := <-r.hook.Deliveries():
			r.take(&d)
		default:
			return
		}
	}
}

// take takes in one webhook. Senders may put several events into one.
func (r *round) take(d *ledger.Delivery) {
	rest := d.Body
	seen := make(map[string]bool)
	for {
		at := bytes.Index(rest, []byte(r.prefix))
		if at < 0 {
			return
		}
		rest = rest[at:]
		marker := string(rest[:min(len(rest), len(r.prefix)+len(rand.Text()))])
		rest = rest[len(r.prefix):]
		if !seen[marker] {
			seen[marker] = true
			r.arrive(marker, d)
		}
	}
}

// arrive notes that the webhook with a marker came.
func (r *round) arrive(marker string, d *ledger.Delivery) {
	for i, m := range r.messages {
		if m.marker != marker {
			continue
		}
		m.copies++
		note := "came again"
		if m.copies == 1 {
			r.order = append(r.order, i)
			note = "came"
		}
		if flaw := r.verify(d.Header, d.Body, d.At); flaw != nil && m.flaw == nil {
			m.flaw = flaw
		}
		if m.copies == 1 {
			m.after = d.At.Sub(r.start) // its beginning may not be known yet
		}
		r.events = append(r.events, probe.Event{At: d.At.Sub(r.start), Text: fmt.Sprintf("webhook %d of %d %s, with %d bytes", i+1, r.count, note, len(d.Body))})
		return
	}
	arrived, known := r.past.arrived[marker]
	switch {
	case arrived:
		r.repeats++
	case known:
		r.belated++
		r.past.arrived[marker] = true
	}
}

// remember keeps the markers for the next probe, unless nobody waited for their webhooks.
func (r *round) remember() {
	if r.waited == 0 {
		return
	}
	for _, m := range r.messages {
		r.past.add(m.marker, m.copies > 0)
	}
}
