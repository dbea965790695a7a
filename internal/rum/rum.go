// Package rum is where browsers of customers tell how pages load for them: real user monitoring. It serves a script for
// the operator's pages, takes in one beacon of each page view, and keeps the values as histograms over closed sets of
// labels.
//
// Everybody can send beacons, true ones or not: whatever they send, memory and the set of series stay within what the
// options allow. Nothing of a person is kept: no address, no identifier, no cookie and no URL beyond the group that its path
// is in. An address decides for a moment how often beacons may come from its network, and is never written anywhere.
//
// It imports forwarded, metrics, for the form of what it has to tell, and the domain. It has its own listener, apart from
// the agent's pages, and no TLS: that is the reverse proxy's before it.
package rum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"

	"github.com/channelwatch/channelwatch/internal/forwarded"
)

// Options configures a Server.
type Options struct {
	Apps   []App   // at least one
	Sample float64 // share of page views that are measured, above 0 and at most 1
	// TrustedProxies are believed what they say in X-Forwarded-For. It is used to limit how often beacons may come.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger     // may be nil
	Now            func() time.Time // nil: time.Now
}

// App is a website whose pages may send beacons.
type App struct {
	Channel string   // that its series are of; one App for each
	Origins []string // of its pages, such as https://www.example.com; each belongs to one App
	Groups  []Group  // at most maxGroups; the first whose expression fits counts, else the page is "other"
}

// Group is a set of pages that are looked at together. One with the name of a touchpoint of the channel is compared with
// that.
type Group struct {
	Name string
	Path string // regular expression (RE2) that fits somewhere in the path
}

// Bounds of the listener. A beacon is a request of a few hundred bytes, after which its sender is gone: connections have
// little reason to stay.
const (
	headerTimeout = 5 * time.Second
	timeout       = 10 * time.Second
	maxHeader     = 8 << 10 // bytes; net/http lets another 4 KiB pass
	maxConns      = 1024
)

// Server takes in beacons. All methods are safe for concurrent use.
type Server struct {
	apps    []*app
	origins map[string]*app
	unknown unknown
	limits  *limits
	proxies forwarded.Proxies
	sample  float64
	script  *script
	now     func() time.Time
	log     *slog.Logger
	http    http.Server
}

// New returns a server, or what Check finds wrong with the options.
func New(opts Options) (*Server, error) {
	if err := Check(opts); err != nil {
		return nil, err
	}
	script, err := newScript(opts.Sample)
	if err != nil {
		return nil, fmt.Errorf("making the script: %w", err)
	}
	s := &Server{
		origins: make(map[string]*app),
		limits:  newLimits(),
		proxies: opts.TrustedProxies,
		sample:  opts.Sample,
		script:  script,
		now:     opts.Now,
		log:     opts.Log,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for i := range opts.Apps {
		a := newApp(&opts.Apps[i])
		s.apps = append(s.apps, a)
		for _, origin := range opts.Apps[i].Origins {
			s.origins[origin] = a
		}
	}
	s.http = http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       timeout,
		WriteTimeout:      timeout,
		IdleTimeout:       timeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, 0), // its lines tell addresses
	}
	return s, nil
}

// Serve serves until Stop; it returns nil then.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(netutil.LimitListener(listener, maxConns)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("taking in beacons on %s: %w", listener.Addr(), err)
	}
	return nil
}

// Stop ends serving; it waits for requests that run until ctx ends, and then cuts them off.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil && ctx.Err() != nil {
		return s.http.Close()
	}
	return err
}
