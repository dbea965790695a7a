package pushservice_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/pushservice"
)

// faulty starts a service with a fault that can be changed.
func faulty(t *testing.T) (*bench, *atomic.Pointer[pushservice.Fault]) {
	t.Helper()
	fault := &atomic.Pointer[pushservice.Fault]{}
	fault.Store(&pushservice.Fault{})
	return start(t, pushservice.Options{Fault: func() pushservice.Fault { return *fault.Load() }}), fault
}

func TestFault_Drop(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Drop: true})
	for i := range 200 {
		b.send(strconv.Itoa(i))
	}
	fault.Store(&pushservice.Fault{})
	b.want()
}

func TestFault_Duplicate(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Duplicate: true})
	b.send("a")
	fault.Store(&pushservice.Fault{})
	b.want("a", "a")
}

func TestFault_Corrupt(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Corrupt: true})
	b.send("a")
	if m := b.next(); m.Err == nil {
		t.Errorf("%q arrived, want what cannot be decrypted", m.Plaintext)
	}
	eventually(t, "the receiver to refuse it", func() bool { return b.Acks(101) == 1 })
	fault.Store(&pushservice.Fault{})
	b.want()
}

// TestFault_Delay sends a message that is delivered later than the one behind it.
func TestFault_Delay(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	const delay = 2 * time.Second
	fault.Store(&pushservice.Fault{Delay: delay})
	start := time.Now()
	b.send("late")
	fault.Store(&pushservice.Fault{})
	b.send("prompt")
	for _, want := range []string{"prompt", "late"} {
		m := b.next()
		if string(m.Plaintext) != want {
			t.Errorf("%q arrived, want %q", m.Plaintext, want)
		}
		if after := m.At.Sub(start); want == "late" && after < delay {
			t.Errorf("it arrived after %v, want %v at least", after, delay)
		}
	}
}

// TestFault_DelayBeyondTheEnd closes a service with a message that it has not delivered yet.
func TestFault_DelayBeyondTheEnd(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Delay: time.Hour})
	b.send("never")
	if err := b.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	b.hangUp()
	if len(b.arrived) > 0 {
		t.Error("a message arrived when the service was closed, want none")
	}
}

func TestFault_Hold(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Hold: time.Hour})
	request := b.message("unanswered")
	answered := make(chan error, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		response, err := client.Do(request)
		if err == nil {
			err = errors.New(response.Status)
			_ = response.Body.Close()
		}
		answered <- err
	}()
	if got := b.next(); string(got.Plaintext) != "unanswered" {
		t.Errorf("%q arrived, want the message whose sender waits for an answer", got.Plaintext)
	}
	select {
	case err := <-answered:
		t.Errorf("got %v, want no answer yet", err)
	default:
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the sender got neither an answer nor an error")
	}
}

func TestFault_Status(t *testing.T) {
	t.Parallel()
	b, fault := faulty(t)
	fault.Store(&pushservice.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}})
	response, body := b.do(b.message("a"))
	if response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "7" || !strings.Contains(body, `"code":429`) {
		t.Errorf("status %d, %v, %s, want 429 with what the fault says", response.StatusCode, response.Header, body)
	}
	fault.Store(&pushservice.Fault{Status: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<h1>"})
	response, body = b.do(b.message("a"))
	if response.StatusCode != http.StatusBadGateway || response.Header.Get("Content-Type") != "text/html" || body != "<h1>" {
		t.Errorf("status %d, %v, %s, want 502 with what the fault says", response.StatusCode, response.Header, body)
	}
	fault.Store(&pushservice.Fault{})
	b.want()
}

func TestOptions_Seen(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	b := start(t, pushservice.Options{Seen: func(header http.Header, status int) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, header.Get("Topic")+" "+strconv.Itoa(status))
	}})
	b.send("a", "Topic", "news")
	b.do(b.message("a", "Topic", "news", "TTL", "soon"))
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"news 201", "news 400"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
}

