package pushservice_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/channelwatch/channelwatch/internal/pushservice"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// newClient returns an HTTP client that leaves nothing running when the test ends.
func newClient(tb testing.TB) *http.Client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// bench is a service with one receiver, which has one sender.
type bench struct {
	*pushservice.Service

	t        *testing.T
	client   *http.Client
	vapid    *webpush.VAPID
	state    webpush.State
	endpoint *url.URL
	sub      *webpush.Subscription
	arrived  chan webpush.Message
	hangUp   func()
}

// loopback is an address of this process alone: no other program takes the port of a service that restarts.
func loopback() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
}

func start(t *testing.T, opts pushservice.Options) *bench {
	t.Helper()
	service, err := pushservice.Start(t.Context(), net.JoinHostPort(loopback(), "0"), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Errorf("closing the service: %v", err)
		}
	})
	vapid, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Service: service, t: t, client: newClient(t), vapid: vapid, arrived: make(chan webpush.Message, 200)}
	b.connect()
	return b
}

// connect lets the receiver connect and listen until hangUp or the end of the test.
func (b *bench) connect() {
	b.t.Helper()
	receiver, err := webpush.Dial(b.t.Context(), webpush.Options{URL: b.URL(), Client: b.client, Key: b.vapid.PublicKey(), State: b.state})
	if err != nil {
		b.t.Fatal(err)
	}
	b.state = receiver.State()
	if b.sub, err = receiver.Subscription(); err != nil {
		b.t.Fatal(err)
	}
	b.endpoint = b.sub.Endpoint()
	var listening sync.WaitGroup
	listening.Go(func() { _ = receiver.Listen(b.t.Context(), func(m webpush.Message) { b.arrived <- m }) })
	b.hangUp = sync.OnceFunc(func() {
		receiver.Close()
		listening.Wait()
	})
	b.t.Cleanup(b.hangUp)
}

// message returns a request that sends text.
func (b *bench) message(text string, header ...string) *http.Request {
	b.t.Helper()
	body, err := webpush.Encrypt(b.sub, []byte(text))
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	authorization, err := b.vapid.Authorization(b.endpoint, "mailto:push@example.com", time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header = http.Header{"Ttl": {"60"}, "Content-Encoding": {webpush.ContentEncoding}, "Authorization": {authorization}}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return request
}

// do sends a request and returns its answer.
func (b *bench) do(request *http.Request) (*http.Response, string) {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response, string(body)
}

// send sends text and wants the service to take it.
func (b *bench) send(text string, header ...string) {
	b.t.Helper()
	if response, body := b.do(b.message(text, header...)); response.StatusCode != http.StatusCreated {
		b.t.Fatalf("sending %q: status %d, %s, want 201", text, response.StatusCode, body)
	}
}

// next returns the next message that arrives.
func (b *bench) next() webpush.Message {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	select {
	case m := <-b.arrived:
		return m
	case <-ctx.Done():
		b.t.Fatalf("nothing arrived within %v", patience)
		return webpush.Message{}
	}
}

// want compares the messages that arrive next with texts. A last message that is sent for it proves that no more do.
func (b *bench) want(texts ...string) {
	b.t.Helper()
	const end = "the end"
	b.send(end)
	for _, want := range append(texts, end) {
		if got := b.next(); string(got.Plaintext) != want {
			b.t.Fatalf("%q, %v arrived, want %q", got.Plaintext, got.Err, want)
		}
	}
}

// eventually waits until check holds.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !check() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func TestService_Delivers(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	b.send("first")
	b.want("first")
	eventually(t, "two acknowledgements", func() bool { return b.Acks(100) == 2 })
	if n := b.Acks(101) + b.Acks(102); n != 0 {
		t.Errorf("%d messages were refused by the receiver, want none", n)
	}
	response, _ := b.do(b.message("second", "TTL", "9999999"))
	if got := response.Header.Get("TTL"); got != "2592000" || !strings.Contains(response.Header.Get("Location"), "/m/") {
		t.Errorf("TTL %s and location %q, want 30 days at most and the name of the message", got, response.Header.Get("Location"))
	}
}
