package ledger

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
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Options configures a Server.
type Options struct {
	Ledger *Ledger // that takes in what is sent
	// TrustedProxies are believed what they say in X-Forwarded-For. It is used to limit how much of no use one address may
	// send, and their connections are not limited by address.
	TrustedProxies []netip.Prefix
	Log            *slog.Logger // may be nil
}

// Bounds of the listener. A receipt is a request without a body, after which its sender is gone: connections have little
// reason to stay.
const (
	headerTimeout = 3 * time.Second // a device sends all of it as soon as it is connected
	timeout       = 10 * time.Second
	maxHeader     = 4 << 10 // bytes; net/http lets another 4 KiB pass
	maxBody       = 1 << 10 // bytes
	maxConns      = 1024
)

// Server takes in receipts over HTTP. All methods are safe for concurrent use.
type Server struct {
	ledger    *Ledger
	proxies   forwarded.Proxies
	strangers strangers
	log       *slog.Logger
	http      http.Server
}

// Check returns everything that is wrong with the options, joined: each is a *probe.FieldError whose field is a path such
// as "trusted_proxies[1]".
func Check(opts Options) error {
	var errs []error
	wrong := forwarded.Proxies(opts.TrustedProxies).Wrong()
	for i := range opts.TrustedProxies {
		if said, found := wrong[i]; found {
			errs = append(errs, probe.Fieldf(fmt.Sprintf("trusted_proxies[%d]", i), "%s", said))
		}
	}
	return errors.Join(errs...)
}

// NewServer returns a server, or what Check finds wrong with the options.
func NewServer(opts Options) (*Server, error) {
	if err := Check(opts); err != nil {
		return nil, err
	}
	s := &Server{ledger: opts.Ledger, proxies: opts.TrustedProxies, log: opts.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.http = http.Server{
		Handler:                      s,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  timeout,
		WriteTimeout:                 timeout,
		IdleTimeout:                  timeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,                                      // it would answer otherwise than we do
		ErrorLog:                     slog.NewLogLogger(slog.DiscardHandler, 0), // its lines tell addresses
	}
	return s, nil
}

// Serve serves until Stop; it returns nil then.
func (s *Server) Serve(listener net.Listener) error {
	fair := &crowd{
		Listener: listener, trusted: s.proxies.Trusts, limited: func() { s.ledger.note(limited) }, open: make(map[netip.Prefix]int),
	}
	if err := s.http.Serve(netutil.LimitListener(fair, maxConns)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("taking in receipts on %s: %w", listener.Addr(), err)
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
