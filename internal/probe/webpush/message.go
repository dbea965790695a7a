package webpush

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// What the plaintext of a message is: a JSON object with one member. The service worker of a canary posts to the URL of a
// receipt; nothing is asked of whoever gets a probe.
const (
	probeMember   = "channelwatch_probe"
	receiptMember = "channelwatch_receipt"
)

// message is one message and who sees it arrive.
type message struct {
	to        *protocol.Subscription
	plaintext []byte
	arrivals  <-chan push.Arrival // nil: nobody sees them
	deaf      <-chan struct{}     // nil: that cannot be known
	forget    func(arrived bool)  // must be called when the message is no longer waited for
	via       *link               // that it arrives on; nil unless the agent is the receiver
	secrets   []string
}

// plaintext returns the content of a message.
func plaintext(member, value string) []byte {
	data, _ := json.Marshal(map[string]string{member: value}) // strings and a map
	return data
}

// unwatched returns a message whose arrival nobody sees.
func (p *prober) unwatched() *message {
	return &message{to: p.target, plaintext: plaintext(probeMember, rand.Text()), forget: func(bool) {}, secrets: p.target.Secrets()}
}

// receipted returns a message that a browser confirms until the window is over.
func (p *prober) receipted(window time.Duration) *message {
	entry := p.account.Expect(time.Now().Add(window))
	return &message{
		to: p.target, plaintext: plaintext(receiptMember, p.receipts+"/v1/receipts/"+entry.ID), arrivals: entry.Arrivals(),
		forget: func(bool) { p.account.Forget(entry) }, secrets: p.target.Secrets(),
	}
}

// request encrypts and signs a message.
func (p *prober) request(m *message) (*httpx.Request, error) {
	body, err := protocol.Encrypt(m.to, m.plaintext)
	if err != nil {
		return nil, err
	}
	header := p.header.Clone()
	if p.vapid != nil {
		value, err := p.vapid.Authorization(m.to.Endpoint(), p.subject, time.Now())
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", value)
		m.secrets = append(m.secrets, value, p.vapid.PublicKey(), token(value))
	}
	return &httpx.Request{Method: "POST", URL: m.to.Endpoint().String(), Header: header, Body: body}, nil
}

// token returns the token of a field Authorization of RFC 8292.
func token(authorization string) string {
	_, rest, _ := strings.Cut(authorization, "t=")
	token, _, _ := strings.Cut(rest, ",")
	return token
}

// send sends the message, once.
func (p *prober) send(ctx context.Context, m *message, j *journal) (push.Reply, error) {
	request, err := p.request(m)
	if err != nil {
		return push.Reply{}, err
	}
	hidden := m.redaction()
	resp, err := p.client.Do(ctx, request)
	switch {
	case ctx.Err() != nil && err != nil:
		return push.Reply{}, ctx.Err()
	case err != nil:
		return push.Reply{}, hidden.Error(fmt.Errorf("sending the message: %w", err)) // it names the endpoint
	}
	j.sent(resp)
	return push.HTTPReply(resp, func(resp *httpx.Response) push.Answer {
		a := readAnswer(resp, hidden)
		if m.via != nil {
			m.via.judge(&a)
		}
		return a
	}), nil
}

// redaction hides what a result must not show. Of an endpoint it is what follows the host, however short; the host is what
// people know a push service by.
func (m *message) redaction() probe.Redaction {
	endpoint := m.to.Endpoint()
	secrets := slices.DeleteFunc(slices.Clone(m.secrets), func(secret string) bool { return secret == endpoint.String() })
	return probe.NewRedaction(append(secrets, endpoint.EscapedPath(), endpoint.RequestURI())...)
}
