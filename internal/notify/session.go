package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// smtpTimeout is for all that comes before the message: connecting, securing and logging in.
const smtpTimeout = 20 * time.Second

// session is one exchange with a mail server.
type session struct {
	Email
	config    *tls.Config
	password  string
	redaction probe.Redaction // of the password
	conn      net.Conn        // nil before it is made
}

// deliver connects and hands over the message.
func (s *session) deliver(ctx context.Context, msg *mail.Msg, to []string) outcome {
	defer func() {
		if s.conn != nil {
			_ = s.conn.Close() // nothing more is asked of it
		}
	}()
	client, stop, err := s.connect(ctx, to)
	defer stop()
	if err != nil {
		return outcome{left: to, err: fmt.Errorf("connecting to mail server %s: %w", s.Smarthost, s.said(cmp.Or(ctx.Err(), err)))}
	}
	if err := client.UpdateDeadline(sendTimeout); err != nil {
		return outcome{left: to, err: fmt.Errorf("connection to mail server %s: %w", s.Smarthost, err)}
	}
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return outcome{err: err, permanent: true}
	}
	o := s.transfer(client, from.Address, to, msg)
	if o.reached {
		_ = client.Quit() // the server has the message; how it says goodbye does not matter
	}
	return o
}

// connect opens a session that is secured and logged in as configured. It ends with ctx, until stop is called.
func (s *session) connect(ctx context.Context, to []string) (client *smtp.Client, stop func(), err error) {
	stop = func() {}
	host, port, err := s.server()
	if err != nil {
		return nil, stop, err
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(smtpTimeout), mail.WithTLSConfig(s.config), mail.WithTLSPolicy(mail.NoTLS),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := s.dial(dialing, network, address)
			if err == nil {
				broken := context.AfterFunc(ctx, func() { _ = conn.Close() })
				stop = func() { broken() }
			}
			return conn, err
		}),
	}
	if s.security() == TLSStart {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if ascii(append(to, s.From)) {
		// Asked for without need, the extension keeps a message from all servers on its way that do not have it.
		options = append(options, mail.WithoutSMTPUTF8())
	}
	if s.Username != "" {
		options = append(options, mail.WithUsername(s.Username), mail.WithPassword(s.password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	c, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, stop, err
	}
	client, err = c.DialToSMTPClientWithContext(ctx)
	return client, stop, err
}

func (s *session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var err error
	if s.conn, err = (&net.Dialer{}).DialContext(ctx, network, address); err != nil || s.security() != TLSImplicit {
		return s.conn, err
	}
	secured := tls.Client(s.conn, s.config)
	return secured, secured.HandshakeContext(ctx)
}

// transfer hands over a message to all recipients that the server takes.
func (s *session) transfer(client *smtp.Client, from string, to []string, msg io.WriterTo) outcome {
	if err := client.Mail(angled(from)); err != nil {
		return outcome{left: to, err: fmt.Errorf("sender %s: %w", from, s.said(err)), permanent: refused(err)}
	}
	var left []string
	var errs []error
	for _, address := range to {
		err := client.Rcpt(angled(address))
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("recipient %s: %w", address, s.said(err)))
		switch reply := new(textproto.Error); {
		case !errors.As(err, &reply):
			return outcome{left: to, err: errors.Join(errs...)} // the connection broke
		case !refused(err):
			left = append(left, address)
		}
	}
	if len(errs) == len(to) {
		return outcome{left: left, err: errors.Join(errs...), permanent: len(left) == 0}
	}
	if err := write(client, msg); err != nil {
		return outcome{left: to, err: fmt.Errorf("message: %w", s.said(err)), permanent: refused(err)}
	}
	return outcome{reached: true, left: left, err: errors.Join(errs...)}
}

func write(client *smtp.Client, msg io.WriterTo) error {
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := msg.WriteTo(body); err != nil {
		return err
	}
	return body.Close()
}

// angled returns an address as a server is given it, quoted where it has to be.
func angled(address string) string { return (&netmail.Address{Address: address}).String() }

// refused reports whether a server will say the same the next time (RFC 5321 section 4.2.1).
func refused(err error) bool {
	reply := new(textproto.Error)
	return errors.As(err, &reply) && reply.Code >= 500
}

// said returns an error that ends here: what the server answered is cut, and freed of the password that it may repeat.
// It is done before anybody quotes the answer, which would spell the password in another way.
func (s *session) said(err error) error {
	text := err.Error()
	if reply := new(textproto.Error); errors.As(err, &reply) {
		text = fmt.Sprintf("server answered %d %s", reply.Code, reply.Msg)
	}
	return errors.New(line(s.redaction.Text(probe.Clip(text, mostReply)), mostReply))
}

// ascii reports whether addresses go without an extension for others (RFC 6531).
func ascii(addresses []string) bool {
	for _, address := range addresses {
		for _, r := range address {
			if r > '~' {
				return false
			}
		}
	}
	return true
}
