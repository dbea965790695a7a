// Package demo is a small made-up shop inside the agent's process, so that a first look at Channelwatch needs no
// internet and no other server: a desktop and a mobile website, the API of an app and a push channel with a broker
// and a web push service, on loopback addresses, with faults that come and go on a script. Everything in it is made up and says so.
//
// It knows nothing of the agent: it only writes a configuration that the ordinary loader reads. It imports probe for
// the words of the domain, pushservice, and broker.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/broker"
)

// Options configures a Shop. The zero value is the shop of the demo command.
type Options struct {
	Script    Script           // what goes wrong when; without episodes and length: DefaultScript
	Every     time.Duration    // interval of the websites and the API, at least 2 s; 0: 5 s. Push messages are sent every 5 s or slower
	Visits    time.Duration    // interval of a browser's visits to the landing page, at least 1 min; 0: there is no browser
	Journeys  time.Duration    // interval of customers' ways through website and app, at least 30 s; 0: nobody walks them
	WebPush   time.Duration    // interval of web push messages, at least 1 min; 0: there is no web push service
	Customers bool             // whether made-up customers report how the landing page does for them
	Seed      uint64           // of the made-up variation of answer times
	Now       func() time.Time // clock of the script; nil: time.Now
	Dir       string           // existing directory for generated files; empty: an own one, which Close removes
}

// minEvery leaves time for a slow page within the timeout, which is no longer than the interval.
const minEvery = 2 * time.Second

// Shop is a running shop. Its methods are safe for concurrent use.
type Shop struct {
	opts    Options
	ownDir  bool
	started time.Time
	stopped chan struct{} // closed by Close: what waits gives up
	closing sync.Once
	serving sync.WaitGroup

	files   files
	desktop *server
	mobile  *server
	app     *server
	look    *server    // nil without a browser
	field   *customers // nil without
	broker  *broker.Broker
	webPush *webPush // nil without
	token   string   // of the app's API

	random sync.Mutex
	source *rand.Rand // guarded by random
}

// Start opens the shop. The context bounds starting only; Close ends the shop.
func Start(ctx context.Context, opts Options) (*Shop, error) {
	if len(opts.Script.Episodes) == 0 && opts.Script.Every == 0 {
		opts.Script = DefaultScript()
	}
	if err := opts.Script.validate(); err != nil {
		return nil, fmt.Errorf("demo script: %w", err)
	}
	if opts.Every == 0 {
		opts.Every = 5 * time.Second
	}
	if opts.Every < minEvery {
		return nil, fmt.Errorf("demo interval: %v, want at least %v", opts.Every, minEvery)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Shop{
		opts: opts, stopped: make(chan struct{}), source: rand.New(rand.NewPCG(opts.Seed, 0)),
		started: opts.Now(),
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the demo shop: %w", err), s.Close())
	}
	return s, nil
}

func (s *Shop) open(ctx context.Context) error {
	if s.opts.Dir == "" {
		dir, err := os.MkdirTemp("", "channelwatch-demo-")
		if err != nil {
			return err
		}
		s.opts.Dir, s.ownDir = dir, true
	}
	var err error
	if s.files, err = s.writeFiles(); err != nil {
		return err
	}
	always := s.files.certificates(func() bool { return false })
	if s.desktop, err = s.serve(ctx, always, http1, s.site("Demo shop", false)); err != nil {
		return err
	}
	if s.mobile, err = s.serve(ctx, always, http1and2, s.site("Demo shop mobile", true)); err != nil {
		return err
	}
	ending := s.files.certificates(func() bool { return s.on(certificateEnding) })
	if s.app, err = s.serve(ctx, ending, http1, s.api()); err != nil {
		return err
	}
	if s.opts.Visits > 0 {
		if s.look, err = s.openLook(ctx); err != nil {
			return err
		}
	}
	if s.opts.Customers {
		if s.field, err = s.openCustomers(ctx); err != nil {
			return err
		}
	}
	if s.opts.WebPush > 0 {
		if s.webPush, err = s.openWebPush(ctx, always); err != nil {
			return err
		}
	}
	s.broker, err = s.startBroker(always)
	return err
}

// Started returns the time from which the script is counted, by the clock of the script.
func (s *Shop) Started() time.Time { return s.started }

// Active returns the faults that are active at a time of the script's clock, sorted by name.
func (s *Shop) Active(at time.Time) []Fault {
	names := s.opts.Script.ActiveAt(at.Sub(s.started))
	active := slices.DeleteFunc(Faults(), func(f Fault) bool {
		return !slices.Contains(names, f.Name) || f.Look() && s.look == nil || f.webPush() && s.webPush == nil || f.journey() && s.opts.Journeys == 0
	})
	slices.SortFunc(active, func(a, b Fault) int { return strings.Compare(a.Name, b.Name) })
	return active
}

// on reports whether a fault is active now.
func (s *Shop) on(fault string) bool {
	return slices.Contains(s.opts.Script.ActiveAt(s.opts.Now().Sub(s.started)), fault)
}

// Close ends the shop and waits for everything that it started. It may be called more than once.
func (s *Shop) Close() error {
	var errs []error
	s.closing.Do(func() {
		close(s.stopped)
		for _, server := range []*server{s.desktop, s.mobile, s.app, s.look} {
			if server != nil {
				errs = append(errs, server.Close())
			}
		}
		if s.webPush != nil {
			errs = append(errs, s.webPush.Close())
		}
		if s.broker != nil {
			errs = append(errs, s.broker.Close())
		}
		s.serving.Wait()
		if s.ownDir {
			errs = append(errs, os.RemoveAll(s.opts.Dir))
		}
	})
	return errors.Join(errs...)
}

// wait pauses for d, less when the customer or the shop has gone meanwhile.
func (s *Shop) wait(done <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	case <-s.stopped:
	}
}

// work takes as long as a healthy shop does: between 20 and 120 ms.
func (s *Shop) work(r *http.Request) {
	s.random.Lock()
	d := 20*time.Millisecond + time.Duration(s.source.Int64N(int64(100*time.Millisecond)))
	s.random.Unlock()
	s.wait(r.Context().Done(), d)
}
