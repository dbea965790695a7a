package fcm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	project     = "shop-1a2b"
	email       = "push@shop-1a2b.iam.gserviceaccount.com"
	keyID       = "0123456789abcdef"
	deviceToken = "dPlanted0InstanceId123:APA91bPlantedProofOfTheDevice-0123456789_abcdefghijklmnopqrstuvwxyz"
)

// privateKey returns the key of the service account and its PEM. Making one takes long enough to make it once.
var privateKey = sync.OnceValues(func() (*rsa.PrivateKey, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// standin is Google's token endpoint and the HTTP v1 API of FCM in one server, as far as they are documented. It checks
// everything that a sender must do and fails the test where it does not.
type standin struct {
	tb     testing.TB
	url    string // without a slash at its end
	plain  string // the same without TLS, over HTTP/1.1
	caFile string

	audience string // of assertions

	mu         sync.Mutex
	onToken    http.HandlerFunc     // instead of a token, once the assertion was checked
	onSend     http.HandlerFunc     // instead of acceptance, once the message was checked
	onMessage  func(receipt string) // what the device does with a message that was accepted
	lifetime   any                  // expires_in of tokens; nil: left out
	validate   bool                 // dry runs are wanted
	want       map[string]any       // of "android" in messages
	issued     []string             // access tokens
	assertions []string
	receipts   []string // of messages
	sent       int      // requests for messages
}

func newStandin(tb testing.TB) *standin {
	tb.Helper()
	s := &standin{
		tb: tb, lifetime: 3599, validate: true,
		want: map[string]any{"priority": "NORMAL", "ttl": "24s"},
	}
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that hang up on purpose
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	tb.Cleanup(server.Close)
	open := httptest.NewServer(s)
	tb.Cleanup(open.Close)
	s.url, s.plain, s.audience = server.URL, open.URL, server.URL+"/token"
	s.caFile = writeFile(tb, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return s
}

// writeFile returns the name of a file that only its owner can read.
func writeFile(tb testing.TB, name, content string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

// credentials returns the content of the service account's key file; change may edit it.
func credentials(tokenURI string, change func(map[string]any)) string {
	_, key := privateKey()
	account := map[string]any{
		"type": "service_account", "project_id": project, "private_key_id": keyID, "private_key": key,
		"client_email": email, "client_id": "1234567890", "token_uri": tokenURI,
	}
	if change != nil {
		change(account)
	}
	data, err := json.Marshal(account)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// set changes what the stand-in does while it runs.
func (s *standin) set(change func(*standin)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// counts returns how many messages were asked to be sent and how many tokens were asked for.
func (s *standin) counts() (sent, assertions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent, len(s.assertions)
}

// secrets returns everything that no result may show.
func (s *standin) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, key := privateKey()
	_, proof, _ := strings.Cut(deviceToken, ":")
	secrets := append([]string{deviceToken, proof, strings.Split(key, "\n")[1]}, s.issued...)
	for _, assertion := range s.assertions {
		secrets = append(secrets, assertion, assertion[strings.LastIndexByte(assertion, '.')+1:])
	}
	for _, receipt := range s.receipts {
		secrets = append(secrets, receipt[strings.LastIndexByte(receipt, '/')+1:])
	}
	return secrets
}

func (s *standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.tb.Errorf("reading a request: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if agent := r.UserAgent(); !strings.HasPrefix(agent, "Channelwatch/") {
		s.tb.Errorf("asked by %q, want the agent's own name", agent)
	}
	switch r.URL.Path {
	case "/token":
		s.token(w, r)
	case "/v1/projects/" + project + "/messages:send":
		s.message(w, r, body)
	default:
		s.tb.Errorf("asked for %s, want the token endpoint or the messages of the project", r.URL.Path)
		http.NotFound(w, r)
	}
}

// token grants an access token for a good assertion (RFC 7523).
func (s *standin) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		s.tb.Errorf("%s with the form %v: %v, want a grant by an assertion", r.Method, r.PostForm, err)
	}
	assertion := r.PostForm.Get("assertion")
	if err := s.checkAssertion(assertion); err != nil {
		s.tb.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.assertions = append(s.assertions, assertion)
	if s.onToken != nil {
		s.onToken(w, r)
		return
	}
	granted := map[string]any{"access_token": "ya29.planted-" + rand.Text(), "token_type": "Bearer"}
	if s.lifetime != nil {
		granted["expires_in"] = s.lifetime
	}
	s.issued = append(s.issued, granted["access_token"].(string))
	reply(w, http.StatusOK, granted)
}

// checkAssertion verifies signature and claims as Google documents them for service accounts.
func (s *standin) checkAssertion(assertion string) error {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return fmt.Errorf("the assertion has %d parts, want 3", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return fmt.Errorf("part %d of the assertion: %w", i, err)
		}
	}
	key, _ := privateKey()
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], decoded[2]); err != nil {
		return fmt.Errorf("signature of the assertion: %w", err)
	}
	var header struct{ Alg, Typ, Kid string }
	if err := json.Unmarshal(decoded[0], &header); err != nil || header.Alg != "RS256" || header.Typ != "JWT" || header.Kid != keyID {
		return fmt.Errorf("header of the assertion is %s (%w), want RS256, JWT and the id of the key", decoded[0], err)
	}
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	if err := json.Unmarshal(decoded[1], &claims); err != nil {
		return fmt.Errorf("claims of the assertion: %w", err)
	}
	now := time.Now().Unix()
	if claims.Iss != email || claims.Scope != "https://www.googleapis.com/auth/firebase.messaging" || claims.Aud != s.audience ||
		claims.Iat > now || claims.Iat < now-60 || claims.Exp <= now || claims.Exp-claims.Iat > 3600 {
		return fmt.Errorf("claims of the assertion are %s, want issuer, scope and audience, and an hour at most", decoded[1])
	}
	return nil
}

// message takes a message of the documented shape.
func (s *standin) message(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !slices.Contains(s.issued, bearer) {
		s.tb.Errorf("a message came without an access token of ours")
	}
	if got := r.Header.Get("Content-Type"); r.Method != http.MethodPost || got != "application/json" || r.URL.RawQuery != "" {
		s.tb.Errorf("%s of %q with the query %q, want JSON by POST", r.Method, got, r.URL.RawQuery)
	}
	receipt := s.checkMessage(body)
	if s.onSend != nil {
		s.onSend(w, r)
	} else {
		name := "fake_message_id"
		if !s.validate {
			name = "0:1700000000000000%" + rand.Text()[:16]
		}
		reply(w, http.StatusOK, map[string]any{"name": "projects/" + project + "/messages/" + name})
	}
	if s.onMessage != nil {
		s.onMessage(receipt)
	}
}

// checkMessage compares a message with what it has to be and returns its receipt.
func (s *standin) checkMessage(body []byte) string {
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		s.tb.Errorf("a message is no JSON: %v", err)
	}
	message := map[string]any{"token": deviceToken, "android": s.want}
	want := map[string]any{"message": message}
	receipt := ""
	if s.validate {
		want["validate_only"] = true
	} else {
		receipt = receiptOf(got)
		if id, ok := strings.CutPrefix(receipt, "https://agent.example.com/v1/receipts/"); !ok || len(id) < 22 {
			s.tb.Errorf("the receipt is %q, want it below the public URL, with an id of 128 bits", receipt)
		}
		message["data"] = map[string]any{"channelwatch_receipt": receipt}
		s.receipts = append(s.receipts, receipt)
	}
	if g, w := marshal(got), marshal(want); g != w {
		s.tb.Errorf("the message is\n%s, want\n%s", g, w)
	}
	return receipt
}

func receiptOf(message map[string]any) string {
	inner, _ := message["message"].(map[string]any)
	data, _ := inner["data"].(map[string]any)
	receipt, _ := data["channelwatch_receipt"].(string)
	return receipt
}

func marshal(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, marshal(body))
}

// answer returns a handler that sends one answer.
func answer(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}
