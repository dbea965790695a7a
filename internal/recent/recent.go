// Package recent remembers what touchpoints gave lately: the last result of each, the ratings of the ones before it,
// and the evidence of its failures. The page, the API and the log of changes read from it.
//
// It is bounded in bytes over all touchpoints. Under pressure it first forgets the evidence of results that are not
// failures, oldest first, then whole failures, oldest first. The last result of every touchpoint and the short history
// of its ratings always stay; so do they when they alone are larger than the bound.
//
// It never holds the bytes of pictures: those are a store's on the disk.
//
// The package imports probe and quality. It computes no score: that is the recording rules' task.
package recent

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/quality"
)

const (
	// MaxHistory is how many results History returns at most.
	MaxHistory = 20
	// MaxFailures is how many failures of one touchpoint Failures returns at most.
	MaxFailures = 5
)

// Entry is one rated result. What it points to must not be changed by anybody.
type Entry struct {
	Touchpoint *probe.Touchpoint
	Result     probe.Result // Start must be set; Evidence may have been forgotten
	Err        string       // why it could not be measured; empty when it was
	Verdict    quality.Verdict
	Since      time.Time // start of the first result of the unbroken run with this rating; set by Add
}

// failed reports whether the entry is a failure: measured, and below good. Results that could not be measured are
// none, so that an agent without a network does not lose the evidence of what it saw before.
func (e *Entry) failed() bool {
	return e.Verdict.Rating == probe.Poor || e.Verdict.Rating == probe.Fair
}

// Summary is what History keeps of a result.
type Summary struct {
	Start     time.Time
	Duration  time.Duration // in whole microseconds, at most 71 minutes
	Rating    probe.Rating
	Dimension probe.Dimension // of the cause; meaningful when Cause is not empty
	Cause     probe.CheckID
}

// Ring holds recent results. It is safe for concurrent use; the results of one touchpoint must be added one after
// the other.
type Ring struct {
	max int64

	mu      sync.Mutex // guards everything below
	used    int64
	records map[name]*record
	causes  causes
	spare   chain // items with evidence that are not failures
	failed  chain // failures
}

// name identifies a touchpoint without building its key for every result.
type name struct{ channel, touchpoint string }

func nameOf(key string) name {
	channel, touchpoint, _ := strings.Cut(key, "/")
	return name{channel, touchpoint}
}

// New returns an empty ring that holds about maxBytes.
func New(maxBytes int64) *Ring {
	return &Ring{max: maxBytes, records: make(map[name]*record), causes: newCauses()}
}

// Add adds the newest result of a touchpoint, without the bytes of its pictures. It returns the verdict before it, zero for the first result, and whether
// the rating changed; the first result always is a change.
func (r *Ring) Add(e Entry) (changed bool, previous quality.Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range e.Result.Evidence.Pictures {
		if p.Data != nil { // no store took it
			p.Data = nil
		}
	}
	key := name{e.Touchpoint.Channel, e.Touchpoint.Name}
	rec := r.records[key]
	if rec == nil {
		rec = &record{}
		r.records[key] = rec
		r.used += recordBytes
	}
	e.Since = e.Result.Start
	if changed = rec.last == nil; !changed {
		previous = rec.last.entry.Verdict
		if changed = previous.Rating != e.Verdict.Rating; !changed {
			e.Since = rec.last.entry.Since
		}
	}
	rec.results.push(r.causes.compact(&e))
	r.replaceLast(rec, e)
	r.shrink()
	return changed, previous
}

// Last returns the newest result of the touchpoint with the given key, and false when there is none.
func (r *Ring) Last(key string) (Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[nameOf(key)]
	if rec == nil {
		return Entry{}, false
	}
	return rec.last.entry, true
}

// History returns the newest results of the touchpoint with the given key, newest first.
func (r *Ring) History(key string) []Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[nameOf(key)]
	if rec == nil {
		return nil
	}
	out := make([]Summary, rec.results.n)
	for i := range out {
		out[i] = r.causes.expand(rec.results.get(i))
	}
	return out
}

// Failures returns the newest failures of the touchpoint with the given key, newest first, with their evidence. As
// long as the bound allows, the failure with which the present run of its rating began is among them, however long
// ago it was.
func (r *Ring) Failures(key string) []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[nameOf(key)]
	if rec == nil {
		return nil
	}
	out := make([]Entry, 0, len(rec.failures))
	for _, it := range slices.Backward(rec.failures) {
		out = append(out, it.entry)
	}
	return out
}

// Drop forgets the touchpoint with the given key.
func (r *Ring) Drop(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[nameOf(key)]
	if rec == nil {
		return
	}
	delete(r.records, nameOf(key))
	r.used -= recordBytes
	for len(rec.failures) > 0 {
		r.forgetFailure(rec, 0)
	}
	r.forgetLast(rec)
}

// Bytes returns the estimated size of everything that is held.
func (r *Ring) Bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used
}
