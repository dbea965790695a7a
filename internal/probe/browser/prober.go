package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// tooShort is a share of the time that no page can be loaded in; further runs are left out.
const tooShort = time.Second

// prober visits one page.
type prober struct {
	plan    *plan
	pool    *pool
	browser *chromium.Browser
}

// Probe visits the page as often as the plan says, each time as a new visitor, and publishes the run with the median
// Largest Contentful Paint. The time until the deadline is shared out among the runs.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	start := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = start.Add(p.plan.timeout)
	}
	var visits []*visit
	for run := range p.plan.runs {
		share := time.Until(deadline) / time.Duration(p.plan.runs-run)
		if share < tooShort && run > 0 {
			break
		}
		v, err := p.visit(ctx, share)
		if err != nil {
			return probe.Result{}, err
		}
		visits = append(visits, v)
	}
	result := p.plan.conclude(visits)
	p.plan.redaction.Hide(&result)
	return result, nil
}

// visit visits the page, and once more when it crashed: what crashes by chance does not do so twice in a row. An
// error is returned only when the probe is cancelled.
func (p *prober) visit(ctx context.Context, share time.Duration) (*visit, error) {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	v := p.once(ctx)
	if v.crashed() && ctx.Err() == nil {
		v = p.once(ctx)
		v.again = true
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, fmt.Errorf("visiting the page: %w", context.Canceled)
	}
	return v, nil
}
