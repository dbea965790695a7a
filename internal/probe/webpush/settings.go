package webpush

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/ledger"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	protocol "github.com/channelwatch/channelwatch/internal/webpush"
)

// maxAnswer bounds what is read of a push service's answer, in bytes: the longest documented one has some hundred.
const maxAnswer = 64 << 10

// settings is a validated Config. It is immutable.
type settings struct {
	receive   string
	service   *url.URL               // where the agent subscribes; nil unless receive is self
	stateFile string                 // empty: the subscription ends with the agent
	target    *protocol.Subscription // where messages go; nil when receive is self
	file      string                 // of target
	refreshed time.Time              // when the file of target was written, as it was read
	vapid     *protocol.VAPID        // nil: messages are not signed
	subject   string
	header    http.Header // of every message
	receipts  string      // public URL; empty unless receive is receipt
	every     time.Duration
	timeout   time.Duration // of a whole probe
	times     push.Times
	client    *httpx.Client
	secure    bool // messages go by TLS
}

func build(c Config, setup probe.Setup, receipts *ledger.Ledger, states *claims) (probe.Built, error) {
	s, address, err := c.validate(setup)
	if err != nil {
		return probe.Built{}, err
	}
	phases := []probe.Phase{probe.Accept, probe.Deliver}
	if s.receive == byNobody {
		phases = phases[:1]
	}
	p := newProber(s, receipts, states)
	return probe.Built{
		Prober: p,
		Profile: probe.Profile{
			Waits:    true,
			Target:   push.HostPort(address),
			URL:      protocol.Origin(address), // the rest of an endpoint is a secret
			Phases:   phases,
			Metrics:  s.metricNames(),
			TLS:      s.secure,
			Limits:   limitsOf(s.receive),
			Receipts: s.receive == byReceipt,
		},
		Close: p.close,
	}, nil
}

// mistakes collects what is wrong with a configuration.
type mistakes []error

