package pushservice_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/channelwatch/channelwatch/internal/pushservice"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

// talk connects to a service and says texts; it returns what the service says to the last one, and then whether it ends.
func talk(t *testing.T, url string, texts ...string) (answer string, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: newClient(t), Subprotocols: []string{"push-notification"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != "push-notification" {
		t.Errorf("the protocol is %q, want what Firefox asks for", conn.Subprotocol())
	}
	for _, text := range texts {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return answer, true
		}
		_, data, err := conn.Read(ctx)
		if err != nil {
			return answer, true
		}
		answer = string(data)
	}
	return answer, false
}

func TestSocket_Conversation(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	const hello = `{"messageType": "hello", "use_webpush": true, "broadcasts": {}}`
	const status = `"status":200`
	for _, tc := range []struct {
		name  string
		texts []string
		want  string // a part of the last answer
		ends  bool
	}{
		{"hello", []string{hello}, status, false},
		{"a name that nobody has", []string{strings.Replace(hello, `{`, `{"uaid": "nobody",`, 1)}, status, false},
		{"no hello", []string{`{"messageType": "register", "channelID": "a"}`}, "", true},
		{"no JSON", []string{"hello"}, "", true},
		{"no JSON after hello", []string{hello, "hello"}, status, true},
		{"a ping", []string{hello, "{}"}, "{}", false},
		{"pings too often", []string{hello, "{}", "{}"}, "{}", true},
		{"register", []string{hello, `{"messageType": "register", "channelID": "a"}`}, `"pushEndpoint":"http://127.`, false},
		{"unregister", []string{hello, `{"messageType": "unregister", "channelID": "a"}`}, `"channelID":"a"`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			answer, ended := talk(t, b.URL(), tc.texts...)
			if !strings.Contains(answer, tc.want) || ended != tc.ends {
				t.Errorf("%s, ended %v, want %s, ended %v", answer, ended, tc.want, tc.ends)
			}
		})
	}
}

func TestSocket_RefusesOnDemand(t *testing.T) {
	t.Parallel()
	for act, want := range map[string]string{
		"hello":    "hello to the push service: status 503, want 200",
		"register": "register to the push service: status 500, want 200",
	} {
		service, err := pushservice.Start(t.Context(), "127.0.0.1:0", pushservice.Options{Refuse: func(asked string) int {
			return map[bool]int{true: map[string]int{"hello": 503, "register": 500}[act]}[asked == act]
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := webpush.Dial(t.Context(), webpush.Options{URL: service.URL(), Client: newClient(t)}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", act, err, want)
		}
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestService_KeepsWhatHasATTL(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	b.hangUp()
	b.awaitAway()
	b.send("at once or never", "TTL", "0")
	b.send("kept")
	b.send("older news", "Topic", "news")
	b.send("other", "Topic", "other")
	b.send("news", "Topic", "news")
	b.connect()
	b.want("kept", "other", "news")
	b.hangUp()
	b.connect()
	b.want() // what was acknowledged does not come again
}

// awaitAway waits until the service knows that the receiver is away: it takes messages without a TTL then, and they are gone.
func (b *bench) awaitAway() {
	b.t.Helper()
	eventually(b.t, "the service to see that the receiver is away", func() bool { return b.Receivers() == 0 })
}

func TestService_ForgetsWhoHasTooMany(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	b.hangUp()
	b.awaitAway()
	before := b.state
	for i := range 151 {
		b.send(strconv.Itoa(i))
	}
	if response, body := b.do(b.message("one more")); response.StatusCode != http.StatusGone {
		t.Errorf("status %d, %s, want 410", response.StatusCode, body)
	}
	b.connect()
	if b.state.Secrets()[0] == before.Secrets()[0] {
		t.Error("the receiver has the name of before, want another")
	}
	b.want()
}

func TestService_DisconnectAndReset(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	before := b.state
	b.Disconnect()
	b.awaitAway()
	b.connect()
	if b.state != before {
		t.Error("another subscription after a connection that was cut, want the same")
	}
	b.want()
	old := b.endpoint
	b.Reset()
	request := b.message("to nobody")
	if response, _ := b.do(request); response.StatusCode != http.StatusGone {
		t.Errorf("status %d for a subscription that was forgotten, want 410", response.StatusCode)
	}
	b.connect()
	if b.state == before || b.endpoint.String() == old.String() {
		t.Error("the subscription of before after the service forgot it, want another")
	}
	b.want()
}

func TestService_Unregister(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	secrets := b.state.Secrets()
	b.hangUp()
	answer, ended := talk(t, b.URL(), fmt.Sprintf(`{"messageType": "hello", "uaid": %q}`, secrets[0]),
		fmt.Sprintf(`{"messageType": "unregister", "channelID": %q}`, secrets[1]))
	if ended || !strings.Contains(answer, `"messageType":"unregister"`) {
		t.Fatalf("%s, ended %v", answer, ended)
	}
	if response, _ := b.do(b.message("to nobody")); response.StatusCode != http.StatusGone {
		t.Errorf("status %d, want 410", response.StatusCode)
	}
}

// TestService_OneConnectionEach connects a receiver again while it is connected, as after a network that went away.
func TestService_OneConnectionEach(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	first := b.hangUp
	b.connect()
	first() // waits until listening on the first connection has ended, which only the service does
	if n := b.Receivers(); n != 1 {
		t.Errorf("%d receivers, want one", n)
	}
	b.want()
}

func TestService_Restart(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	before, address := b.state, strings.Trim(strings.TrimPrefix(b.URL(), "ws:"), "/")
	b.hangUp()
	b.awaitAway()
	b.send("kept")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	b.client.CloseIdleConnections()
	again, err := pushservice.Start(t.Context(), address, pushservice.Options{From: b.Service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	b.Service = again
	b.connect()
	if b.state != before {
		t.Error("another subscription after a restart, want the same")
	}
	b.want("kept")
}

func TestStart_AddressInUse(t *testing.T) {
	t.Parallel()
	b := start(t, pushservice.Options{})
	address := strings.Trim(strings.TrimPrefix(b.URL(), "ws:"), "/")
	if _, err := pushservice.Start(t.Context(), address, pushservice.Options{}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, want the address to be taken", err)
	}
}

func TestService_AfterItsEnd(t *testing.T) {
	t.Parallel()
	service := pushservice.New(pushservice.Options{})
	if err := service.Close(); err != nil {
		t.Error(err)
	}
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/wpush/v2/a", nil))
	if answer.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", answer.Code)
	}
}

// TestService_ByTLS serves by somebody else's server, and wants signatures of everybody.
func TestService_ByTLS(t *testing.T) {
	t.Parallel()
	service := pushservice.New(pushservice.Options{RequireVAPID: true})
	server := httptest.NewTLSServer(service)
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: patience}
	receiver, err := webpush.Dial(t.Context(), webpush.Options{URL: "wss" + strings.TrimPrefix(server.URL, "https") + "/", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sub, err := receiver.Subscription()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(sub.Endpoint().String(), server.URL+"/wpush/") {
		t.Errorf("endpoint %s, want one below %s", sub.Endpoint(), server.URL)
	}
	vapid, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := vapid.Authorization(sub.Endpoint(), "mailto:push@example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for authorization, want := range map[string]int{"": http.StatusUnauthorized, signed: http.StatusCreated} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sub.Endpoint().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Ttl": {"0"}, "Authorization": {authorization}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("status %d for a message with the authorization %q, want %d", response.StatusCode, authorization, want)
		}
	}
}
