package pageload

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/cdp"
)

// book writes events into a journal at moments that a test gives.
type book struct {
	t   *testing.T
	j   *journal
	now time.Time
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t, newJournal("main", nil), time.Unix(1000, 0)}
	b.j.turn(b.now)
	return b
}

// after lets time pass.
func (b *book) after(d time.Duration) *book {
	b.now = b.now.Add(d)
	return b
}

func (b *book) event(session, method, params string, args ...any) {
	b.t.Helper()
	text := fmt.Sprintf(params, args...)
	if !json.Valid([]byte(text)) {
		b.t.Fatalf("%s is no JSON", text)
	}
	b.j.note(b.now, cdp.Event{Session: cdp.SessionID(session), Method: method, Params: json.RawMessage(text)})
}

func (b *book) document(id, url string) {
	b.t.Helper()
	b.event("s", "Network.requestWillBeSent", `{"requestId":%q,"loaderId":%q,"frameId":"main","type":"Document","timestamp":10,"wallTime":1000,"request":{"url":%q,"method":"GET"}}`, id, id, url)
}

func (b *book) arrived(id string) {
	b.t.Helper()
	b.event("s", "Network.responseReceived", `{"requestId":%q,"response":{"status":200,"protocol":"h2","encodedDataLength":100}}`, id)
	b.event("s", "Page.frameNavigated", `{"frame":{"id":"main","loaderId":%q}}`, id)
	b.event("s", "Network.loadingFinished", `{"requestId":%q,"timestamp":11,"encodedDataLength":300}`, id)
	b.event("s", "Page.loadEventFired", `{}`)
}

func (b *book) request(session, id, loader, url string) {
	b.t.Helper()
	b.event(session, "Network.requestWillBeSent", `{"requestId":%q,"loaderId":%q,"frameId":"main","type":"Image","timestamp":11,"wallTime":1001,"request":{"url":%q,"method":"GET"}}`, id, loader, url)
}

func (b *book) load() *Load {
	var l Load
	b.j.fill(&l, 0, b.now)
	return &l
}

func (b *book) rests() (time.Duration, bool) { return b.j.restsIn(b.now, 2*time.Second, 5*time.Second) }

func TestJournal_Rest(t *testing.T) {
	b := newBook(t)
	expect := func(what string, want time.Duration, known bool) {
		t.Helper()
		if left, ok := b.rests(); ok != known || ok && left != want {
			t.Errorf("%s: rests in %v (%v), want %v (%v)", what, left, ok, want, known)
		}
	}
	expect("nothing yet", 0, false)
	b.document("d", "https://shop.example/")
	b.arrived("d")
	expect("loaded at once", 5*time.Second, true)
	b.after(4 * time.Second)
	expect("after 4 s", time.Second, true)
	b.request("s", "i", "d", "https://shop.example/i")
	expect("with a request under way", 0, false)
	b.after(time.Second).event("s", "Network.dataReceived", `{"requestId":"i","encodedDataLength":5}`)
	expect("while data comes", 0, false)
	b.event("s", "Network.loadingFinished", `{"requestId":"i","encodedDataLength":9}`)
	expect("when the last one ended", 2*time.Second, true)
	b.after(2 * time.Second)
	expect("after 2 s of quiet", 0, true)
	b.j.act(b.now)
	expect("after an act", 2*time.Second, true)
	b.document("e", "https://shop.example/next")
	expect("with a document on its way", 0, false)
}

func TestJournal_LostFrame(t *testing.T) {
	b := newBook(t)
	b.document("d", "https://shop.example/")
	b.arrived("d")
	b.request("frame", "i", "f", "https://ads.example/i")
	b.request("frame", "k", "f", "https://ads.example/k")
	if _, known := b.rests(); known {
		t.Fatal("rests with requests under way")
	}
	b.event("s", "Target.detachedFromTarget", `{"sessionId":"frame"}`)
	if _, known := b.rests(); !known {
		t.Error("waits for a frame that has gone")
	}
	if l := b.load(); l.Counts.Failed != 0 || l.Counts.Requests != 3 {
		t.Errorf("got %+v, want no failure", l.Counts)
	}
}

func TestJournal_FailedNavigationAfterClick(t *testing.T) {
	for _, test := range []struct {
		name, cause string
		unreachable bool
		want        string
	}{
		{"download", "net::ERR_ABORTED", false, ""},
		{"refused", "net::ERR_CONNECTION_REFUSED", true, "net::ERR_CONNECTION_REFUSED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook(t)
			b.document("d", "https://shop.example/")
			b.arrived("d")
			b.j.act(b.now)
			b.document("e", "https://shop.example/next")
			b.request("s", "beacon", "d", "https://shop.example/bye") // of the page that is being left
			b.event("s", "Network.loadingFailed", `{"requestId":"e","errorText":%q,"canceled":%v}`, test.cause, !test.unreachable)
			if test.unreachable {
				b.event("s", "Page.frameNavigated", `{"frame":{"id":"main","loaderId":"other","unreachableUrl":"https://shop.example/next"}}`)
			}
			l := b.load()
			wantURL, wantRequests := "https://shop.example/", 2
			if test.unreachable {
				wantURL, wantRequests = "https://shop.example/next", 1
			}
			if l.Error != test.want || l.URL != wantURL || l.Counts.Requests != wantRequests {
				t.Errorf("got %q at %s after %d requests, want %q at %s after %d", l.Error, l.URL, l.Counts.Requests, test.want, wantURL, wantRequests)
			}
		})
	}
}

