package ledger

// past remembers the latest ids that are no longer waited for, and what one more receipt of each is. Beyond its size the
// oldest is forgotten: a receipt of that is one of an unknown message.
type past struct {
	ids  map[string]bygone
	ring []string
	next int // index in ring
}

// bygone is what is remembered of a message.
type bygone struct {
	further outcome  // what one more receipt is
	account *Account // whose message it was; nil for those of books
	counted bool     // one more receipt came
}

func newPast(size int) past {
	return past{ids: make(map[string]bygone), ring: make([]string, size)}
}

func (p *past) add(id string, further outcome, account *Account) {
	delete(p.ids, p.ring[p.next])
	p.ring[p.next], p.ids[id] = id, bygone{further: further, account: account}
	p.next = (p.next + 1) % len(p.ring)
}

func (p *past) has(id string) bool {
	_, ok := p.ids[id]
	return ok
}

// again takes in one more receipt. twice reports whether it says that a message arrived twice: only the first repeat of
// each does, because who has an id can send its receipt as often as it likes, and some HTTP clients do when a connection
// breaks.
func (p *past) again(id string) (b bygone, twice, ok bool) {
	b, ok = p.ids[id]
	if !ok || b.further != repeated || b.counted {
		return b, false, ok
	}
	counted := b
	counted.counted = true
	p.ids[id] = counted
	return b, true, true
}
