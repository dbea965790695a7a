package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// The types of receivers.
const (
	emailReceiver   = "email"
	webhookReceiver = "webhook"
)

// sender delivers messages to one receiver.
type sender interface {
	// wants reports whether the receiver is told of an incident.
	wants(n *notice) bool
	// send delivers a message and returns soon after ctx ends. Late says that the end of an incident is told of whose
	// beginning nobody was. Left are the recipients that are still to be reached; none means all.
	send(ctx context.Context, n *notice, late bool, left []string) outcome
}

// outcome is how a delivery went. Its texts hold no secrets.
type outcome struct {
	reached   bool          // at least one recipient was told
	left      []string      // recipients that are worth another try, when others were reached or refused
	err       error         // what went wrong, be it for some recipients only
	permanent bool          // another try would end the same
	after     time.Duration // what the server asks to wait for; 0 for nothing
}

// task is a message on its way to one receiver.
type task struct {
	Notice   notice    `json:"notice"`
	Queued   time.Time `json:"queued"`
	Next     time.Time `json:"next"` // when to try
	Attempts int       `json:"attempts,omitempty"`
	Left     []string  `json:"left,omitempty"` // recipients that are still to be reached; none means all
}

// Bounds of waiting.
const (
	mostPending = 500            // messages of one receiver
	giveUpAfter = 24 * time.Hour // what could not be delivered is no news any more
	mostDelay   = time.Hour      // that a server can ask for
)

// backoff is how long to wait before another try.
type backoff struct{ first, most time.Duration }

func defaultBackoff() backoff { return backoff{5 * time.Second, 5 * time.Minute} }

// after returns the wait after a number of attempts, of which there was at least one.
func (b backoff) after(attempts int) time.Duration {
	wait := b.first
	for range attempts - 1 {
		if wait *= 2; wait >= b.most {
			return b.most
		}
	}
	return wait
}

// queue holds the messages for one receiver, the oldest first. They are sent one at a time.
type queue struct {
	key    string // in the file, the same over restarts
	kind   string // of receiver
	sender sender
	tasks  []*task
	busy   *task           // in the air; nil for none
	told   map[string]bool // incidents of whose beginning the receiver was told, until it is told of their end

	sent, failed, givenUp uint64
}

func newQueue(key, kind string, s sender) *queue {
	return &queue{key: key, kind: kind, sender: s, told: make(map[string]bool)}
}

// push adds a message, and returns those that it takes the place of because there are too many. The message about an end
// takes the place of the one about the beginning, of which only a try that is in the air now can arrive.
func (q *queue) push(n *notice, now time.Time) (dropped []*task) {
	if n.Ended {
		q.tasks = slices.DeleteFunc(q.tasks, func(t *task) bool { return t.Notice.ID == n.ID })
	}
	q.tasks = append(q.tasks, &task{Notice: *n, Queued: now, Next: now})
	for len(q.tasks) > mostPending {
		oldest := slices.IndexFunc(q.tasks, func(t *task) bool { return t != q.busy })
		dropped = append(dropped, q.tasks[oldest])
		q.remove(q.tasks[oldest])
		q.givenUp++
	}
	return dropped
}

// restore takes in what was kept over a restart. Open are the incidents that will end.
func (q *queue) restore(kept queueState, open map[string]bool, now time.Time) {
	q.tasks = kept.Tasks
	for _, t := range q.tasks {
		open[t.Notice.ID] = true
		if t.Next.Sub(now) > mostDelay {
			t.Next = now // the clock was wrong
		}
	}
	for id := range kept.Told {
		if open[id] {
			q.told[id] = true
		}
	}
}

// remove takes out a message that was delivered or given up.
func (q *queue) remove(t *task) {
	q.tasks = slices.DeleteFunc(q.tasks, func(other *task) bool { return other == t })
	if t.Notice.Ended {
		delete(q.told, t.Notice.ID)
	}
}

// due takes the next message to send; nil when there is none.
func (q *queue) due(now time.Time) *task {
	if q.busy != nil {
		return nil
	}
	for _, t := range q.tasks {
		if !t.Next.After(now) {
			q.busy = t
			return t
		}
	}
	return nil
}

// next returns when there will be something to do; never, when it is zero.
func (q *queue) next() time.Time {
	var next time.Time
	if q.busy == nil {
		for _, t := range q.tasks {
			next = soonest(next, t.Next)
		}
	}
	return next
}

// late reports whether a message tells the end of an incident of whose beginning the receiver knows nothing.
func (q *queue) late(t *task) bool { return t.Notice.Ended && !q.told[t.Notice.ID] }

// verdict is what becomes of a message after a try.
type verdict string

const (
	delivered  verdict = "delivered"
	again      verdict = "again"      // later
	abandoned  verdict = "abandoned"  // given up
	superseded verdict = "superseded" // its incident has ended meanwhile, which is told instead
)

// settle takes in how the message in the air did.
func (q *queue) settle(o outcome, retry backoff, now time.Time) verdict {
	t := q.busy
	q.busy = nil
	t.Attempts++
	if o.reached && !t.Notice.Ended {
		q.told[t.Notice.ID] = true
	}
	if o.err == nil || o.reached && len(o.left) == 0 {
		q.sent++
		q.remove(t)
		return delivered
	}
	q.failed++
	switch {
	case !slices.Contains(q.tasks, t):
		return superseded
	case o.permanent, now.Sub(t.Queued) >= giveUpAfter:
		q.givenUp++
		q.remove(t)
		return abandoned
	}
	t.Left = o.left
	t.Next = now.Add(max(retry.after(t.Attempts), min(o.after, mostDelay)))
	return again
}

// result is how a message did.
type result struct {
	*queue
	*task
	outcome
}

// enqueue puts an event into a queue, when its receiver wants it.
func (n *Notifier) enqueue(q *queue, e event, now time.Time) {
	note := newNotice(e, n.tracker.here, now)
	if !q.sender.wants(&note) {
		n.log.Debug("nobody to tell of an incident", "receiver", q.key, "incident", note.Called)
		return
	}
	for _, t := range q.push(&note, now) {
		n.log.Error("too many messages wait, the oldest is given up", "receiver", q.key, "incident", t.Notice.Called, "most", mostPending)
	}
}

// finish takes in how a message did.
func (n *Notifier) finish(r result, now time.Time) {
	n.flying--
	n.dirty = true
	log := n.log.With("receiver", r.key, "incident", r.Notice.Called, "ended", r.Notice.Ended, "attempts", r.Attempts+1)
	v := r.settle(r.outcome, n.retry, now)
	switch {
	case v == abandoned:
		log.Error("message given up", "error", r.err)
	case v == again:
		log.Warn("message not delivered", "error", r.err, "again_in", time.Until(r.Next).Round(time.Second))
	case v == superseded:
		log.Warn("message not delivered, the end of its incident is told instead", "error", r.err)
	case r.err != nil:
		log.Warn("message delivered, but not to everybody", "error", r.err)
	default:
		log.Info("message delivered")
	}
}

// send delivers a message.
func (q *queue) send(ctx context.Context, t *task, late bool) (o outcome) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: fmt.Errorf("sending panicked: %v", p), permanent: true}
		}
	}()
	return q.sender.send(ctx, &t.Notice, late, t.Left)
}

// sendTimeout bounds one try. A mail server may look into a message for minutes before it takes it, and who does not
// wait for its answer sends it twice (RFC 5321 section 4.5.3.2.6 asks for more patience yet).
const sendTimeout = 5 * time.Minute
