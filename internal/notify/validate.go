package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"strconv"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// validate finds all mistakes.
func (o *Options) validate() error {
	var errs []error
	if o.File == "" {
		errs = append(errs, probe.Fieldf("file", "empty, want the name of a file for what must survive a restart"))
	}
	if o.GroupWait < 0 || o.Hold < 0 {
		errs = append(errs, probe.Fieldf("group_wait", "got %s, and %s to hold, want none below 0", o.GroupWait, o.Hold))
	}
	if o.Email != nil {
		errs = append(errs, o.Email.validate()...)
	}
	for i, hook := range o.Webhooks {
		if _, err := readURL(hook.URL); err != nil {
			errs = append(errs, &probe.FieldError{Field: fmt.Sprintf("webhooks[%d].url", i), Err: err})
		}
	}
	return errors.Join(errs...)
}

func (e *Email) validate() []error {
	var errs []error
	wrong := func(field, format string, args ...any) {
		errs = append(errs, probe.Fieldf("email."+field, format, args...))
	}
	if _, _, err := e.server(); err != nil {
		wrong("smarthost", "%w", err)
	}
	if _, err := mail.ParseAddress(e.From); err != nil {
		wrong("from", "got %q, want an address such as channelwatch@example.com", e.From)
	}
	for i, to := range e.To {
		if _, err := mail.ParseAddress(to); err != nil {
			wrong(fmt.Sprintf("to[%d]", i), "got %q, want an address such as team@example.com", to)
		}
	}
	if !e.Owners && len(e.To) == 0 {
		wrong("to", "empty, and the owners are not written to: want addresses, or owners: true")
	}
	if e.Password.IsZero() != (e.Username == "") {
		wrong("password", "want both username and password, or neither")
	} else if e.Username != "" {
		if _, err := e.Password.Read(); err != nil {
			wrong("password", "%w", err)
		}
	}
	switch e.TLS {
	case "", TLSStart, TLSImplicit:
	case TLSNone:
		if e.Username != "" {
			wrong("tls", "got %s, want %s or %s: a password is not sent in the clear", TLSNone, TLSStart, TLSImplicit)
		}
	default:
		wrong("tls", "got %q, want %s, %s or %s", e.TLS, TLSStart, TLSImplicit, TLSNone)
	}
	if _, err := e.tlsConfig(); err != nil {
		wrong("ca_file", "%w", err)
	}
	return errs
}

// server returns host and port of the mail server.
func (e *Email) server() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(e.Smarthost)
	number, portErr := strconv.ParseUint(text, 10, 16)
	if err != nil || portErr != nil || number == 0 || host == "" {
		return "", 0, fmt.Errorf("got %q, want host:port", e.Smarthost)
	}
	return host, int(number), nil
}

// submissions is the port of mail over TLS from the first byte on (RFC 8314 section 3.3).
const submissions = 465

// security returns how the connection is secured.
func (e *Email) security() string {
	_, port, _ := e.server()
	switch {
	case e.TLS != "":
		return e.TLS
	case port == submissions:
		return TLSImplicit
	}
	return TLSStart
}

// tlsConfig reads the authorities.
func (e *Email) tlsConfig() (*tls.Config, error) {
	host, _, _ := e.server()
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if e.CAFile == "" {
		return config, nil
	}
	info, err := os.Stat(e.CAFile)
	if err != nil {
		return nil, err
	}
	if info.Size() > mostCA {
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", e.CAFile, info.Size(), mostCA)
	}
	pem, err := os.ReadFile(e.CAFile)
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", e.CAFile)
	}
	return config, nil
}

// mostCA bounds a file of authorities, in bytes; the whole list of Mozilla has a quarter of a MiB.
const mostCA = 4 << 20

// readURL reads the address of a webhook. It prints nothing of it.
func readURL(secret probe.Secret) (*url.URL, error) {
	raw, err := secret.Read()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the secret is not an address that begins with https:// or http://")
	}
	return u, nil
}
