// Package web is the agent's HTTP endpoint: metrics, health, reload, the results as JSON, and a status page that both
// sides can read without any other server. TLS, basic auth and client certificates come from exporter-toolkit and
// cover every route. No route takes a target from its caller, and only POST /-/reload changes anything.
//
// It imports the domain, quality, recent and record; what it shows comes through Source.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/recent"
)

// Source is the agent behind the endpoint. Its methods are safe for concurrent use.
type Source interface {
	// Channels returns the channels in force; the caller changes nothing in them.
	Channels() []*probe.Channel
	// Notices are sentences that a reader must know, such as that the last reload was refused.
	Notices() []string
	// ConfigView returns the configuration in force, without secrets, to be encoded as JSON.
	ConfigView() any
	// Reload reads the configuration again; its error says why it was refused.
	Reload() error
	// Ready says whether probing has begun.
	Ready() bool
}

// Options configures a Server.
type Options struct {
	Source        Source
	Recent        *recent.Ring
	Catalogue     *probe.Catalogue
	Metrics       http.Handler // serves /metrics
	Version       string
	Location      string // of the agent
	WebConfigFile string // exporter-toolkit web configuration; empty for none
	Pprof         bool   // serve /debug/pprof/
	Demo          bool   // whether everything on the page is made up, which the page then says
	Log           *slog.Logger
}

// Server serves the endpoint on one listener.
type Server struct {
	opts Options
	http http.Server
}

// New returns a server.
func New(opts Options) (*Server, error) {
	if err := web.Validate(opts.WebConfigFile); err != nil {
		return nil, fmt.Errorf("web_config_file %q: %w", opts.WebConfigFile, err)
	}
	handler, err := newHandler(&opts)
	if err != nil {
		return nil, err
	}
	return &Server{opts: opts, http: http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}}, nil
}

// Serve serves until Stop; it returns nil then. On a loopback listener it answers only requests that ask for a loopback
// host.
func (s *Server) Serve(listener net.Listener) error {
	if Loopback(listener.Addr()) {
		s.http.Handler = onlyLoopback(s.http.Handler)
	}
	systemd := false
	flags := web.FlagConfig{
		WebListenAddresses: &[]string{listener.Addr().String()},
		WebSystemdSocket:   &systemd,
		WebConfigFile:      &s.opts.WebConfigFile,
	}
	if err := web.Serve(listener, &s.http, &flags, s.opts.Log); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
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

// ValidateConfig returns what is wrong with an exporter-toolkit web configuration; an empty path is none.
func ValidateConfig(path string) error { return web.Validate(path) }
