package ledger

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/forwarded"
)

// address returns the n-th address.
func address(n int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(n))
	return netip.AddrFrom4(a)
}

// hostile returns a request that differs from all others in what a sender chooses.
func hostile(tb testing.TB, n int) *http.Request {
	tb.Helper()
	pick := func(all ...string) string { return all[rand.IntN(len(all))] }
	unique := fmt.Sprintf("%0128d", n)
	r := httptest.NewRequestWithContext(tb.Context(), pick("POST", "POST", "POST", "GET", "M"+unique),
		pick(receiptPath, receiptPath, receiptPath, "/", sentPath, heartbeatPath)+unique, strings.NewReader(`{"id":"`+unique+`"}`))
	if rand.IntN(4) == 0 {
		r.URL.Path = pick(sentPath, heartbeatPath)
		r.Header.Set("Authorization", "Bearer "+unique)
	}
	r.RemoteAddr = netip.AddrPortFrom(address(n/30), 1).String()
	return r
}

// TestLedger_FloodsChangeNoMemory compares what is held after a flood with what is held after a second, longer one of
// nothing that was there before. Meanwhile a sender and its devices fill a book as far as it goes.
func TestLedger_FloodsChangeNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const token = "the-token-of-a-sender"
		l := New()
		s, err := NewServer(Options{Ledger: l})
		if err != nil {
			t.Fatal(err)
		}
		b := l.OpenBook(token, time.Minute)
		defer b.Close()
		account := l.Account()
		flood := func(from, to int) uint64 {
			for n := from; n < to; n++ {
				s.ServeHTTP(httptest.NewRecorder(), hostile(t, n))
				id := fmt.Sprintf("%0128x", n)
				l.take(submission{what: report, id: id, token: token}, time.Now(), func() bool { return true })
				if n%2 == 0 {
					l.take(submission{what: receipt, id: id}, time.Now(), func() bool { return true })
				}
				e := account.Expect(time.Now().Add(time.Minute))
				l.Confirm(e.ID, time.Now())
				account.Forget(e)
				if n%100 == 0 {
					<-time.After(25 * time.Millisecond)
				}
				if n%10_000 == 0 {
					b.Settle()
				}
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		const some = 20_000
		before := flood(0, some)
		after := flood(some, 3*some)
		if growth := int64(after) - int64(before); growth > 1<<20 {
			t.Errorf("the second flood takes %d KiB, want next to nothing", growth>>10)
		}
		t.Logf("%d KiB in use", after>>10)
		l.checkBounds(t, b)
		if len(s.strangers.sent) > maxSenders {
			t.Errorf("%d senders are remembered, want at most %d", len(s.strangers.sent), maxSenders)
		}
		runtime.KeepAlive(s)
	})
}

// checkBounds checks that nothing is larger than it may be.
func (l *Ledger) checkBounds(t *testing.T, b *Book) {
	t.Helper()
	for _, test := range []struct {
		name      string
		got, most int
	}{
		{"messages of the agent that are waited for", len(l.waiting), 0},
		{"messages of the agent that are over", len(l.past.ids), maxPast},
		{"held receipts", len(l.early.at), maxEarly},
		{"places of held receipts", len(l.early.queue), maxEarly},
		{"messages of a book", len(b.open) + len(b.tally.Delivered) + b.tally.Lost, maxMessages},
		{"finished messages of a book", len(b.past.ids), maxFinished},
	} {
		if test.got > test.most {
			t.Errorf("%s: %d, want at most %d", test.name, test.got, test.most)
		}
	}
}

func TestEarly_HoldsNoMoreThanItHasRoomFor(t *testing.T) {
	e, now := newEarly(), time.Now()
	for n := range maxEarly {
		if got := e.hold(fmt.Sprint(n), now); got != held {
			t.Fatalf("the receipt %d is %v, want it held", n, got)
		}
	}
	if got := e.hold("one more", now); got != limited {
		t.Errorf("one more is %v, want it limited", got)
	}
	if _, ok := e.take("7"); !ok {
		t.Error("a held receipt is gone")
	}
	if got := e.expire(now.Add(holdEarly - 1)); got != 0 || len(e.queue) != maxEarly {
		t.Errorf("%d are dropped and %d left before their time", got, len(e.queue))
	}
	if got := e.expire(now.Add(holdEarly)); got != maxEarly-1 || len(e.queue) != 0 || len(e.at) != 0 {
		t.Errorf("%d are dropped and %d left, want all but the one that was taken", got, len(e.queue))
	}
	if got := e.hold("one more", now); got != held {
		t.Errorf("one more is %v, want it held", got)
	}
}

