package ledger_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

const token = "the-token-of-a-sender"

func equal(tb testing.TB, what string, got, want any, opts ...cmp.Option) {
	tb.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		tb.Errorf("%s (want -, got +):\n%s", what, diff)
	}
}

// desk is a server without a network, for tests on a clock of their own.
type desk struct {
	*ledger.Ledger
	t      testing.TB
	server *ledger.Server
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	l := ledger.New()
	server, err := ledger.NewServer(ledger.Options{Ledger: l})
	if err != nil {
		tb.Fatal(err)
	}
	return &desk{Ledger: l, t: tb, server: server}
}

func (d *desk) post(from, path, body, token string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = from
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	d.server.ServeHTTP(httptest.NewRecorder(), r)
}

func id(n int) string { return fmt.Sprintf("message-%016d", n) }

func (d *desk) sent(n int) {
	d.t.Helper()
	d.post("192.0.2.1:1", "/v1/sent", fmt.Sprintf(`{"id":%q}`, id(n)), token)
}

func (d *desk) arrived(n int) {
	d.t.Helper()
	d.post("192.0.2.2:1", "/v1/receipts/"+id(n), "", "")
}

func TestBook_TellsWhatCameOfMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, start := newDesk(t), time.Now()
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		for n := range 6 {
			d.sent(n)
		}
		d.sent(0) // says it twice
		<-time.After(2 * time.Second)
		d.arrived(0)
		d.arrived(0)
		d.arrived(0) // whoever has the id can do so for ever: the message arrived twice at least
		<-time.After(58 * time.Second)
		d.arrived(1) // at the end of the window
		<-time.After(1)
		d.arrived(2) // after it
		last := start.Add(time.Minute)
		equal(t, "tally", b.Settle(), ledger.Tally{
			Since: start, Sent: 6, Delivered: []time.Duration{2 * time.Second, time.Minute}, Lost: 4, Repeated: 1, LastDelivered: last,
		})
		d.arrived(3) // given up when the book was settled
		d.sent(1)    // a report of a message that has ended
		d.sent(7)
		equal(t, "tally", b.Settle(), ledger.Tally{Since: start.Add(time.Minute + 1), Sent: 1, Outstanding: 1, LastDelivered: last})
		equal(t, "counts", countsOf(d.Ledger), counts{receipt: 2, report: 7, repeated: 4, expired: 2}, cmp.AllowUnexported(counts{}))
	})
}

func TestBook_RemembersTheLatestFinishedMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		const remembered = 4096
		for n := range remembered + 1 {
			d.sent(n)
			d.arrived(n)
		}
		b.Settle()
		d.arrived(1)
		d.arrived(remembered)
		d.arrived(0) // forgotten
		<-time.After(11 * time.Second)
		if got := b.Settle().Repeated; got != 2 {
			t.Errorf("%d receipts are known to be repeated, want 2", got)
		}
		if got := countsOf(d.Ledger); got.repeated != 2 || got.unknown != 1 {
			t.Errorf("got %+v, want two repeated and one unknown", got)
		}
	})
}

func TestBook_RefusesWhatItHasNoRoomFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		const room = 5000
		for n := range room + 2 {
			d.sent(n)
			if n%2 == 0 {
				d.arrived(n)
			}
		}
		tally := b.Settle()
		if tally.Sent != room || tally.Refused != 2 || len(tally.Delivered) != room/2 || tally.Outstanding != room/2 {
			t.Errorf("got %d sent, %d refused, %d delivered, %d outstanding", tally.Sent, tally.Refused, len(tally.Delivered), tally.Outstanding)
		}
		for n := range room {
			d.sent(2*room + n)
		}
		if tally = b.Settle(); tally.Sent != room/2 || tally.Refused != room/2 || tally.Outstanding != room {
			t.Errorf("got %d sent, %d refused, %d outstanding, want room for those that were delivered", tally.Sent, tally.Refused, tally.Outstanding)
		}
		<-time.After(time.Minute + 1)
		for n := range room {
			d.arrived(2*room + n) // too late
		}
		d.sent(4 * room)
		if tally = b.Settle(); tally.Lost != room || tally.Refused != 1 {
			t.Errorf("%d are lost and %d refused, want one refused before those that ended are settled", tally.Lost, tally.Refused)
		}
	})
}

