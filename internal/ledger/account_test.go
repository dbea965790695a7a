package ledger_test

import (
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

// A message that a device confirms once more has arrived twice. It is a repeat of whoever sent it, and one only, however
// often its id is sent.
func TestAccount_Repeats(t *testing.T) {
	t.Parallel()
	l := ledger.New()
	account, other := l.Account(), l.Account()
	confirm := func(e *ledger.Entry, times int) {
		for range times {
			l.Confirm(e.ID, time.Now())
		}
	}
	until := time.Now().Add(time.Hour)
	once, twice, often, late := account.Expect(until), account.Expect(until), account.Expect(until), account.Expect(until)
	others := other.Expect(until)
	confirm(once, 1)
	confirm(twice, 1)
	account.Forget(once)
	account.Forget(twice)
	account.Forget(late)
	confirm(twice, 1)
	confirm(often, 100) // while it is waited for
	account.Forget(often)
	confirm(often, 100)
	confirm(late, 3)
	confirm(others, 1)
	if got := account.TakeRepeats(); got != 2 {
		t.Errorf("got %d repeats, want those of two messages", got)
	}
	if again, theirs := account.TakeRepeats(), other.TakeRepeats(); again != 0 || theirs != 0 {
		t.Errorf("got %d repeats once more and %d of somebody else's messages, want none", again, theirs)
	}
	confirm(once, 1)
	confirm(others, 1)
	if mine, theirs := account.TakeRepeats(), other.TakeRepeats(); mine != 1 || theirs != 1 {
		t.Errorf("got %d and %d repeats, want one each", mine, theirs)
	}
	if got := countsOf(l); got.receipt != 4 || got.repeated != 1+198+1+1+1 || got.expired != 3 {
		t.Errorf("got %+v, want every receipt counted", got)
	}
}
