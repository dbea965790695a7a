package notify

import (
	"context"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// email mails messages over one server. It is immutable.
type email struct {
	conf    Email
	version string
	form    form
}

func newEmail(conf Email, version string, f form) *email {
	return &email{conf, version, f}
}

// Bounds of mails.
const (
	mostRecipients = 50  // RFC 5321 section 4.5.3.1.8 lets servers refuse more than 100
	mostReply      = 300 // bytes of what a server says, in errors
	cut            = "…" // at the end of an address of which the rest is not known
)

func (e *email) wants(n *notice) bool { return len(e.recipients(n)) > 0 }

// recipients returns whom to write to, each once. What an owner is called without an address is shown, not mailed.
func (e *email) recipients(n *notice) []*netmail.Address {
	lists := slices.Clone(e.conf.To)
	if e.conf.Owners {
		lists = append(lists, n.OwnerIT, n.OwnerMarketing)
	}
	var all []*netmail.Address
	for _, list := range lists {
		for _, a := range addresses(list) {
			same := func(other *netmail.Address) bool { return strings.EqualFold(other.Address, a.Address) }
			if len(all) < mostRecipients && !strings.HasSuffix(a.Address, cut) && !slices.ContainsFunc(all, same) {
				all = append(all, a)
			}
		}
	}
	return all
}

// addresses returns the addresses in a list, which may hold names of teams beside them.
func addresses(list string) []*netmail.Address {
	if all, err := netmail.ParseAddressList(list); err == nil {
		return all
	}
	var all []*netmail.Address
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if a, err := netmail.ParseAddress(entry); err == nil {
			all = append(all, a)
		}
	}
	return all
}

// send mails to all recipients that are left. One that is refused keeps no other from the message.
func (e *email) send(ctx context.Context, n *notice, late bool, left []string) outcome {
	if len(left) == 0 {
		for _, a := range e.recipients(n) {
			left = append(left, a.Address)
		}
	}
	s, err := e.session()
	if err != nil {
		return outcome{left: left, err: err}
	}
	msg, err := e.compose(n, late)
	if err != nil {
		return outcome{err: err, permanent: true}
	}
	return s.deliver(ctx, msg, left)
}

// session reads everything that can change while the agent runs.
func (e *email) session() (*session, error) {
	config, err := e.conf.tlsConfig()
	if err != nil {
		return nil, fmt.Errorf("reading authorities: %w", err)
	}
	s := &session{Email: e.conf, config: config}
	if e.conf.Username == "" {
		return s, nil
	}
	if s.password, err = e.conf.Password.Read(); err != nil {
		return nil, fmt.Errorf("reading the password of the mail server: %w", err)
	}
	encoded := base64.StdEncoding.EncodeToString
	s.redaction = probe.NewRedaction(s.password, encoded([]byte(s.password)),
		encoded([]byte("\x00"+e.conf.Username+"\x00"+s.password)))
	return s, nil
}
