package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Receipts is where devices confirm messages that they got. The zero value listens to nobody.
type Receipts struct {
	server   *ledger.Server
	listener net.Listener
}

// ListenForReceipts binds the address for receipts, if the configuration has one. What they confirm is in the ledger.
func ListenForReceipts(cfg *config.Receipts, in *ledger.Ledger, log *slog.Logger) (r Receipts, err error) {
	if cfg.Listen == "" {
		return Receipts{}, nil
	}
	opts, err := receiptOptions(cfg)
	if err != nil {
		return Receipts{}, fmt.Errorf("receipts: %w", err)
	}
	opts.Ledger, opts.Log = in, log
	if r.server, err = ledger.NewServer(opts); err != nil {
		return Receipts{}, fmt.Errorf("receipts: %w", err)
	}
	r.listener, err = listen("receipts.listen", cfg.Listen)
	return r, err
}

// Serve serves until Stop; it returns nil then, and at once where nobody listens.
func (r Receipts) Serve() error {
	if r.server == nil {
		return nil
	}
	return r.server.Serve(r.listener)
}

// Stop ends serving; it waits for requests that run until ctx ends, and then cuts them off.
func (r Receipts) Stop(ctx context.Context) error {
	if r.server == nil {
		return nil
	}
	return r.server.Stop(ctx)
}

// checkReceipts says what is wrong with the block receipts.
func checkReceipts(c *config.Config) error {
	opts, err := receiptOptions(&c.Receipts)
	if err != nil {
		return err
	}
	return ledger.Check(opts)
}

func receiptOptions(cfg *config.Receipts) (opts ledger.Options, err error) {
	opts.TrustedProxies, err = networks(cfg.TrustedProxies)
	return opts, err
}

// receiptReadings returns what the ledger tells, for an agent that listens.
func (a *Agent) receiptReadings() []probe.Reading {
	if a.receipts.server == nil {
		return nil
	}
	return a.opts.Receipts.Readings()
}
