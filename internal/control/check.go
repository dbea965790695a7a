package control

import (
	"context"
	"strings"
)

// neighbour is something near that answers when the network works.
type neighbour struct {
	name string // for people, and to remember it by
	// sworn neighbours testify from the start: somebody named them. The others do so after they have answered once.
	sworn bool
	ask   func(ctx context.Context) error // nil means that it answered
	// seen, when not nil, says after a question without an answer whether the neighbour is there all the same. It counts
	// only for one that has never answered: its news is seconds old.
	seen func() bool
}

// sight is the name under which a neighbour is remembered that was seen, but does not answer.
func (n neighbour) sight() string { return n.name + " in the ARP table" }

// surroundings is what this host knows of its network.
type surroundings struct {
	neighbours []neighbour
	unplugged  bool // no interface but loopback has a link
}

// check asks the witnesses first, and the others only when no witness answers.
func (c *Control) check(ctx context.Context) State {
	around := c.discover()
	if around.unplugged {
		return State{Known: true, Blind: true, Why: "no network interface has a link"}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	witnesses, others, testimony := c.split(around.neighbours)
	half, cancelHalf := context.WithTimeout(ctx, c.opts.Timeout/2)
	defer cancelHalf()
	answered := ask(half, witnesses)
	if answered == "" {
		answered = ask(ctx, others)
	}
	if answered == "" {
		answered = look(others)
	}
	switch {
	case answered != "":
		c.remember(answered)
		return State{Known: true, Why: "reached " + answered}
	case len(testimony) > 0:
		return State{Known: true, Blind: true, Why: "no answer from " + strings.Join(testimony, ", ")}
	}
	return State{Why: "no neighbour has ever answered, so that silence says nothing"}
}

// split returns those whose answer is expected, the others, and the names of all whose silence means something.
func (c *Control) split(all []neighbour) (witnesses, others []neighbour, testimony []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range all {
		if n.sworn || c.answers[n.name] {
			witnesses = append(witnesses, n)
			testimony = append(testimony, n.name)
			continue
		}
		others = append(others, n)
		if c.answers[n.sight()] {
			testimony = append(testimony, n.sight())
		}
	}
	return witnesses, others, testimony
}

// look returns the sight of the first neighbour that is seen, or "".
func look(neighbours []neighbour) string {
	for _, n := range neighbours {
		if n.seen != nil && n.seen() {
			return n.sight()
		}
	}
	return ""
}

func (c *Control) remember(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[name] = true
}

// ask asks all at once and returns the name of the first that answers, or "" when none does. It waits for all of them.
func ask(ctx context.Context, neighbours []neighbour) string {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan string, len(neighbours))
	for _, n := range neighbours {
		go func() {
			if n.ask(ctx) != nil {
				answers <- ""
				return
			}
			answers <- n.name
		}()
	}
	first := ""
	for range neighbours {
		if name := <-answers; name != "" && first == "" {
			first = name
			cancel()
		}
	}
	return first
}
