package push_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/push"
)

func TestInbox(t *testing.T) {
	t.Parallel()
	var in push.Inbox
	now := time.Now()
	one, two := in.Expect("one"), in.Expect("two")
	if in.Deliver("three", now, true) || in.Deliver("", now, true) {
		t.Error("a message of somebody else was taken for ours")
	}
	if !in.Deliver("two", now, false) || !in.Deliver("one", now.Add(1), true) {
		t.Fatal("a message that is waited for was ignored")
	}
	if a := <-one.Arrivals(); !a.At.Equal(now.Add(1)) || !a.Intact {
		t.Errorf("got %v", a)
	}
	if a := <-two.Arrivals(); !a.At.Equal(now) || a.Intact {
		t.Errorf("got %v", a)
	}
	if len(one.Arrivals())+len(two.Arrivals()) != 0 {
		t.Error("one delivery was announced twice")
	}
}

// A message that arrives once more is a repeat also when its own probe is over; one that never arrived is not.
func TestInbox_Repeats(t *testing.T) {
	t.Parallel()
	var in push.Inbox
	now := time.Now()
	arrived, lost := in.Expect("arrived"), in.Expect("lost")
	in.Deliver("arrived", now, true)
	<-arrived.Arrivals()
	in.Deliver("arrived", now, true) // nobody took this one
	in.Forget(arrived, true)
	in.Forget(lost, false)
	in.Deliver("arrived", now, true)
	in.Deliver("lost", now, true)
	if n := in.TakeRepeats(); n != 2 {
		t.Errorf("got %d repeats, want 2", n)
	}
	if n := in.TakeRepeats(); n != 0 {
		t.Errorf("got %d repeats after they were taken, want 0", n)
	}
	for i := range 4 {
		e := in.Expect(string(rune('a' + i)))
		in.Forget(e, true)
	}
	if in.Deliver("arrived", now, true) {
		t.Error("a message is remembered for ever")
	}
}

// A text is of the message whose id is in it, however it is wrapped.
func TestInbox_Text(t *testing.T) {
	t.Parallel()
	var in push.Inbox
	now := time.Now()
	e, other := in.Expect("IDENTIFIER"), in.Expect("ANOTHER")
	intact := func(id string) bool { return id == "IDENTIFIER" }
	for text, want := range map[string]bool{`{"m":"x IDENTIFIER y"}`: true, "IDENTIFIE": false, "": false, "somebody else's": false} {
		if got := in.DeliverText([]byte(text), now, intact); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if a := <-e.Arrivals(); !a.Intact || !a.At.Equal(now) || len(e.Arrivals()) != 0 {
		t.Errorf("got %+v and %d more, want one intact arrival", a, len(e.Arrivals()))
	}
	in.DeliverText([]byte("garbled ANOTHER"), now, intact)
	if a := <-other.Arrivals(); a.Intact {
		t.Error("got an intact arrival, want what was said of its id")
	}
	in.Forget(e, true)
	if !in.DeliverText([]byte("IDENTIFIER"), now, intact) || in.TakeRepeats() != 1 {
		t.Error("a finished message that arrives again is no repeat")
	}
}

// Whatever a service sends, nothing waits for a reader and nothing grows.
func TestInbox_Flood(t *testing.T) {
	t.Parallel()
	var in push.Inbox
	e := in.Expect("id")
	for range 1000 {
		in.Deliver("id", time.Now(), true)
	}
	if n := len(e.Arrivals()); n == 0 || n > 8 {
		t.Errorf("%d arrivals are kept, want a few", n)
	}
}

func TestInbox_Unread(t *testing.T) {
	t.Parallel()
	var in push.Inbox
	if in.DeliverUnread(time.Now()) {
		t.Error("a message was taken although nobody waits")
	}
	first, second := in.Expect("first"), in.Expect("second")
	if !in.DeliverUnread(time.Now()) || len(first.Arrivals()) != 1 || len(second.Arrivals()) != 0 {
		t.Error("a message that cannot be read does not belong to whoever waits longest")
	}
	if a := <-first.Arrivals(); a.Intact {
		t.Error("a message that cannot be read is intact")
	}
}
