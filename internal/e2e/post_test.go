package e2e_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// post receives what the agent's own notifier sends: mails by SMTP, and webhooks.
type post struct {
	smarthost string // address of the mail server
	hook      string // URL of the webhook

	mu    sync.Mutex
	mails []told // in the order of their arrival
	hooks []told
}

// told is a message about the beginning or the end of an incident.
type told struct {
	Incident string   `json:"id"`
	Status   string   `json:"status"` // opened or ended
	Channel  string   `json:"channel"`
	Headline string   `json:"headline"` // of webhooks only, like what follows
	IT       string   `json:"it"`
	To       []string // of mails only
}

func newPost(t *testing.T) *post {
	t.Helper()
	p := &post{}
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Incident told }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("message of the agent: %v", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hooks = append(p.hooks, body.Incident)
	}))
	t.Cleanup(hook.Close)
	p.hook = hook.URL

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.smarthost = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{t: t, post: p}, nil }))
	server.Domain = "mail.example"
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it returns when it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return p
}

// session is one connection to the mail server.
type session struct {
	t    *testing.T
	post *post
	to   []string
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Reset()                               { s.to = nil }
func (s *session) Logout() error                        { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// messageID tells which message of which incident a mail is.
var messageID = regexp.MustCompile(`^<channelwatch\.([0-9a-f]+)\.(opened|ended)@shop\.example>$`)

func (s *session) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		s.t.Errorf("mail: %v", err)
		return err
	}
	id := messageID.FindStringSubmatch(message.Header.Get("Message-Id"))
	if id == nil {
		s.t.Errorf("a mail has the identifier %q", message.Header.Get("Message-Id"))
		return smtp.ErrDataReset
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.post.mails = append(s.post.mails, told{Incident: id[1], Status: id[2], To: s.to})
	return nil
}

// received returns what has come so far. A mail is about the channel of the webhook about the same incident.
func (p *post) received() (mails, hooks []told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mails, hooks = slices.Clone(p.mails), slices.Clone(p.hooks)
	for i := range mails {
		if at := slices.IndexFunc(hooks, func(h told) bool { return h.Incident == mails[i].Incident }); at >= 0 {
			mails[i].Channel = hooks[at].Channel
		}
	}
	return mails, hooks
}

// about returns the messages about a channel as "opened ended opened".
func about(all []told, channel string) string {
	var words []string
	for _, m := range all {
		if m.Channel == channel {
			words = append(words, m.Status)
		}
	}
	return strings.Join(words, " ")
}
