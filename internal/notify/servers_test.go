package notify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	user     = "channelwatch"
	password = `sup3r "secret" pass/word`
)

// mailServer is a real SMTP server that keeps what it is given.
type mailServer struct {
	addr   string
	caFile string

	mu     sync.Mutex
	mails  []sentMail
	logins int
	refuse func(stage, argument string) error // at "auth", "mail", "rcpt" or "data"; nil takes everything
}

// sentMail is a mail as it arrived.
type sentMail struct {
	from string
	to   []string
	data []byte
	tls  bool
}

// newMailServer starts a server on the loopback. With implicit, it speaks TLS from the first byte on; without plain, it offers STARTTLS.
func newMailServer(t *testing.T, security string) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{addr: listener.Addr().String()}
	server := smtp.NewServer(m)
	server.Domain = "mail.example.com"
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = log.New(io.Discard, "", 0)
	if security == "none" {
		server.AllowInsecureAuth = true // and so it must be the client that keeps the password to itself
	} else {
		var certificate tls.Certificate
		certificate, m.caFile = newCertificate(t)
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	if security == "implicit" {
		listener = tls.NewListener(listener, server.TLSConfig)
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("SMTP server: %v", err)
		}
	})
	t.Cleanup(func() {
		_ = server.Close()
		done.Wait()
	})
	return m
}

func (m *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: m, conn: c}, nil
}

func (m *mailServer) asked(stage, argument string) error {
	m.mu.Lock()
	refuse := m.refuse
	m.mu.Unlock()
	if refuse == nil {
		return nil
	}
	return refuse(stage, argument)
}

func (m *mailServer) refusing(how func(stage, argument string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = how
}

func (m *mailServer) received() []sentMail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	mail   sentMail
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, gotUser, gotPassword string) error {
		if err := s.server.asked("auth", gotPassword); err != nil {
			return err
		}
		if gotUser != user || gotPassword != password {
			return smtp.ErrAuthFailed
		}
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		s.server.logins++
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	_, s.mail.tls = s.conn.TLSConnectionState()
	return s.server.asked("mail", from)
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.server.asked("rcpt", to); err != nil {
		return err
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.server.asked("data", string(data)); err != nil {
		return err
	}
	s.mail.data = data
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

func (s *mailSession) Reset()        { s.mail = sentMail{} }
func (s *mailSession) Logout() error { return nil }

// hookServer is a real HTTP server that keeps what is posted to it.
type hookServer struct {
	url string

	mu     sync.Mutex
	posts  [][]byte
	header http.Header
	answer func(w http.ResponseWriter, r *http.Request) bool // false for the usual answer; nil for always
}

func newHookServer(t *testing.T) *hookServer {
	t.Helper()
	h := new(hookServer)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.url = server.URL + "/services/T0000/B0000/x0x0x0x0token?key=hush+hush"
	return h
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answer != nil && h.answer(w, r) {
		return
	}
	h.posts = append(h.posts, body)
	h.header = r.Header
	_, _ = io.WriteString(w, "ok")
}

func (h *hookServer) answering(how func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = how
}

func (h *hookServer) received() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.posts)
}

// secret keeps a text in a file.
func secret(t *testing.T, text string) probe.Secret {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return probe.Secret{File: name}
}

// newCertificate returns a certificate for the loopback and a file with the authority that signed it.
func newCertificate(t *testing.T) (certificate tls.Certificate, caFile string) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		template.SerialNumber = big.NewInt(time.Now().UnixNano())
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, caKey := sign(ca, nil, nil)
	der, key := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "mail"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca, caKey)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

// newContext is one that the test ends by itself: Run is to be stopped in an orderly way before the test's own context ends.
func newContext(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.WithoutCancel(t.Context()))
}
