package ledger

// past remembers the latest ids that are no longer waited for, and what one more receipt of each is. Beyond its size the
// oldest is forgotten: a receipt of that is one of an unknown message.
type past struct {
	ids  map[string]outcome
	ring []string
	next int // index in ring
}

func newPast(size int) past {
	return past{ids: make(map[string]outcome), ring: make([]string, size)}
}

func (p *past) add(id string, further outcome) {
	delete(p.ids, p.ring[p.next])
	p.ring[p.next], p.ids[id] = id, further
	p.next = (p.next + 1) % len(p.ring)
}

func (p *past) get(id string) (further outcome, ok bool) {
	further, ok = p.ids[id]
	return further, ok
}