func TestService_Refuses(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	foreign := start(t, pushservice.Options{})
	authorization := func(b *bench, endpoint, subject string, now time.Time) string {
		u, err := url.Parse(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		value, err := b.vapid.Authorization(u, subject, now)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	const subject = "mailto:push@example.com"
	ours, now := b.endpoint.String(), time.Now()
	good := authorization(b, ours, subject, now)
	token, _, _ := strings.Cut(good, ",")
	for _, tc := range []struct {
		name, field, value string
		status             int
		body               string
	}{
		{"no TTL", "TTL", "", 400, "TTL: want a number of seconds"},
		{"a TTL below 0", "TTL", "-1", 400, "TTL: want a number of seconds"},
		{"a topic that is too long", "Topic", strings.Repeat("a", 33), 400, "Topic: want 1 to 32"},
		{"a topic of other characters", "Topic", "a.b", 400, "Topic: want 1 to 32"},
		{"an unknown urgency", "Urgency", "urgent", 400, "Urgency: want very-low"},
		{"another encoding", "Content-Encoding", "aesgcm", 400, "Content-Encoding: want aes128gcm"},
		{"no signature", "Authorization", "", 401, "no vapid authorization"},
		{"another scheme", "Authorization", "Bearer " + good, 401, "no vapid authorization"},
		{"no token", "Authorization", "vapid k=" + b.vapid.PublicKey(), 401, "the signature does not fit the key"},
		{"no key", "Authorization", token, 401, "the signature does not fit the key"},
		{"no point as the key", "Authorization", token + ", k=AAAA", 401, "the signature does not fit the key"},
		{"another's key on our token", "Authorization", token + ", k=" + foreign.vapid.PublicKey(), 401, "the signature does not fit the key"},
		{"expired", "Authorization", authorization(b, ours, subject, now.Add(-12*time.Hour)), 401, "exp is over"},
		{"valid for too long", "Authorization", authorization(b, ours, subject, now.Add(14*time.Hour)), 401, "exp is more than 24 hours ahead"},
		{"another audience", "Authorization", authorization(b, foreign.endpoint.String(), subject, now), 401, "aud is another service"},
		{"no subject", "Authorization", authorization(b, ours, "", now), 401, "no sub"},
		{"somebody else", "Authorization", authorization(foreign, ours, subject, now), 403, "the subscription is for another key"},
	} {
		request := b.message("a")
		request.Header.Set(tc.field, tc.value)
		if tc.value == "" {
			request.Header.Del(tc.field)
		}
		response, body := b.do(request)
		if response.StatusCode != tc.status || !strings.Contains(body, tc.body) || !strings.Contains(body, `"code":`+strconv.Itoa(tc.status)) {
			t.Errorf("%s: status %d, %s, want %d and %q", tc.name, response.StatusCode, body, tc.status, tc.body)
		}
	}
	b.want()
}

func TestService_RefusesElsewhere(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	path := b.endpoint.Path
	for _, tc := range []struct {
		name, method, path string
		size               int
		status             int
	}{
		{"largest body", http.MethodPost, path, 4096, 201},
		{"larger body", http.MethodPost, path, 4097, 413},
		{"another method", http.MethodPut, path, 0, 405},
		{"no such subscription", http.MethodPost, "/wpush/v2/a", 0, 404},
		{"no endpoint", http.MethodPost, "/a", 0, 404},
		{"no WebSocket", http.MethodGet, "/", 0, 426},
	} {
		request := b.message("")
		request.Method, request.URL = tc.method, b.endpoint.ResolveReference(&url.URL{Path: tc.path})
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("a", tc.size))), int64(tc.size)
		if response, body := b.do(request); response.StatusCode != tc.status {
			t.Errorf("%s: status %d, %s, want %d", tc.name, response.StatusCode, body, tc.status)
		}
	}
	if m := b.next(); m.Err == nil {
		t.Errorf("%q arrived, want what nobody encrypted", m.Plaintext)
	}
	bare := b.message("")
	bare.Body, bare.ContentLength = http.NoBody, 0
	bare.Header.Del("Content-Encoding")
	if response, body := b.do(bare); response.StatusCode != http.StatusCreated {
		t.Errorf("a message without content: status %d, %s, want 201", response.StatusCode, body)
	}
	b.want("")
}
