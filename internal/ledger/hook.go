package ledger

import (
	"bytes"
	"net/http"
	"slices"
	"time"
)

const (
	// maxDeliveries bounds the webhooks of a hook that nobody has looked at yet; those beyond are refused and counted.
	maxDeliveries = 64
	// maxHookBody bounds the body of a webhook to an open hook, in bytes. An event that a test made has a few kilobytes.
	maxHookBody = 64 << 10
)

// Hook takes in the webhooks of one system. It is safe for concurrent use.
type Hook struct {
	ledger     *Ledger
	token      digest
	mark       []byte
	deliveries chan Delivery
	broken     uint64 // guarded by the ledger's lock
}

// Delivery is one webhook as it came. Nothing of it is believed yet.
type Delivery struct {
	At     time.Time
	Header http.Header
	Body   []byte
}

// OpenHook opens a hook for the system that sends to the address with the token, which nobody else may know. Webhooks
// without the mark in their body belong to somebody else, and are counted only. Hooks with the same token all get what
// is sent. Close must be called in the end.
func (l *Ledger) OpenHook(token, mark string) *Hook {
	h := &Hook{ledger: l, token: digestOf(token), mark: []byte(mark), deliveries: make(chan Delivery, maxDeliveries)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hooks = append(l.hooks, h)
	return h
}

// Deliveries is told of webhooks in the order in which they came.
func (h *Hook) Deliveries() <-chan Delivery { return h.deliveries }

// Broken returns how many webhooks with the hook's token were larger than 64 KiB or cut off since it was opened. Nobody
// knows whose they were.
func (h *Hook) Broken() uint64 {
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	return h.broken
}

// Close forgets the hook. Closing it again does nothing.
func (h *Hook) Close() {
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	h.ledger.hooks = slices.DeleteFunc(h.ledger.hooks, func(other *Hook) bool { return other == h })
}

// take takes in a webhook whose token is that of the hook; nil for one that is not whole. The caller holds the lock.
func (h *Hook) take(d *Delivery, now time.Time) outcome {
	if d == nil {
		h.broken++
		return malformed
	}
	if !bytes.Contains(d.Body, h.mark) {
		return webhook
	}
	select {
	case h.deliveries <- Delivery{At: now, Header: d.Header, Body: d.Body}:
		return webhook
	default:
		return limited
	}
}

// isOpen reports whether a hook is open for the system with the token.
func (l *Ledger) isOpen(token string) bool {
	d := digestOf(token)
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.hooks, func(h *Hook) bool { return h.token.is(&d) })
}

// deliver takes in a webhook. The caller holds the lock.
func (l *Ledger) deliver(s submission, now time.Time) outcome {
	token, best := digestOf(s.token), unauthorized
	for _, h := range l.hooks {
		if h.token.is(&token) {
			best = min(best, h.take(s.hook, now))
		}
	}
	return best
}
