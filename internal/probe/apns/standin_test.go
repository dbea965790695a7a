package apns_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/ledger"
)

// What the stand-in knows of the account.
const (
	keyID     = "KEY4567890"
	teamID    = "TEAM567890"
	topic     = "com.example.shop"
	device    = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
	receiptTo = "https://receipts.example.com/v1/receipts/"
)

// apple is a stand-in for Apple's service and for the device behind it, over real TLS and HTTP/2. It checks what Apple
// checks, and takes a message when nothing is wrong with it; the device confirms it at once.
type apple struct {
	url      string
	caFile   string
	key      *ecdsa.PrivateKey // the team's
	receipts *ledger.Ledger

	mu      sync.Mutex
	answer  func(http.ResponseWriter, *http.Request) // in place of taking a good message; nil: take it
	deliver func(receipt string)                     // what the device does; nil: confirms
	talk    func(*tls.Conn)                          // with whoever connects, in place of HTTP; nil: HTTP
	mute    bool                                     // takes connections and says nothing, not even in TLS
	latest  issued                                   // provider token
	tokens  map[string]bool                          // provider tokens seen
	got     []notification
}

// notification is what reached the stand-in.
type notification struct {
	header  http.Header
	path    string
	at      time.Time
	body    []byte
	receipt string // id; empty for none
	refused string // reason; empty for none
}

// newApple starts a stand-in that serves until the test ends.
func newApple(tb testing.TB) *apple {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	a := &apple{key: key, receipts: ledger.New(), tokens: make(map[string]bool)}
	server := httptest.NewUnstartedServer(a)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // probes that give up are part of the tests
	door := &door{Listener: server.Listener, apple: a}
	server.Listener = door
	server.StartTLS()
	door.certificates = server.TLS.Certificates
	a.url = server.URL
	a.caFile = filepath.Join(tb.TempDir(), "ca.pem")
	writeFile(tb, a.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	tb.Cleanup(func() {
		server.Close()
		door.serving.Wait()
	})
	return a
}

// door lets a talk take connections in place of the server.
type door struct {
	net.Listener

	apple        *apple
	certificates []tls.Certificate
	serving      sync.WaitGroup
}

// Accept returns a connection for the server.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		d.apple.mu.Lock()
		talk, mute := d.apple.talk, d.apple.mute
		d.apple.mu.Unlock()
		if err != nil || talk == nil && !mute {
			return conn, err
		}
		d.serving.Go(func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			if mute {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			secured := tls.Server(conn, &tls.Config{Certificates: d.certificates, NextProtos: []string{"h2"}})
			if secured.Handshake() == nil {
				talk(secured)
			}
		})
	}
}

// set changes what the stand-in does.
func (a *apple) set(change func(*apple)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// answers makes the stand-in refuse good messages.
func (a *apple) answers(status int, body string, header ...string) {
	a.set(func(a *apple) {
		a.answer = func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	})
}

// messages returns what reached the stand-in so far.
func (a *apple) messages() []notification {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]notification(nil), a.got...)
}

// ServeHTTP takes one notification request.
func (a *apple) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	n := notification{header: r.Header.Clone(), path: r.URL.Path, at: time.Now(), body: body}
	n.receipt = receiptIn(body)
	a.mu.Lock()
	status, reason := a.check(r, body, n.at)
	n.refused = reason
	a.got = append(a.got, n)
	answer, deliver := a.answer, a.deliver
	a.mu.Unlock()

	w.Header().Set("Apns-Id", r.Header.Get("Apns-Id"))
	switch {
	case reason != "":
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"reason": reason})
		return
	case answer != nil:
		answer(w, r)
		return
	case n.receipt == "":
	case deliver != nil:
		deliver(n.receipt)
	default:
		a.receipts.Confirm(n.receipt, time.Now())
	}
	w.WriteHeader(http.StatusOK)
}

// receiptIn returns the id of the receipt that a device is asked for.
func receiptIn(body []byte) string {
	var payload struct {
		Receipt string `json:"channelwatch_receipt"`
	}
	_ = json.Unmarshal(body, &payload)
	id, _ := strings.CutPrefix(payload.Receipt, receiptTo)
	return id
}

// keyFile writes the team's key as it is downloaded.
func (a *apple) keyFile(tb testing.TB) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "AuthKey_"+keyID+".p8")
	writeFile(tb, name, pkcs8(tb, a.key))
	return name
}

func pkcs8(tb testing.TB, key any) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func writeFile(tb testing.TB, name string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}
