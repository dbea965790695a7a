package push

import (
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Fate is what became of one message.
type Fate struct {
	Start    time.Time     // when the attempt began
	Reply    Reply         // without an answer when there was none
	Answered bool          // sending ended, in one way or the other
	Watched  bool          // somebody would have seen an arrival
	Copies   int           // arrivals
	Garbled  int           // arrivals whose content was not what was sent
	First    time.Duration // on its way until the first arrival, of one that was intact if there was any; meaningful when Copies > 0
	Deaf     bool          // the receiver could hear no more before the end
	Waited   time.Duration // from the beginning until nothing more could come
}

// Accepted reports whether the provider took the message.
func (f *Fate) Accepted() bool { return f.Answered && f.Reply.Answer.Word == Accepted }

// taken reports whether nothing speaks against the message being on its way.
func (f *Fate) taken() bool { return f.Accepted() || f.Answered && f.Reply.Unasked }

// Refused reports whether the provider answered and did not take the message.
func (f *Fate) Refused() bool {
	return f.Answered && f.Reply.Answer.Word != Accepted && f.Reply.Answer.Word != Unanswered
}

// Arrived reports whether the message arrived.
func (f *Fate) Arrived() bool { return f.Copies > 0 }

// readable reports whether a copy arrived as it was sent: what nobody can read has not been delivered.
func (f *Fate) readable() bool { return f.Copies > f.Garbled }

func (f *Fate) arrive(a Arrival) {
	if f.Copies == 0 || a.Intact && !f.readable() {
		f.First = a.At.Sub(f.Start)
	}
	f.Copies++
	if !a.Intact {
		f.Garbled++
	}
}

// settled reports whether waiting longer could not change the outcome.
func (f *Fate) settled() bool {
	switch {
	case !f.Answered:
		return false
	case f.Reply.Never, !f.Watched:
		return true
	case f.Refused() && !f.doubtful():
		return true
	}
	return f.Arrived() || f.Deaf
}

// doubtful reports whether a message may be on its way although the provider did not take it: it failed, or said what
// nobody knows.
func (f *Fate) doubtful() bool {
	return f.Answered && f.Watched && (f.Reply.Answer.Word == ProviderFailed || f.Reply.Answer.Word == Other)
}

// Conclude turns the fate into the result: duration, phases, reason, findings and measurements. Arrival decides over
// acceptance: a message that arrived is delivered whatever the provider said, one that was accepted and did not arrive is
// lost. One that arrived garbled alone is neither. repeats is how often messages before this one arrived again since the last result.
func (f *Fate) Conclude(r *probe.Result, deadline time.Duration, repeats int) {
	c := conclusion{f, r}
	c.answer()
	if n := max(0, f.Copies-1) + repeats; n > 0 {
		// A repeat usually comes when its own probe is over: the next one reports it.
		c.found(Duplicated, "this message or one before it arrived %d times more than once", n)
		c.measure(DuplicatesTotal, "", float64(n))
	}
	switch {
	case f.Arrived():
		c.arrived(deadline)
	case f.Refused():
		c.failed(EndedRejected, f.Reply.Answer.Check(), f.Reply.Answer.String()+", want it taken")
	case f.taken() && f.Watched:
		said := "accepted"
		if !f.Accepted() {
			said = "sent"
		}
		c.failed(EndedLost, Lost, fmt.Sprintf("%s and not delivered within %v%s", said, rounded(f.Waited), f.aside()))
	case f.Accepted():
		c.unseen()
	case f.Reply.Reason != "":
		c.failed(EndedUnsent, f.Reply.Reason, f.Reply.Detail+f.aside())
	default:
		c.failed(EndedUnsent, Unsent, fmt.Sprintf("no acknowledgement and no arrival after %v%s", rounded(f.Waited), f.aside()))
	}
}

// conclusion writes a fate into a result.
type conclusion struct {
	*Fate
	r *probe.Result
}

func (c conclusion) found(check probe.CheckID, format string, args ...any) {
	c.r.Findings = append(c.r.Findings, *probe.Findingf(check, format, args...))
}

func (c conclusion) measure(metric, label string, value float64) {
	c.r.Measurements = append(c.r.Measurements, probe.Measurement{Metric: metric, Label: label, Value: value})
}

// answer notes what the provider said.
func (c conclusion) answer() {
	if c.Reply.Unasked {
		return
	}
	c.measure(ProviderResponsesTotal, string(c.Reply.Answer.Word), 1)
	if !c.Accepted() {
		return
	}
	accept := c.accept()
	c.r.Phases.Add(probe.Accept, accept)
	c.measure(AcceptDuration, "", accept.Seconds())
	c.measure(LastAccepted, "", unix(c.Start.Add(c.Reply.After)))
}

func (c conclusion) accept() time.Duration { return max(0, c.Reply.After-c.Reply.Lead) }

func (c conclusion) arrived(deadline time.Duration) {
	c.r.Duration = c.First
	c.r.Phases.Add(probe.Deliver, c.First)
	outcome := EndedDelivered
	if c.First > deadline {
		outcome = EndedLate
		c.found(Late, "arrived after %v, want at most %v", rounded(c.First), deadline)
	}
	if c.Garbled > 0 {
		c.found(Corrupted, "what arrived differs from what was sent, or could not be decrypted")
		c.measure(CorruptedTotal, "", float64(c.Garbled))
	}
	switch {
	case c.taken():
	case c.Refused():
		c.found(Unacknowledged, "arrived after %v, although the provider %s", rounded(c.First), c.Reply.Answer)
		c.measure(UnacknowledgedTotal, "", 1)
	default:
		c.found(Unacknowledged, "arrived after %v, but not acknowledged within %v%s", rounded(c.First), rounded(c.Waited), c.aside())
		c.measure(UnacknowledgedTotal, "", 1)
	}
	if !c.readable() {
		c.measure(MessagesTotal, EndedCorrupted, 1)
		return
	}
	c.measure(MessagesTotal, outcome, 1)
	c.measure(DeliveryDuration, "", c.First.Seconds())
	c.measure(LastDelivered, "", unix(c.Start.Add(c.Reply.Lead+c.First)))
}

// unseen is for a message that was accepted where nobody can see it arrive.
func (c conclusion) unseen() {
	c.r.Duration = c.accept()
	c.found(Unseen, "accepted after %v; nobody saw it arrive", rounded(c.accept()))
	c.measure(MessagesTotal, EndedUnseen, 1)
}

func (c conclusion) failed(outcome string, reason probe.Reason, detail string) {
	c.r.Duration, c.r.Reason, c.r.Detail = c.Waited, reason, detail
	c.measure(MessagesTotal, outcome, 1)
}

// aside is what else is known of a message, for the end of a sentence.
func (f *Fate) aside() string {
	text := ""
	if f.Reply.Note != "" {
		text += "; " + f.Reply.Note
	}
	if f.Deaf {
		text += "; the receiver was disconnected meanwhile"
	}
	return text
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
