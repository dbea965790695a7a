package main

import (
	"context"
	"errors"
	"log/slog"
	"syscall"

	"github.com/channelwatch/channelwatch/internal/agent"
	"github.com/channelwatch/channelwatch/internal/config"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// awaitReceipts listens for what devices confirm, where a touchpoint's messages are confirmed so. Call stop after its
// probe.
func awaitReceipts(cfg *config.Config, tp *probe.Touchpoint, receipts *ledger.Ledger) (stop func(context.Context) error, err error) {
	if !tp.Profile.Receipts {
		return func(context.Context) error { return nil }, nil
	}
	listening, err := agent.ListenForReceipts(&cfg.Receipts, receipts, slog.New(slog.DiscardHandler))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &hintError{err, "an agent runs there and gets the receipts: see the results of " + tp.Key() + " on its page, or stop it first"}
	case err != nil:
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- listening.Serve() }()
	return func(ctx context.Context) error {
		return errors.Join(listening.Stop(ctx), <-served)
	}, nil
}
