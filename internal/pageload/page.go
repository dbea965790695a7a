package pageload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
	"github.com/channelwatch/channelwatch/internal/chromium"
)

// ErrNoDocument says that the browser got no document for an address. What Read returns says why.
var ErrNoDocument = errors.New("no document")

// ErrCrashed says that the renderer of the page ended.
var ErrCrashed = errors.New("the page crashed")

// Page measures loads in one tab. Its methods must not be called at the same time.
type Page struct {
	tab     *chromium.Tab
	options Options
	journal *journal
	film    *film
	chores  chan func(context.Context) error
	stop    func() // ends listening, following and the chores, and waits for them

	jarred  bool     // cookies were read before the first act
	cookies []Cookie // what was read then
	settled bool
	ended   time.Time // when the page had settled or its time was over
}

// choreTime bounds each of the small things that are done for a page while it loads.
const choreTime = 5 * time.Second

// sendTime is how long an order waits for its answer from those that obey before they run, but answer only then, such as
// service workers.
const sendTime = 50 * time.Millisecond

// Open prepares a tab for being measured. Close must be called before the tab is closed.
func Open(ctx context.Context, tab *chromium.Tab, options Options) (*Page, error) {
	var tree struct {
		Tree struct {
			Frame struct {
				ID string `json:"id"`
			} `json:"frame"`
		} `json:"frameTree"`
	}
	if err := tab.Conn().Call(ctx, tab.Session(), "Page.getFrameTree", nil, &tree); err != nil {
		return nil, err
	}
	options = options.withDefaults()
	who, err := identify(ctx, tab.Conn(), options)
	if err != nil {
		return nil, err
	}
	p := &Page{
		tab: tab, options: options, film: &film{},
		journal: newJournal(tree.Tree.Frame.ID, options.Blocked),
		chores:  make(chan func(context.Context) error, 64),
	}
	life := p.listen(ctx)
	if err := p.prepare(ctx, life, who); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// listen starts the books and the chores. What it returns ends with Close.
func (p *Page) listen(ctx context.Context) context.Context {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unlisten := p.tab.Conn().Listen(p.tab.Session(), p.handle)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			select {
			case chore := <-p.chores:
				p.do(life, chore)
			case <-life.Done():
				return
			}
		}
	})
	p.stop = sync.OnceFunc(func() {
		unlisten()
		cancel()
		work.Wait()
	})
	return life
}

// Close ends the measuring. The tab stays open. Further calls do nothing.
func (p *Page) Close() { p.stop() }

// prepare gives the orders of the options to the page, and to every frame and worker that it will have.
func (p *Page) prepare(ctx, life context.Context, who identity) error {
	conn, session := p.tab.Conn(), p.tab.Session()
	everywhere, frames := p.options.everywhere(who), p.options.frames()
	if err := prepare(ctx, conn, session, slices.Concat(everywhere, frames, p.options.top())); err != nil {
		return fmt.Errorf("preparing tab: %w", err)
	}
	return conn.Follow(life, session, func(ctx context.Context, child cdp.SessionID, target cdp.TargetInfo) error {
		switch target.Type {
		case "iframe":
			return prepareChild(ctx, conn, child, choreTime, slices.Concat(everywhere, frames))
		case "worker":
			return prepareChild(ctx, conn, child, choreTime, everywhere)
		}
		return prepareChild(ctx, conn, child, sendTime, everywhere)
	})
}

// call calls a method of the page, and gives up when the page crashes: the browser would not answer.
func (p *Page) call(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-p.tab.Crashed():
			cancel()
		case <-ctx.Done():
		}
	})
	err := p.tab.Conn().Call(ctx, p.tab.Session(), method, params, result)
	cancel()
	watch.Wait()
	switch {
	case err != nil && p.crashed():
		return ErrCrashed
	case errors.Is(err, context.DeadlineExceeded):
		return silence{}
	}
	return err
}

// silence is the error of a page that did not answer in time.
type silence struct{}

func (silence) Error() string { return "the page does not answer" }
func (silence) Unwrap() error { return context.DeadlineExceeded }

func (p *Page) crashed() bool {
	select {
	case <-p.tab.Crashed():
		return true
	default:
		return false
	}
}

// handle is called with every event of the page and of what is below it. What has to be answered becomes a chore, because
// a handler must not call.
func (p *Page) handle(e cdp.Event) {
	p.journal.note(time.Now(), e)
	switch e.Method {
	case "Page.javascriptDialogOpening":
		p.later(func(ctx context.Context) error {
			return p.tab.Conn().Call(ctx, e.Session, "Page.handleJavaScriptDialog", map[string]any{"accept": true}, nil)
		})
	case "Target.targetCreated":
		with(e, func(t targetEvent) { p.closePopup(t.Target) })
	case "Page.screencastFrame":
		with(e, func(f screencastFrame) {
			p.film.add(f)
			p.later(func(ctx context.Context) error {
				return p.tab.Conn().Call(ctx, e.Session, "Page.screencastFrameAck", map[string]any{"sessionId": f.Session}, nil)
			})
		})
	}
}

// later has a chore done soon. A page that makes more of them than can be done has them dropped.
func (p *Page) later(chore func(context.Context) error) {
	select {
	case p.chores <- chore:
	default:
	}
}

// do does one chore. An error means that what it was for has gone, or that the browser has, which everything else shows.
func (p *Page) do(ctx context.Context, chore func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, choreTime)
	defer cancel()
	_ = chore(ctx)
}

// closePopup closes a window that the page opened: it would cost the processor that the page is measured on. The id of a
// page's target is that of its main frame.
func (p *Page) closePopup(t cdp.TargetInfo) {
	if t.Type != "page" || t.Context != p.tab.Context() || t.ID == p.journal.main {
		return
	}
	p.later(func(ctx context.Context) error {
		return p.tab.Conn().Call(ctx, "", "Target.closeTarget", map[string]any{"targetId": t.ID}, nil)
	})
}
