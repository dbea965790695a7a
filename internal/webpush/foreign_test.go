package webpush_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/pushservice"
	"github.com/channelwatch/channelwatch/internal/webpush"
)

// foreign returns a command that runs a script with somebody else's implementation of Web Push.
func foreign(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	dir := filepath.Join("..", "tools", "push")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "web-push-testing")); err != nil {
		t.Fatalf("%v; run npm ci --prefix internal/tools/push", err)
	}
	command := exec.CommandContext(t.Context(), "node", script)
	command.Dir = dir
	return command
}

// payloads returns messages of many sizes and kinds.
func payloads() []string {
	all := []string{"a", "äöü 🦊", `{"channelwatch_receipt": "https://example.com/v1/receipts/a"}`, strings.Repeat("x", webpush.MaxPlaintext)}
	for size := 2; size < 2000; size = size*2 + 1 {
		all = append(all, strings.Repeat("y", size))
	}
	return all
}

// TestForeign_SenderToOurReceiver lets npm's web-push send to a receiver of ours.
func TestForeign_SenderToOurReceiver(t *testing.T) {
	t.Parallel()
	service := pushservice.New(pushservice.Options{RequireVAPID: true})
	server := httptest.NewTLSServer(service)
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	receiver, err := webpush.Dial(t.Context(), webpush.Options{
		URL: "wss" + strings.TrimPrefix(server.URL, "https") + "/", Client: server.Client(), Key: rfcPublic,
	})
	if err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	arrived := make(chan webpush.Message, 100)
	listening.Go(func() { _ = receiver.Listen(t.Context(), func(m webpush.Message) { arrived <- m }) })
	defer listening.Wait()
	defer receiver.Close()
	sub, err := receiver.Subscription()
	if err != nil {
		t.Fatal(err)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{
		"subscription": json.RawMessage(sub.JSON()), "payloads": payloads(),
		"vapid": map[string]string{"subject": "mailto:push@example.com", "publicKey": rfcPublic, "privateKey": rfcPrivate},
	})
	if err != nil {
		t.Fatal(err)
	}
	command := foreign(t, "send.mjs")
	command.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority)
	command.Stdin, command.Stderr = bytes.NewReader(input), t.Output()
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat(",201", len(payloads()))[1:]; strings.TrimSpace(string(output)) != "["+want+"]" {
		t.Errorf("statuses %s, want [%s]", output, want)
	}
	for _, want := range payloads() {
		select {
		case m := <-arrived:
			if string(m.Plaintext) != want {
				t.Errorf("%d bytes arrived, %v, want %d", len(m.Plaintext), m.Err, len(want))
			}
		case <-time.After(patience):
			t.Fatalf("waited %v for a message of %d bytes", patience, len(want))
		}
	}
}

// theirs is the push service of npm's web-push-testing.
type theirs struct {
	t      *testing.T
	url    string
	client *http.Client
}

func startTheirs(t *testing.T) *theirs {
	t.Helper()
	command := foreign(t, "service.mjs")
	command.Stderr = t.Output()
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(output).ReadString('\n')
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait() // it is killed when the test ends first
	})
	if err != nil {
		t.Fatalf("the service says nothing: %v", err)
	}
	return &theirs{t: t, url: strings.TrimSpace(url), client: newHTTPClient(t)}
}

// post returns the answer to a request.
func (s *theirs) post(url, kind string, header http.Header, body []byte) (int, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Content-Type", kind)
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, data
}

// subscribe returns a subscription for the sender with a key, and its name at the service.
func (s *theirs) subscribe(key string) (*webpush.Subscription, string) {
	s.t.Helper()
	status, data := s.post(s.url+"/subscribe", "application/json", nil,
		fmt.Appendf(nil, `{"userVisibleOnly": "true", "applicationServerKey": %q}`, key))
	var answer struct {
		Data json.RawMessage
	}
	if err := json.Unmarshal(data, &answer); err != nil || status != http.StatusOK {
		s.t.Fatalf("status %d, %s, %v", status, data, err)
	}
	var named struct{ ClientHash string }
	if err := json.Unmarshal(answer.Data, &named); err != nil {
		s.t.Fatal(err)
	}
	sub, err := webpush.ParseSubscription(answer.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	return sub, named.ClientHash
}

// messages returns what the service has decrypted for a subscription.
func (s *theirs) messages(name string) []string {
	s.t.Helper()
	_, data := s.post(s.url+"/get-notifications", "application/json", nil, fmt.Appendf(nil, `{"clientHash": %q}`, name))
	var answer struct{ Data struct{ Messages []string } }
	if err := json.Unmarshal(data, &answer); err != nil {
		s.t.Fatal(err)
	}
	return answer.Data.Messages
}

// send sends a body signed by vapid at now and returns the status.
func (s *theirs) send(sub *webpush.Subscription, vapid *webpush.VAPID, now time.Time, body []byte) int {
	s.t.Helper()
	authorization, err := vapid.Authorization(sub.Endpoint(), "mailto:push@example.com", now)
	if err != nil {
		s.t.Fatal(err)
	}
	status, _ := s.post(sub.Endpoint().String(), "application/octet-stream",
		http.Header{"Ttl": {"60"}, "Content-Encoding": {webpush.ContentEncoding}, "Authorization": {authorization}}, body)
	return status
}

// TestForeign_OurSenderToTheirService lets npm's web-push-testing decrypt what we send, and refuse what it must not take.
func TestForeign_OurSenderToTheirService(t *testing.T) {
	t.Parallel()
	service, vapid := startTheirs(t), aVAPID(t)
	sub, name := service.subscribe(vapid.PublicKey())
	encrypt := func(text string) []byte {
		body, err := webpush.Encrypt(sub, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	now := time.Now()
	for _, text := range payloads() {
		if status := service.send(sub, vapid, now, encrypt(text)); status != http.StatusCreated {
			t.Errorf("%d bytes: status %d, want 201", len(text), status)
		}
	}
	garbled := encrypt("garbled")
	garbled[len(garbled)-1] ^= 1
	if status := service.send(sub, vapid, now, garbled); status != http.StatusBadRequest {
		t.Errorf("a garbled message: status %d, want 400", status)
	}
	if status := service.send(sub, vapid, now.Add(-12*time.Hour), encrypt("expired")); status != http.StatusBadRequest {
		t.Errorf("a signature that has expired: status %d, want 400", status)
	}
	other, err := webpush.NewVAPID()
	if err != nil {
		t.Fatal(err)
	}
	if status := service.send(sub, other, now, encrypt("foreign")); status != http.StatusBadRequest {
		t.Errorf("somebody else's signature: status %d, want 400", status)
	}
	if got := service.messages(name); !slices.Equal(got, payloads()) {
		t.Errorf("the service decrypted %d messages, want the %d that were sent", len(got), len(payloads()))
	}
	service.post(service.url+"/expire-subscription/"+name, "application/json", nil, nil)
	if status := service.send(sub, vapid, now, encrypt("gone")); status != http.StatusGone {
		t.Errorf("a subscription that has ended: status %d, want 410", status)
	}
}