func TestBook_GivesMessagesUpAfterTheirWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		d.sent(1)
		<-time.After(time.Minute)
		if got := b.Settle(); got.Lost != 0 || got.Outstanding != 1 {
			t.Errorf("%d are lost and %d outstanding at the end of the window, want one outstanding", got.Lost, got.Outstanding)
		}
		<-time.After(1)
		if got := b.Settle(); got.Lost != 1 || got.Outstanding != 0 {
			t.Errorf("%d are lost and %d outstanding after the window, want one lost", got.Lost, got.Outstanding)
		}
	})
}

func TestBook_EachSenderHasItsOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	before, b, after := d.OpenBook("the-token-of-the-first", time.Minute), d.OpenBook(token, time.Minute), d.OpenBook("the-token-of-the-last", time.Minute)
	defer before.Close()
	defer b.Close()
	defer after.Close()
	d.sent(1)
	d.arrived(1)
	equal(t, "counts", countsOf(d.Ledger), counts{report: 1, receipt: 1}, cmp.AllowUnexported(counts{}))
	if first, own, last := before.Settle(), b.Settle(), after.Settle(); first.Sent+last.Sent != 0 || len(own.Delivered) != 1 {
		t.Errorf("got %+v, %+v and %+v, want one message in the sender's own book", first, own, last)
	}
}

func TestBook_IsForgottenWhenItIsClosed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b, other := d.OpenBook(token, time.Minute), d.OpenBook("the-token-of-another-sender", time.Minute)
	defer other.Close()
	d.sent(1)
	b.Close()
	b.Close()
	d.sent(2)
	d.arrived(1)
	if got := countsOf(d.Ledger); got.report != 1 || got.unauthorized != 1 || got.receipt != 0 {
		t.Errorf("got %+v, want one report, and one of nobody known", got)
	}
	if got := other.Settle(); got.Sent != 0 {
		t.Errorf("another sender's book has %d messages, want none", got.Sent)
	}
}

func TestEarly_HoldsReceiptsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.arrived(0) // nobody reports messages yet: nothing to hold it for
		b := d.OpenBook(token, time.Minute)
		defer b.Close()
		for _, n := range []int{1, 2, 3, 1} {
			d.arrived(n)
			<-time.After(time.Second)
		}
		d.sent(1)
		<-time.After(7*time.Second - 1) // the second was held for 10 s less 1 ns
		d.sent(2)
		<-time.After(time.Second + 1)
		d.sent(3)
		tally := b.Settle()
		equal(t, "delivered", tally.Delivered, []time.Duration{0, 0})
		equal(t, "outstanding", tally.Outstanding, 1)
		equal(t, "counts", countsOf(d.Ledger), counts{receipt: 2, report: 3, repeated: 1, unknown: 2}, cmp.AllowUnexported(counts{}))
	})
}

func TestPulse_TellsHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, start := newDesk(t), time.Now()
		p := d.OpenPulse(token, time.Minute)
		beat := func(after time.Duration) {
			<-time.After(after)
			d.post("192.0.2.1:1", "/v1/heartbeat", "", token)
		}
		beat(time.Minute)
		beat(2 * time.Minute)
		beat(3*time.Minute + 1)
		<-time.After(time.Second)
		last := start.Add(6*time.Minute + 1)
		equal(t, "beats", p.Take(), ledger.Beats{OnTime: 1, Late: 2, Lost: 2, Last: last, Silence: time.Second})
		<-time.After(2*time.Minute - time.Second)
		equal(t, "beats", p.Take(), ledger.Beats{Last: last, Silence: 2 * time.Minute})
		<-time.After(time.Hour)
		equal(t, "beats", p.Take(), ledger.Beats{Lost: 60, Last: last, Silence: 62 * time.Minute})
		<-time.After(time.Minute)
		equal(t, "beats", p.Take(), ledger.Beats{Lost: 1, Last: last, Silence: 63 * time.Minute})
		d.post("192.0.2.1:1", "/v1/heartbeat", "", "the-token-of-another-sender")
		p.Close()
		p.Close()
		beat(0)
		equal(t, "counts", countsOf(d.Ledger), counts{heartbeat: 3, unauthorized: 2}, cmp.AllowUnexported(counts{}))
	})
}
