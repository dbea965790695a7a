package webhook

// maxPast is how many markers of finished probes are remembered.
const maxPast = 64

// past remembers the markers of finished probes, and whether their webhooks came. Beyond its size the oldest is
// forgotten. It is used by one goroutine at a time.
type past struct {
	arrived map[string]bool
	ring    [maxPast]string
	next    int
}

func newPast() *past { return &past{arrived: make(map[string]bool)} }

func (p *past) add(marker string, arrived bool) {
	delete(p.arrived, p.ring[p.next])
	p.ring[p.next], p.arrived[marker] = marker, arrived
	p.next = (p.next + 1) % maxPast
}
