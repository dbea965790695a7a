package browser

import (
	"log/slog"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/chromium"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// pool holds the browser that all touchpoints of a kind share, for as long as there are any. It is safe for concurrent use.
type pool struct {
	patience float64       // how many times slower than at best a browser may be before it is starved
	quiet    time.Duration // until a page has come to rest, and
	least    time.Duration // since its navigation at least; 0: as package pageload has it

	mu      sync.Mutex
	users   int
	browser *chromium.Browser // nil without users
	best    map[string]pace   // by version of the browser
}

// build validates the configuration and returns a ready prober. Nothing is started before the first probe.
func (s *pool) build(c Config, setup probe.Setup) (probe.Built, error) {
	plan, err := c.compile(setup)
	if err != nil {
		return probe.Built{}, err
	}
	return probe.Built{
		Prober:  &prober{plan: plan, pool: s, browser: s.take(setup.Browser)},
		Profile: plan.profile(),
		Close:   s.giveBack,
	}, nil
}

// take returns the browser for one more touchpoint.
func (s *pool) take(settings probe.Browser) *chromium.Browser {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.browser == nil {
		s.browser = chromium.New(settings, slog.New(slog.DiscardHandler)) // results and readings say what went wrong
	}
	s.users++
	return s.browser
}

// giveBack ends the browser with the last touchpoint.
func (s *pool) giveBack() {
	s.mu.Lock()
	s.users--
	last := s.browser
	if s.users == 0 {
		s.browser = nil
	}
	unused := s.users == 0
	s.mu.Unlock()
	if unused {
		last.Close()
	}
}

// state tells of the browser; the zero value without one.
func (s *pool) state() chromium.State {
	s.mu.Lock()
	browser := s.browser
	s.mu.Unlock()
	if browser == nil {
		return chromium.State{}
	}
	return browser.State()
}

// pace is how fast a browser was at its best.
type pace struct {
	best   time.Duration
	since  time.Time // when it was that fast
	judged int       // times it was looked at since an older best was forgotten
}