func TestPast_ForgetsTheOldest(t *testing.T) {
	p := newPast(3)
	for n := range 5 {
		p.add(fmt.Sprint(n), outcome(n), nil)
	}
	for n := range 5 {
		if got, _, ok := p.again(fmt.Sprint(n)); ok != (n >= 2) || ok != p.has(fmt.Sprint(n)) || ok && got.further != outcome(n) {
			t.Errorf("%d is remembered: %v, as %v", n, ok, got.further)
		}
	}
	if len(p.ids) != 3 {
		t.Errorf("%d are remembered, want 3", len(p.ids))
	}
}

func TestStrangers_RememberAsManyAsThereIsRoomFor(t *testing.T) {
	var s strangers
	now := time.Now()
	for n := range maxSenders {
		if !s.admit(networkOf(address(n)), now) {
			t.Fatalf("sender %d is refused", n)
		}
	}
	if s.admit(networkOf(address(maxSenders)), now) {
		t.Error("one more sender is admitted")
	}
	if !s.admit(networkOf(address(0)), now) {
		t.Error("a sender that is known is refused")
	}
	if !s.admit(networkOf(address(maxSenders)), now.Add(period)) || len(s.sent) != 1 {
		t.Errorf("one more sender is refused in the next period, or %d are remembered", len(s.sent))
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []struct{ method, path, authorization, body string }{
		{"POST", "/v1/receipts/0123456789abcdef", "", ""},
		{"POST", "/v1/sent", "Bearer 0123456789abcdef", `{"id":"0123456789abcdef"}`},
		{"POST", "/v1/heartbeat", "bearer x", ""},
		{"POST", "/v1/receipts/../sent", "Basic eDp4", `{"id":["0123456789abcdef"]}`},
		{"GET", "/v1/receipts/0123456789abcdef", "Bearer", `null`},
		{"POST", "/v1/hooks/0123456789abcdef", "", `{"order":"MARK"}`},
	} {
		f.Add(seed.method, seed.path, seed.authorization, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, method, path, authorization string, body []byte) {
		r := &http.Request{Method: method, Header: http.Header{"Authorization": {authorization}}, RemoteAddr: path}
		r.URL = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil).URL
		r.URL.Path = path
		s := read(r, body, true)
		if s.id != "" && (!isID(s.id) || len(s.id) < 16 || len(s.id) > 128 || strings.ContainsAny(s.id, "/%\x00 \n")) {
			t.Errorf("got the id %q", s.id)
		}
		if s.token != "" && s.what != webhook && !strings.HasSuffix(authorization, s.token) {
			t.Errorf("got the token %q of %q", s.token, authorization)
		}
		switch s.what {
		case malformed:
			if s != (submission{what: malformed}) {
				t.Errorf("got %+v of what says nothing", s)
			}
		case receipt:
			if method != http.MethodPost || path != receiptPath+s.id || s.token != "" {
				t.Errorf("got %+v of %s %q", s, method, path)
			}
		case webhook:
			if method != http.MethodPost || path != hookPath+s.token || !isID(s.token) || s.id != "" || s.hook == nil {
				t.Errorf("got %+v of %s %q", s, method, path)
			}
		case report, heartbeat:
			if method != http.MethodPost || path != sentPath && path != heartbeatPath {
				t.Errorf("got %+v of %s %q", s, method, path)
			}
		default:
			t.Errorf("got %+v", s)
		}
		l := New()
		if o := l.take(s, time.Now(), func() bool { return true }); o < held {
			t.Errorf("an empty ledger takes %+v as %v", s, o)
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("192.0.2.1:1", "203.0.113.7, 192.0.2.9")
	f.Add("[::1]:1", "unknown,,:::")
	f.Fuzz(func(t *testing.T, remote, said string) {
		s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}}
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {said}}}
		network := s.sender(r)
		if network.IsValid() && network.Addr().Is4In6() || network.Addr().Zone() != "" {
			t.Errorf("got %v of %q and %q: two spellings of one address would count apart", network, remote, said)
		}
		if peer := forwarded.Parse(remote); !s.proxies.Trusts(peer) && network != networkOf(peer) {
			t.Errorf("got %v of %q and %q, which no trusted proxy said", network, remote, said)
		}
	})
}
