package recent

import "slices"

// record is what is held of one touchpoint.
type record struct {
	last     *item
	failures []*item // oldest first; the newest may be last too
	results  results
}

// item is a held entry. It is in one chain of the ring at most.
type item struct {
	entry      Entry
	size       int64 // of the entry, counted in Ring.used
	rec        *record
	chain      *chain
	prev, next *item
	failure    bool // in rec.failures
}

// replaceLast makes e the last entry of a record, and a failure of it when it is one.
func (r *Ring) replaceLast(rec *record, e Entry) {
	old := rec.last
	r.forgetLast(rec)
	it := old
	if it == nil || it.failure {
		it = &item{rec: rec}
	}
	it.entry, it.size = e, entrySize(&e)
	rec.last = it
	r.used += it.size
	switch {
	case e.failed():
		it.failure = true
		rec.failures = append(rec.failures, it)
		r.failed.push(it)
		r.trimFailures(rec)
	case e.Result.Evidence != nil:
		r.spare.push(it)
	}
}

// forgetLast takes the last entry off a record; as a failure it may live on.
func (r *Ring) forgetLast(rec *record) {
	it := rec.last
	rec.last = nil
	if it == nil || it.failure {
		return
	}
	it.unlink()
	r.used -= it.size
}

// trimFailures forgets the oldest failure when there are too many, but not the one that began the present run.
func (r *Ring) trimFailures(rec *record) {
	if len(rec.failures) <= MaxFailures {
		return
	}
	oldest := 0
	if first := &rec.failures[0].entry; first.Result.Start.Equal(rec.last.entry.Since) {
		oldest = 1
	}
	r.forgetFailure(rec, oldest)
}

// forgetFailure forgets the i-th failure of a record. If it is its last entry too, only the evidence goes.
func (r *Ring) forgetFailure(rec *record, i int) {
	it := rec.failures[i]
	rec.failures = slices.Delete(rec.failures, i, i+1)
	it.failure = false
	it.unlink()
	if it == rec.last {
		r.stripEvidence(it)
		return
	}
	r.used -= it.size
}

// stripEvidence forgets the evidence of a held entry.
func (r *Ring) stripEvidence(it *item) {
	size := evidenceSize(it.entry.Result.Evidence)
	it.entry.Result.Evidence = nil
	it.size -= size
	r.used -= size
}

// shrink forgets what matters least until the bound holds or only what always stays is left.
func (r *Ring) shrink() {
	for r.used > r.max {
		if it := r.spare.oldest; it != nil {
			it.unlink()
			r.stripEvidence(it)
			continue
		}
		it := r.failed.oldest
		if it == nil {
			return
		}
		r.forgetFailure(it.rec, slices.Index(it.rec.failures, it))
	}
}

// chain is a list of items in the order in which they came. Its zero value is empty.
type chain struct{ oldest, newest *item }

func (c *chain) push(it *item) {
	it.chain, it.prev, it.next = c, c.newest, nil
	if c.newest != nil {
		c.newest.next = it
	} else {
		c.oldest = it
	}
	c.newest = it
}

// unlink takes the item out of its chain, if it is in one.
func (it *item) unlink() {
	c := it.chain
	if c == nil {
		return
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		c.oldest = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		c.newest = it.prev
	}
	it.chain, it.prev, it.next = nil, nil, nil
}
