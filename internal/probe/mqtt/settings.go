package mqtt

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// settings is a validated Config. It is immutable.
type settings struct {
	send, receive      endpoint
	version            string // version5 or version3
	topic              string
	qos                byte
	username, password string
	redaction          probe.Redaction   // of the password
	clientCert         *x509.Certificate // nil for none
	every, timeout     time.Duration     // between probes, and of a whole probe
	times              push.Times        // since sending
}

// identified reports whether a broker is told who connects.
func (s *settings) identified() bool {
	return s.username != "" || s.password != "" || s.clientCert != nil
}

// endpoint is one end of the way of a message.
type endpoint struct {
	role       string // "publisher" or "subscriber", for people
	url        string // as configured; it cannot hold credentials
	host, port string
	clientID   string
	tls        *tls.Config // nil for mqtt://
}

func build(c Config, setup probe.Setup) (probe.Built, error) {
	s, err := c.validate(setup)
	if err != nil {
		return probe.Built{}, err
	}
	p := newProber(s)
	secure := s.send.tls != nil || s.receive.tls != nil
	return probe.Built{
		Prober: p,
		Profile: probe.Profile{
			Waits:   true,
			Target:  net.JoinHostPort(s.send.host, s.send.port),
			URL:     s.send.url,
			Phases:  []probe.Phase{probe.Accept, probe.Deliver},
			Metrics: metricNames(secure, s.identified()),
			TLS:     secure,
		},
		Close: p.close,
	}, nil
}

// validate returns all mistakes at once.
func (c Config) validate(setup probe.Setup) (settings, error) {
	var errs []error
	check := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	s := settings{
		version: c.Version, topic: c.Topic, qos: byte(c.QoS), username: c.Username, every: setup.Every, timeout: setup.Timeout,
	}
	var err error
	s.send, err = parseEndpoint("url", c.URL)
	check(err)
	s.receive = s.send
	if c.ReceiveURL != "" {
		s.receive, err = parseEndpoint("receive_url", c.ReceiveURL)
		check(err)
	}
	id := c.ClientID
	if id == "" {
		id = "channelwatch-" + rand.Text()[:10]
	}
	check(checkName("client_id", id))
	check(checkName("username", c.Username))
	s.send.role, s.send.clientID = publisher, id+"-send"
	s.receive.role, s.receive.clientID = subscriber, id+"-receive"
	check(checkTopic(c.Topic))
	check(c.checkVersion())
	if c.QoS < 0 || c.QoS > 2 {
		check(probe.Fieldf("qos", "got %d, want 0, 1 or 2", c.QoS))
	}
	if !c.Password.IsZero() {
		check(push.CheckPrivate("password", c.Password.File))
		if s.password, err = c.Password.Read(); err != nil {
			check(probe.Fieldf("password", "%w", err))
		}
		s.redaction = probe.NewRedaction(s.password)
	}
	s.clientCert, err = c.TLS.apply(&s.send, &s.receive)
	check(err)
	s.times, err = push.Times{Deadline: c.Deadline, Window: c.Window}.Within(setup.Timeout)
	check(err)
	return s, errors.Join(errs...)
}

// The versions of the protocol, as users write them.
const (
	version5 = "5"
	version3 = "3.1.1"
)

func (c Config) checkVersion() error {
	switch {
	case c.Version != version5 && c.Version != version3:
		return probe.Fieldf("version", "got %q, want %q or %q", c.Version, version5, version3)
	case c.Version == version3 && c.Username == "" && !c.Password.IsZero():
		return probe.Fieldf("username", "missing, MQTT 3.1.1 takes no password without one (section 3.1.2.9)")
	}
	return nil
}

func parseEndpoint(field, raw string) (endpoint, error) {
	if raw == "" {
		return endpoint{}, probe.Fieldf(field, "missing, want mqtt://host or mqtts://host")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		// The text of a url.Error repeats the URL, which may hold a password.
		return endpoint{}, probe.Fieldf(field, "not a URL, want mqtt://host or mqtts://host")
	case u.User != nil:
		return endpoint{}, probe.Fieldf(field, "holds credentials, want them in username and password")
	case u.Scheme != "mqtt" && u.Scheme != "mqtts":
		return endpoint{}, probe.Fieldf(field, "scheme is %q, want mqtt or mqtts", u.Scheme)
	case u.Hostname() == "":
		return endpoint{}, probe.Fieldf(field, "no host, want %s://host", u.Scheme)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return endpoint{}, probe.Fieldf(field, "has more than host and port, want %s://host or %s://host:port", u.Scheme, u.Scheme)
	case u.Port() != "" && !isPort(u.Port()):
		return endpoint{}, probe.Fieldf(field, "port is %s, want 1 to 65535", u.Port())
	}
	e := endpoint{url: u.Scheme + "://" + u.Host, host: u.Hostname(), port: u.Port()}
	if u.Scheme == "mqtts" {
		e.tls = &tls.Config{ServerName: e.host, MinVersion: tls.VersionTLS12}
	}
	switch {
	case e.port != "":
	case e.tls != nil:
		e.port = "8883"
	default:
		e.port = "1883"
	}
	return e, nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// checkTopic applies section 4.7 of MQTT 5 to a topic name.
func checkTopic(topic string) error {
	switch {
	case topic == "":
		return probe.Fieldf("topic", "missing, want a topic that nothing else uses")
	case strings.ContainsAny(topic, "+#"):
		return probe.Fieldf("topic", "%q has a wildcard, want a topic without + and #", topic)
	case strings.HasPrefix(topic, "$"):
		return probe.Fieldf("topic", "%q starts with $, which brokers keep for themselves", topic)
	case len(topic) > 1024:
		return probe.Fieldf("topic", "has %d bytes, want at most 1024", len(topic))
	case !utf8.ValidString(topic) || strings.ContainsRune(topic, 0):
		return probe.Fieldf("topic", "%q is not UTF-8 text without NUL", topic)
	}
	return nil
}

// maxName bounds names that a broker has to take. The protocol allows 64 KiB, brokers far less.
const maxName = 1024

// checkName checks what a broker is told as the name of somebody: it may refuse control characters (section 1.5.4).
func checkName(field, name string) error {
	switch {
	case len(name) > maxName:
		return probe.Fieldf(field, "has %d bytes, want at most %d", len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return probe.Fieldf(field, "%q is not UTF-8 text without control characters", name)
	}
	return nil
}