func (m *mistakes) check(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

func (m *mistakes) add(field, format string, args ...any) {
	m.check(probe.Fieldf(field, format, args...))
}

// validate returns the settings and the address that people know the touchpoint by, or all mistakes at once.
func (c Config) validate(setup probe.Setup) (settings, *url.URL, error) {
	var m mistakes
	s := settings{receive: c.Receive, subject: c.Subject, every: setup.Every, timeout: setup.Timeout}
	address := c.checkReceive(&m, &s, setup)
	c.readKey(&m, &s)
	var err error
	s.times, err = c.times(setup.Timeout)
	m.check(err)
	s.header = c.fields(&m, s.times.Window)
	s.client, err = httpx.New(httpx.Options{
		UserAgent: setup.UserAgent, Timeout: setup.Timeout, BodyLimit: maxAnswer, TLS: httpx.TLSOptions{CAFile: c.TLS.CAFile},
	})
	if err != nil {
		m.add("tls.ca_file", "%w", err)
	}
	if err := errors.Join(m...); err != nil {
		return settings{}, nil, err
	}
	s.secure = address.Scheme == "https" || address.Scheme == "wss"
	if c.TLS.CAFile != "" && !s.secure {
		return settings{}, nil, probe.Fieldf("tls", "set for an address without TLS, want https:// or wss://")
	}
	return s, address, nil
}

// times fills in the defaults. A browser on a phone that is slow to wake has to be told from one that is not reached.
func (c Config) times(timeout time.Duration) (push.Times, error) {
	t := push.Times{Deadline: c.Deadline, Window: c.Window}
	if c.Receive == byReceipt && t.Deadline == 0 {
		t.Deadline = min(canaryDeadline, cmp.Or(c.Window, timeout*4/5))
	}
	return t.Within(timeout)
}

// checkReceive reads what the way of receiving needs, refuses what only others do, and returns the address of the
// service.
func (c Config) checkReceive(m *mistakes, s *settings, setup probe.Setup) *url.URL {
	switch c.Receive {
	case bySelf:
		if c.SubscriptionFile != "" {
			m.add("subscription_file", "the agent makes its own subscription with receive: self, want service")
		}
		s.stateFile = c.StateFile
		m.check(checkState(c.StateFile))
		var err error
		s.service, err = parseService(c.Service)
		m.check(err)
		return s.service
	case byReceipt:
		s.receipts = setup.Receipts
		if s.receipts == "" {
			m.add("receive", "nobody listens for receipts, want receipts.listen and receipts.public_url in the configuration")
		}
	case byNobody:
	default:
		m.add("receive", "got %q, want self, receipt or none", c.Receive)
		return nil
	}
	if c.Service != "" {
		m.add("service", "only receive: self subscribes at a service, want it left out")
	}
	if c.StateFile != "" {
		m.add("state_file", "only receive: self has a state, want it left out")
	}
	data, written, err := push.ReadPrivate("subscription_file", c.SubscriptionFile)
	if err != nil {
		m.check(err)
		return nil
	}
	if s.target, err = protocol.ParseSubscription(data); err != nil {
		m.add("subscription_file", "%w", err)
		return nil
	}
	s.file, s.refreshed = c.SubscriptionFile, written
	return s.target.Endpoint()
}

// checkState refuses a file that cannot be the state of a receiver: one of something else would be overwritten.
func checkState(file string) error {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil {
		return probe.Fieldf("state_file", "%w", err)
	} else if !info.IsDir() {
		return probe.Fieldf("state_file", "%s is not a directory", filepath.Dir(file))
	}
	_, err := protocol.ReadState("state_file", file)
	if errors.Is(err, protocol.ErrDamaged) {
		return nil // the receiver makes a new one
	}
	return err
}

// readKey reads the key that signs messages, if there is one.
func (c Config) readKey(m *mistakes, s *settings) {
	if c.VAPIDKeyFile == "" {
		if c.Subject != "" {
			m.add("subject", "is sent with a signature only, want vapid_key_file too")
		}
		return
	}
	data, _, err := push.ReadPrivate("vapid_key_file", c.VAPIDKeyFile)
	if err != nil {
		m.check(err)
	} else if s.vapid, err = protocol.ParseVAPID(data); err != nil {
		m.add("vapid_key_file", "%w", err)
	}
	if c.Subject == "" {
		m.add("subject", "missing, want mailto: or https: with which the push service can turn to the sender")
	} else if err := protocol.CheckSubject(c.Subject); err != nil {
		m.add("subject", "%q: %w", c.Subject, err)
	}
}

// maxTTL is the longest time that Mozilla's push service keeps messages.
const maxTTL = 30 * 24 * time.Hour

// fields returns the header fields that every message has (RFC 8030, section 5).
func (c Config) fields(m *mistakes, window time.Duration) http.Header {
	ttl := int64(math.Ceil(window.Seconds()))
	if c.TTL != nil {
		ttl = int64(*c.TTL / time.Second)
		if *c.TTL < 0 || *c.TTL > maxTTL || *c.TTL%time.Second != 0 {
			m.add("ttl", "got %v, want whole seconds between 0s and 30d", *c.TTL)
		}
	}
	if !slices.Contains([]string{"very-low", "low", "normal", "high"}, c.Urgency) {
		m.add("urgency", "got %q, want very-low, low, normal or high", c.Urgency)
	}
	header := http.Header{
		"Content-Encoding": {protocol.ContentEncoding},
		"Content-Type":     {"application/octet-stream"},
		"Ttl":              {strconv.FormatInt(ttl, 10)},
		"Urgency":          {c.Urgency},
	}
	if c.Topic != "" {
		if !isTopic(c.Topic) {
			m.add("topic", "%q, want at most 32 letters, digits, hyphens and underscores", c.Topic)
		}
		header.Set("Topic", c.Topic)
	}
	return header
}

// isTopic reports whether a topic is what RFC 8030 allows (section 5.4).
func isTopic(topic string) bool {
	fits, err := regexp.MatchString(`^[A-Za-z0-9_-]{1,32}$`, topic)
	return err == nil && fits
}

// parseService reads the address of a push service: wss, or ws on this machine.
func parseService(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, probe.Fieldf("service", "missing, want wss://host")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		// The text of a url.Error repeats the URL, which may hold a password.
		return nil, probe.Fieldf("service", "not a URL, want wss://host")
	case u.User != nil:
		return nil, probe.Fieldf("service", "holds credentials, which push services do not have, want wss://host")
	case u.Scheme != "wss" && u.Scheme != "ws":
		return nil, probe.Fieldf("service", "scheme is %q, want wss", u.Scheme)
	case u.Hostname() == "":
		return nil, probe.Fieldf("service", "no host, want wss://host")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, probe.Fieldf("service", "has more than host, port and path, want wss://host")
	case u.Port() != "" && !isPort(u.Port()):
		return nil, probe.Fieldf("service", "port is %s, want 1 to 65535", u.Port())
	case u.Scheme == "ws" && !push.IsLoopback(u.Hostname()):
		return nil, probe.Fieldf("service", "ws://%s is not on this machine, want wss", u.Host)
	}
	return u, nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
