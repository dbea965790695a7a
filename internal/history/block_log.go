//go:build !nohistory

package history

import (
	"context"
	"errors"
	"log/slog"
)

// foreignLog returns a logger for upstream's code: it writes to log, hides secrets, and takes the account of its own
// starts and stops, which upstream gives at info, for debugging. The refusals of a store that is full are left out: the
// store says so once, and not once a series.
func foreignLog(log *slog.Logger, hide secrets) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(&foreignHandler{log.Handler(), hide})
}

type foreignHandler struct {
	to   slog.Handler
	hide secrets
}

func demoted(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

// Enabled implements slog.Handler.
func (h *foreignHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.to.Enabled(ctx, demoted(level))
}

// Handle implements slog.Handler.
func (h *foreignHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, demoted(r.Level), h.hide.in(r.Message), r.PC)
	refused := false
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		refused = refused || ok && errors.Is(err, errNotAppending)
		clean.AddAttrs(h.clean(a))
		return true
	})
	if refused {
		return nil
	}
	return h.to.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h *foreignHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.clean(a)
	}
	return &foreignHandler{h.to.WithAttrs(clean), h.hide}
}

// WithGroup implements slog.Handler.
func (h *foreignHandler) WithGroup(name string) slog.Handler {
	return &foreignHandler{h.to.WithGroup(name), h.hide}
}

// clean keeps numbers and times as they are; everything else is text that may hold a secret.
func (h *foreignHandler) clean(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString, slog.KindAny, slog.KindLogValuer:
		a.Value = slog.StringValue(h.hide.in(a.Value.Resolve().String()))
	default:
	}
	return a
}
