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
	// maxHookBody bounds the body of a webhook, in bytes. An event that a test made has a few kilobytes.
	maxHookBody = 64 << 10
)

// Hook takes in the webhooks of one system. It is safe for concurrent use.
type Hook struct {
	ledger     *Ledger
	token      digest
	mark       []byte
	deliveries chan Delivery
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

// Close forgets the hook. Closing it again does nothing.
func (h *Hook) Close() {
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	h.ledger.hooks = slices.DeleteFunc(h.ledger.hooks, func(other *Hook) bool { return other == h })
}

// take takes in a webhook whose token is that of the hook.
func (h *Hook) take(d Delivery) outcome {
	if !bytes.Contains(d.Body, h.mark) {
		return webhook
	}
	select {
	case h.deliveries <- d:
		return webhook
	default:
		return limited
	}
}

// deliver takes in a webhook. The caller holds the lock.
func (l *Ledger) deliver(s submission, now time.Time) outcome {
	token, best := digestOf(s.token), unauthorized
	for _, h := range l.hooks {
		if h.token.is(&token) {
			best = min(best, h.take(Delivery{At: now, Header: s.hook.Header, Body: s.hook.Body}))
		}
	}
	return best
}
