package browser

import (
	"context"
	"errors"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Times of looking at a page in the end.
const (
	forLook     = 6 * time.Second  // what a run keeps of its time for it
	forLookPart = 4                // and at most this part of it
	lookTime    = 15 * time.Second // what one look may take
	lookLeast   = 2 * time.Second  // however late it is
	lookLate    = 3 * time.Second  // after the end of the run's time, when it used that up
)

// Times of coming to rest when more is to be done after it: half of the time that there is, or what a page needs that does
// nothing late, as long as some is left.
const (
	calmTime     = 7 * time.Second
	calmTimePart = 0.75 // at most
)

// once visits the page once, in a context and with a proxy of its own.
func (p *prober) once(ctx context.Context) *visit {
	v := &visit{start: time.Now()}
	if ctx.Err() != nil {
		v.failure = failuref(probe.ResponseTimeout, "no time was left to open %s", shownURL(p.plan.url))
		return v
	}
	proxy, err := egress.Open(p.plan.egress())
	if err != nil {
		v.failure = failuref(browserFailed, "%v", err)
		return v
	}
	p.inTab(ctx, v, proxy)
	proxy.Close()
	v.egress = proxy.Report()
	return v
}

// egress says what the proxy of a run makes of the line.
func (p *plan) egress() egress.Options {
	options := egress.Options{
		Resolver:     httpx.Resolver{Server: p.resolver},
		AllowPrivate: p.private,
		Block:        p.block,
		MaxBytes:     maxBytes,
		MaxRequests:  maxRequests,
	}
	if !p.devTools {
		network := p.device.network
		options.Delay, options.Down, options.Up = network.delay, network.down, network.up
	}
	return options
}

// inTab opens a tab and measures in it.
func (p *prober) inTab(ctx context.Context, v *visit, proxy *egress.Proxy) {
	tab, err := p.browser.Open(ctx, chromium.TabOptions{Proxy: proxy.Address()})
	if err != nil {
		v.failure = unavailable(err)
		return
	}
	defer tab.Close() //nolint:contextcheck // a tab is closed in a time of its own, whatever became of ctx
	v.browser = tab.Browser()
	starved, err := p.pool.warmUp(ctx, tab, v.browser)
	if err != nil || starved != nil {
		v.failure = starved
		if err != nil {
			v.failure = lost(tab, err)
		}
		return
	}
	before, start := tab.CPU(), time.Now()
	v.start = start
	if err := p.measure(ctx, v, tab, proxy); err != nil {
		v.failure = lost(tab, err)
	}
	v.wall, v.cpu = time.Since(start), tab.CPU()-before
}

// unavailable sorts why there is no tab.
func unavailable(err error) *failure {
	if why, ok := errors.AsType[*chromium.Unavailable](err); ok {
		return &failure{why.Check, probe.Clip(why.Detail, maxReason)}
	}
	return failuref(browserFailed, "opening a tab: %v", err)
}

// lost sorts why a tab can no longer be driven. Errors of a page are part of its load: what comes here is the browser's.
func lost(tab *chromium.Tab, err error) *failure {
	if why := tab.Lost(); why != nil {
		return unavailable(why)
	}
	return failuref(browserFailed, "driving the browser: %s", quotable(err.Error()))
}

// maxReason bounds what the browser says of itself, in bytes.
const maxReason = 1 << 10

// measure loads the page, does the steps, and looks at what came of it. Its errors are the browser's.
func (p *prober) measure(ctx context.Context, v *visit, tab *chromium.Tab, proxy *egress.Proxy) error {
	options := p.plan.options(proxy)
	options.Quiet, options.Least = p.pool.quiet, p.pool.least
	page, err := pageload.Open(ctx, tab, options)
	if err != nil {
		return err
	}
	defer page.Close()
	loading, cancel := context.WithTimeout(ctx, loadingTime(ctx))
	defer cancel()
	there, err := p.load(loading, page)
	if err != nil {
		return err
	}
	load, err := look(ctx, page.Read)
	if err != nil {
		return err
	}
	v.looked(load)
	if !there || load.Crashed || load.Hung {
		return nil
	}
	if p.plan.expect.unexpected(load.Status) == nil {
		if p.plan.secretive {
			v.before = picture(ctx, page)
		}
		if err := p.act(ctx, loading, v, page); err != nil {
			return err
		}
	}
	if v.end.Crashed || v.end.Hung {
		return nil
	}
	v.screenshot = picture(ctx, page)
	if why := tab.Lost(); v.screenshot == nil && why != nil {
		return why
	}
	return nil
}

// picture returns a picture of a page; nil of one that cannot or must not be pictured, which has its figures all the same.
func picture(ctx context.Context, page *pageload.Page) *probe.Picture {
	shot, err := look(ctx, page.Screenshot)
	if err != nil {
		return nil
	}
	return shot
}

// look looks at a page in a time of its own, which ends when ctx is cancelled, but a little later than its deadline: a page
// that used up its time is still to be described.
func look[T any](ctx context.Context, at func(context.Context) (T, error)) (T, error) {
	deadline, _ := ctx.Deadline() // every run has one
	left := min(lookTime, max(lookLeast, time.Until(deadline)+lookLate))
	looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), left)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})()
	return at(looking)
}

// loadingTime returns how much of the time that is left may be spent on loading and steps.
func loadingTime(ctx context.Context) time.Duration {
	deadline, _ := ctx.Deadline() // every run has one
	left := time.Until(deadline)
	return left - min(forLook, left/forLookPart)
}

// load opens the page and waits until it has come to rest; a warm visit does so twice. It reports whether there is a
// page: one that cannot be reached is no error.
func (p *prober) load(ctx context.Context, page *pageload.Page) (there bool, err error) {
	loads := 1
	if p.plan.warm {
		loads = 2
	}
	for i := range loads {
		switch err := page.Goto(ctx, p.plan.url); {
		case errors.Is(err, pageload.ErrNoDocument), errors.Is(err, pageload.ErrCrashed), errors.Is(err, context.DeadlineExceeded):
			return false, nil
		case err != nil:
			return false, err
		}
		if i == loads-1 && len(p.plan.steps) == 0 {
			page.Settle(ctx)
		} else {
			settle(ctx, page)
		}
	}
	return true, nil
}

// settle waits until a page has come to rest, and leaves time for what comes after: many pages never do.
func settle(ctx context.Context, page *pageload.Page) {
	deadline, _ := ctx.Deadline() // every run has one
	ctx, cancel := context.WithTimeout(ctx, settleTime(time.Until(deadline)))
	defer cancel()
	page.Settle(ctx)
}

func settleTime(left time.Duration) time.Duration {
	return max(left/2, min(calmTime, time.Duration(calmTimePart*float64(left))))
}

// options says what the page believes to be loaded on.
func (p *plan) options(proxy *egress.Proxy) pageload.Options {
	device := &p.device
	options := pageload.Options{
		Device: pageload.Device{
			Width: device.width, Height: device.height, Scale: device.ratio, Phone: device.phone, Slowdown: p.cpu,
		},
		Product: p.product,
		Blocked: proxy.Blocks,
	}
	if slow := device.devTools; p.devTools && slow != (network{}) {
		options.Device.Network = &pageload.Throttling{Latency: slow.delay, Down: slow.down, Up: slow.up}
	}
	return options
}
