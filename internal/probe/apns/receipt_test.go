package apns_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/probe/apns"
	"github.com/channelwatch/channelwatch/internal/push"
)

// listen takes in receipts as an agent does, and returns the address that is written into messages.
func (a *apple) listen(t *testing.T) string {
	t.Helper()
	server, err := ledger.NewServer(ledger.Options{Ledger: a.receipts})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Stop(stopping); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	return "http://" + listener.Addr().String()
}

// TestProbe_TheDevicePostsItsReceipt goes the whole way: the device posts to the address in the message, as an app does.
func TestProbe_TheDevicePostsItsReceipt(t *testing.T) {
	a := newApple(t)
	device := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	post := func(url string) {
		response, err := device.Post(url, "", nil)
		if err != nil {
			t.Errorf("posting the receipt: %v", err)
			return
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			t.Errorf("the receipt is answered with %d, want 204", response.StatusCode)
		}
	}
	setup := setup()
	setup.Receipts = a.listen(t)
	prober := func(window time.Duration) probe.Prober {
		built, err := apns.Kind(a.receipts).Build(a.config(t, func(c *apns.Config) { c.Window = window }), setup)
		if err != nil {
			t.Fatal(err)
		}
		return built.Prober
	}
	a.set(func(a *apple) { a.deliver = post })
	r := take(t, prober(0))
	want(t, &r, "", "delivered")

	// Somebody else's receipt confirms nothing.
	a.set(func(a *apple) {
		a.deliver = func(url string) { post(url[:strings.LastIndexByte(url, '/')] + "/GUESSED") }
	})
	r = take(t, prober(2*time.Second))
	want(t, &r, push.Lost, "lost")
}

// A message that a device confirms once more arrived twice, which the next result says.
func TestProbe_TheDeviceConfirmsTwice(t *testing.T) {
	a := newApple(t)
	var ids []string
	a.set(func(a *apple) {
		a.deliver = func(id string) { ids = append(ids, id); a.receipts.Confirm(id, time.Now()) }
	})
	p := a.build(t, nil).Prober
	r := take(t, p)
	want(t, &r, "", "delivered")
	a.receipts.Confirm(ids[0], time.Now())
	r = take(t, p)
	want(t, &r, "", "delivered", push.Duplicated)
	if got := value(&r, "push_duplicates_total"); got != 1 {
		t.Errorf("got %v duplicates, want 1", got)
	}
	r = take(t, p)
	want(t, &r, "", "delivered")
}

// A device that is gone for Apple is asked for again when the file of its token is written again.
func TestProbe_TheTokenIsWrittenAgain(t *testing.T) {
	a := newApple(t)
	var file string
	p := a.build(t, func(c *apns.Config) { file = c.DeviceTokenFile }).Prober
	a.answers(http.StatusGone, `{"reason":"Unregistered"}`)
	r := take(t, p)
	want(t, &r, push.Gone, "rejected")
	a.set(func(a *apple) { a.answer = nil })
	if r = take(t, p); value(&r, "push_skipped_total") != 1 {
		t.Fatalf("got %v, want the message withheld", r.Measurements)
	}
	again := time.Now().Add(time.Hour).Truncate(time.Second)
	if err := os.Chtimes(file, again, again); err != nil {
		t.Fatal(err)
	}
	r = take(t, p)
	want(t, &r, "", "delivered")
	if got := value(&r, "push_target_refreshed_timestamp_seconds"); got != float64(again.Unix()) {
		t.Errorf("refreshed at %v, want %d", got, again.Unix())
	}
}