// TestJournal_LateRequests has a page report what it was like while it is being left.
func TestJournal_LateRequests(t *testing.T) {
	for name, leave := range map[string]func(*book){
		"by its address": func(b *book) { b.j.turn(b.now) },
		"by a click":     func(b *book) { b.j.act(b.now) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			b.document("d", "https://shop.example/")
			b.arrived("d")
			leave(b)
			b.document("e", "https://shop.example/next")
			b.request("s", "early", "d", "https://ads.example/beacon")
			b.arrived("e")
			b.request("s", "late", "d", "https://ads.example/beacon")
			if l := b.load(); l.URL != "https://shop.example/next" || l.Counts.Requests != 1 || len(l.Weight.Sites) != 0 {
				t.Errorf("got %d requests, sites %v; want the next page alone", l.Counts.Requests, l.Weight.Sites)
			}
			if left, known := b.rests(); !known || left != 5*time.Second {
				t.Errorf("rests in %v (%v), want 5s: nobody waits for a page that was left", left, known)
			}
		})
	}
}

func TestJournal_CachedRequests(t *testing.T) {
	for _, test := range []struct{ name, event, params string }{
		{"from memory", "Network.requestServedFromCache", `{"requestId":"i"}`},
		{"from disk", "Network.responseReceived", `{"requestId":"i","response":{"status":200,"fromDiskCache":true,"encodedDataLength":100}}`},
		{"from a service worker", "Network.responseReceived", `{"requestId":"i","response":{"status":200,"fromServiceWorker":true,"encodedDataLength":100}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook(t)
			b.document("d", "https://shop.example/")
			b.arrived("d")
			b.request("s", "i", "d", "https://shop.example/i")
			b.event("s", test.event, "%s", test.params)
			b.event("s", "Network.dataReceived", `{"requestId":"i","encodedDataLength":50}`)
			b.event("s", "Network.loadingFinished", `{"requestId":"i","encodedDataLength":150}`)
			l := b.load()
			if l.Weight.Bytes["image"] != 0 || l.Weight.First.Bytes != 300 || !l.Requests[1].Cached || l.Counts.Protocols["other"] != 0 {
				t.Errorf("got %+v and bar %+v, want no bytes", l.Weight, l.Requests[1])
			}
		})
	}
}

func TestJournal_UnfinishedBytes(t *testing.T) {
	b := newBook(t)
	b.document("d", "https://shop.example/")
	b.arrived("d")
	b.request("s", "i", "d", "https://ads.example/i")
	b.event("s", "Network.responseReceived", `{"requestId":"i","response":{"status":200,"encodedDataLength":100}}`)
	b.event("s", "Network.dataReceived", `{"requestId":"i","encodedDataLength":50}`)
	if l := b.load(); l.Weight.Third.Bytes != 150 || l.Requests[1].Bytes != 150 {
		t.Errorf("got %+v, want 150 bytes so far", l.Weight)
	}
	b.event("s", "Network.loadingFinished", `{"requestId":"i","encodedDataLength":170}`)
	if l := b.load(); l.Weight.Third.Bytes != 170 || l.Weight.Bytes["image"] != 170 {
		t.Errorf("got %+v, want 170 bytes in the end", l.Weight)
	}
}

func TestJournal_Bounds(t *testing.T) {
	b := newBook(t)
	b.document("d", "https://shop.example/")
	b.arrived("d")
	for i := range maxOpen + 100 {
		b.request("s", fmt.Sprint("r", i), "d", fmt.Sprintf("https://site%d.example/%s", i, strings.Repeat("x", 2000)))
	}
	if len(b.j.under) != maxOpen || len(b.j.now.sites) > maxSites+1 {
		t.Errorf("follows %d requests of %d sites, want at most %d of %d", len(b.j.under), len(b.j.now.sites), maxOpen, maxSites)
	}
	l := b.load()
	if l.Counts.Requests != maxOpen+101 || len(l.Requests) != maxRequests || len(l.Weight.Sites) != maxSites || l.Weight.Third.Requests != maxOpen+100 {
		t.Errorf("got %d requests, %d bars, %d sites with %d requests", l.Counts.Requests, len(l.Requests), len(l.Weight.Sites), l.Weight.Third.Requests)
	}
	if _, known := b.rests(); known {
		t.Error("rests although it does not know what is under way")
	}
}

// TestJournal_FailuresComeFirst has requests fail when there is no room for them in the evidence any more.
func TestJournal_FailuresComeFirst(t *testing.T) {
	b := newBook(t)
	b.document("d", "https://shop.example/")
	b.arrived("d")
	for i := range maxRequests + 10 {
		b.request("s", fmt.Sprint("r", i), "d", fmt.Sprintf("https://shop.example/%d", i))
	}
	b.request("s", "a", "d", "https://shop.example/a")
	b.request("s", "t", "d", "https://tags.example/t")
	b.request("s", "gone", "d", "https://tags.example/gone")
	b.event("s", "Network.loadingFailed", `{"requestId":"r0","errorText":"net::ERR_FAILED"}`)
	b.event("s", "Network.responseReceived", `{"requestId":"a","response":{"status":200}}`)
	b.event("s", "Network.loadingFailed", `{"requestId":"a","errorText":"net::ERR_CONTENT_LENGTH_MISMATCH"}`)
	b.event("s", "Network.responseReceived", `{"requestId":"t","response":{"status":404}}`)
	b.event("s", "Network.loadingFailed", `{"requestId":"t","errorText":"net::ERR_ABORTED"}`)
	b.event("s", "Network.loadingFailed", `{"requestId":"gone","errorText":"net::ERR_ABORTED","canceled":true}`)
	l := b.load()
	if l.Weight.First.Failed != 2 || l.Weight.Third.Failed != 1 || l.Counts.Failed != 2 || l.Counts.HTTPErrors != 1 {
		t.Errorf("got %+v and %+v failed of %+v, want 2 and 1", l.Weight.First, l.Weight.Third, l.Counts)
	}
	n := len(l.Requests)
	if n != maxRequests || l.Omitted != 14 || l.Requests[0].Type != "document" || l.Requests[1].Error == "" ||
		l.Requests[n-3].URL != "https://shop.example/296" || l.Requests[n-2].URL != "https://shop.example/a" || l.Requests[n-1].Status != 404 {
		t.Errorf("got %d requests, %d omitted, the last are %+v; want those that failed at the end", n, l.Omitted, l.Requests[n-3:])
	}
}

// FuzzJournal writes what no browser would. The books must stand it, stay within bounds and add up.
func FuzzJournal(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, `{"requestId":"d","loaderId":"d","frameId":"main","type":"Document"}`)
	f.Add([]byte{0, 0, 1, 1}, `{"requestId":"a","request":{"url":"http://u:p@h/?q"},"redirectResponse":{"status":-1,"encodedDataLength":1e308}}`)
	methods := []string{
		"Network.requestWillBeSent", "Network.responseReceived", "Network.dataReceived", "Network.requestServedFromCache", "Network.loadingFinished",
		"Network.loadingFailed", "Network.webSocketCreated", "Network.webSocketWillSendHandshakeRequest", "Network.webSocketHandshakeResponseReceived",
		"Network.webSocketClosed", "Target.attachedToTarget", "Target.detachedFromTarget", "Page.frameNavigated",
		"Page.loadEventFired", "Page.frameStoppedLoading", "Page.downloadWillBegin", "Page.javascriptDialogOpening", "Runtime.consoleAPICalled",
		"Runtime.exceptionThrown", "Log.entryAdded", "act", "turn", "document", "arrived", "request",
	}
	f.Fuzz(func(t *testing.T, order []byte, params string) {
		b := newBook(t)
		for i, n := range order {
			switch method := methods[int(n)%len(methods)]; method {
			case "act":
				b.j.act(b.now)
			case "turn":
				b.j.turn(b.now)
			case "document":
				b.document(fmt.Sprint("d", i%3), "https://shop.example/")
			case "arrived":
				b.arrived(fmt.Sprint("d", i%3))
			case "request":
				b.request("s", fmt.Sprint("r", i%5), "d1", "https://ads.example/x?y=z")
			default:
				b.j.note(b.now, cdp.Event{Session: "s", Method: method, Params: json.RawMessage(params)})
			}
			b.rests()
		}
		l := b.load()
		if l.Omitted < 0 || l.Counts.Failed < 0 || b.j.now.open < 0 || b.j.now.open > len(b.j.under) {
			t.Errorf("got %d omitted, %d failed, %d open of %d", l.Omitted, l.Counts.Failed, b.j.now.open, len(b.j.under))
		}
		var byType int64
		for _, n := range l.Weight.Bytes {
			byType += n
		}
		if byType != l.Weight.First.Bytes+l.Weight.Third.Bytes {
			t.Errorf("got %d bytes by type, %d by party", byType, l.Weight.First.Bytes+l.Weight.Third.Bytes)
		}
	})
}
