package pageload

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// clock says when a load began, and whose it is.
type clock struct {
	began float64       // monotonic
	wall  float64       // the same moment in seconds since 1970
	shift time.Duration // from there until the navigation to the document that is shown, when another one came before
	home  string        // site of the page
}

// age returns the time since the start of the load.
func (j *journal) age(now time.Time) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return now.Sub(j.now.start())
}

// start returns when the load began.
func (c *chapter) start() time.Time {
	if c.wall <= 0 || c.wall > math.MaxInt32*2 {
		return c.arrived
	}
	return time.UnixMicro(int64(c.wall * 1e6))
}

// refuse notes that the browser got no document, and reports whether that is so.
func (j *journal) refuse(cause string, download bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.now
	c.download = c.download || download
	if cause == "" {
		return false
	}
	if c.document == nil {
		if j.next == nil {
			j.next = &document{chapter: c}
		}
		c.document, j.next = j.next, nil
	}
	c.document.cause = cause
	return true
}

// fill adds to a load what the journal knows of it. Origin is the navigation start of the document that is shown; 0 when it
// is not known.
func (j *journal) fill(load *Load, origin float64, ended time.Time) clock {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.now
	at := c.clock(origin)
	load.Start = c.start()
	load.Duration = max(0, ended.Sub(load.Start))
	load.Redirect, load.Moves, load.Download, load.Dialogs = c.redirects+c.moves, c.moves, c.download, c.dialogs
	if c.document != nil {
		c.document.fill(load, at)
	}
	load.Weight = c.weigh(at.home)
	load.Counts = c.counts.clone()
	load.Mixed = slices.Clone(c.mixed)
	load.Errors, load.Console = at.lines(c.errors), at.lines(c.console)
	shown := slices.SortedStableFunc(slices.Values(c.shown), func(a, b *record) int { return cmp.Compare(a.began, b.began) })
	for _, r := range shown {
		load.Requests = append(load.Requests, r.bar(at.began, at.home))
	}
	load.Omitted = c.counts.Requests - len(c.shown)
	load.Pending = j.pending(at)
	return at
}

// pending returns what a load still waits for, in the order in which it began.
func (j *journal) pending(at clock) []probe.Request {
	var all []*record
	for _, r := range j.under {
		if r.chapter == j.now && !r.lasting {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Or(cmp.Compare(a.began, b.began), cmp.Compare(a.URL, b.URL)) })
	var bars []probe.Request
	for _, r := range all[:min(len(all), maxPending)] {
		bars = append(bars, r.bar(at.began, at.home))
	}
	return bars
}

// clock returns the time base of a chapter. The document knows best when its navigation began; of a chapter with several
// documents, the first one's request stands for it.
func (c *chapter) clock(origin float64) clock {
	at := clock{began: c.began, wall: c.wall}
	if origin > 0 && c.began > 0 {
		if c.moves == 0 {
			at.began, at.wall = origin, c.wall-(c.began-origin)
		} else {
			at.shift = seconds(origin - c.began)
		}
	}
	if c.document != nil {
		at.home = siteOf(c.document.url)
	}
	return at
}

func (c clock) lines(lines []line) []probe.ConsoleLine {
	var all []probe.ConsoleLine
	for _, l := range lines {
		l.At = seconds(l.at - c.wall)
		all = append(all, l.ConsoleLine)
	}
	return all
}

// fill adds the document to a load.
func (d *document) fill(load *Load, at clock) {
	load.URL, load.Error = d.url, d.cause
	r := d.record
	if r == nil {
		return
	}
	load.Status, load.Protocol, load.MIME = r.Status, r.Protocol, r.MIME
	load.Document.Start = seconds(r.began - at.began)
	if r.timing != nil {
		load.Document.Phases = r.timing.phases(r.ended)
	}
}

// phases returns what a request spent its time with, as far as it got.
func (t *wireTiming) phases(ended float64) probe.Phases {
	var ps probe.Phases
	add := func(p probe.Phase, from, to float64) {
		if from >= 0 && to >= from {
			ps.Add(p, milliseconds(to-from))
		}
	}
	connected := t.ConnectEnd
	if t.TLSStart >= 0 {
		connected = t.TLSStart // the browser counts TLS as a part of connecting
	}
	first := t.ReceiveStart
	if first <= 0 {
		first = t.ReceiveHeaderEnd
	}
	add(probe.Resolve, t.DNSStart, t.DNSEnd)
	add(probe.Connect, t.ConnectStart, connected)
	add(probe.TLS, t.TLSStart, t.TLSEnd)
	add(probe.Send, t.SendStart, t.SendEnd)
	add(probe.Wait, t.SendEnd, first)
	if ended > 0 {
		add(probe.Receive, first, (ended-t.RequestTime)*1e3)
	}
	return ps
}
