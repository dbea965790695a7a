package push

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Arrival is one delivery of a message.
type Arrival struct {
	At     time.Time
	Intact bool // what arrived is what was sent
}

// Reply is how sending a message ended on the sender's side.
type Reply struct {
	Lead   time.Duration // from the attempt's beginning until the message was on its way: what a connection took
	After  time.Duration // from the attempt's beginning until this reply
	Answer Answer        // the provider's; its Word is Unanswered when there was none
	Reason probe.Reason  // why there was no answer, such as that of a connection; may be empty
	Detail string        // of Reason, for people
	Never  bool          // the message surely never left: there was no connection to send it on
	// Unasked says that the message left whole, and that this protocol has nobody acknowledge it: it counts as taken, and
	// no time of that is known.
	Unasked bool
	Note    string // what the provider said beside accepting; may be empty
}

// Attempt is one message, sent once and waited for.
type Attempt struct {
	// Send sends the message, once, and returns when the provider has answered or cannot any more. It runs on a goroutine of
	// its own and returns soon after its context ends. An error is for a lack of the agent's own, or its context's.
	Send func(context.Context) (Reply, error)
	// Arrivals is told of deliveries; nil: nobody sees them, and the provider's answer is all there is.
	Arrivals <-chan Arrival
	// Deaf is closed when nothing can arrive any more, after what did; nil: that cannot be known.
	Deaf <-chan struct{}
	Times
}

type sendEnd struct {
	reply  Reply
	err    error
	panics any // what Send panicked with, and where; nil when it returned
}

// send calls Send. A panic of it, such as one that a provider's answer provokes, is carried to whoever called Run, which
// is where panics of probes are caught.
func (a Attempt) send(ctx context.Context) (e sendEnd) {
	defer func() {
		if p := recover(); p != nil {
			e.panics = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	e.reply, e.err = a.Send(ctx)
	return e
}

// returned returns the error of Send. It panics where Send did.
func (e sendEnd) returned() error {
	if e.panics != nil {
		panic(e.panics)
	}
	return e.err
}

// doubt is how long a message is waited for that a failing provider did not take: a gateway can lose the answer of a
// service that delivers all the same.
const doubt = 2 * time.Second

// Run sends the message and waits until its fate is known or the window is over. It returns after Send did. The error
// is that of a cancelled context, or a lack of the agent's own.
func (a Attempt) Run(ctx context.Context) (Fate, error) {
	f := Fate{Start: time.Now(), Watched: a.Arrivals != nil, Reply: Reply{Answer: Answer{Word: Unanswered}}}
	sending, stop := context.WithDeadline(ctx, f.Start.Add(a.Window))
	defer stop()
	ends := make(chan sendEnd, 1)
	go func() { ends <- a.send(sending) }()
	err := a.await(sending, &f, ends)
	f.Waited = time.Since(f.Start)
	if !f.Answered && err == nil {
		stop()
		// What ended because waiting did may still say how far it came.
		if e := <-ends; e.returned() == nil {
			f.Reply, f.Answered = e.reply, true
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		err = ctx.Err()
	}
	f.First = max(0, f.First-f.Reply.Lead)
	return f, err
}

// await collects what becomes of the message in f until nothing more can come.
func (a Attempt) await(sending context.Context, f *Fate, ends <-chan sendEnd) error {
	var grace <-chan time.Time // runs when the message has arrived and the answer has not
	deaf := a.Deaf
	for !f.settled() {
		select {
		case arrival := <-a.Arrivals:
			f.arrive(arrival)
			grace = time.After(a.graceFor(f))
		case e := <-ends:
			f.Answered = true
			switch err := e.returned(); {
			case err == nil:
				f.Reply = e.reply
			case sending.Err() == nil:
				return err
			}
			if f.doubtful() {
				grace = time.After(min(doubt, a.Window))
			}
		case <-deaf:
			deaf, f.Deaf = nil, true
			for len(a.Arrivals) > 0 {
				f.arrive(<-a.Arrivals)
			}
		case <-grace:
			return nil
		case <-sending.Done():
			return nil
		}
	}
	return nil
}

// graceFor returns how long the answer to a message that has arrived is waited for: until the deadline, and for a late
// message as long again as it took.
func (a Attempt) graceFor(f *Fate) time.Duration {
	since := time.Since(f.Start)
	return max(0, min(max(a.Deadline, 2*f.First), a.Window)-since)
}
