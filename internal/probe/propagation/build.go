package propagation

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

const (
	defaultPoll     = time.Second
	defaultDeadline = 10 * time.Second
	leastPoll       = 100 * time.Millisecond
	maxLooks        = 600 // at one sink
	maxSinks        = 20  // as many as a label may have values
	maxRate         = 20  // looks per second at all sinks, so that no touchpoint becomes a load test
	maxCleanup      = 10 * time.Second
	maxRedirects    = 5
	maxBody         = 1 << 20 // bytes
)

// settings is a validated Config. It is immutable.
type settings struct {
	source   *httpkind.ReadyCall
	sinks    []readySink
	cleanup  *httpkind.ReadyCall // nil for none
	poll     time.Duration
	deadline time.Duration
	window   time.Duration
	timeout  time.Duration
}

type readySink struct {
	name string
	call *httpkind.ReadyCall
	path *assert.Path // nil: anywhere
}

func build(c Config, setup probe.Setup, clients *httpx.Common) (probe.Built, error) {
	s := settings{timeout: setup.Timeout}
	errs := []error{c.checkWrites(&s), c.checkSinks(&s), c.checkTimes(&s)}
	client, err := clients.New(httpx.Options{
		UserAgent: setup.UserAgent, Timeout: setup.Timeout, MaxRedirects: maxRedirects, BodyLimit: maxBody,
		TLS: httpx.TLSOptions{CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile, ServerName: c.TLS.ServerName},
	})
	if err != nil {
		errs = append(errs, probe.Fieldf("tls", "%w", err)) // all else that the client could dislike is ours
	}
	if err := errors.Join(errs...); err != nil {
		return probe.Built{}, err
	}
	return probe.Built{
		Prober: &prober{settings: s, client: client, redaction: s.redaction(), turn: make(chan struct{}, 1)},
		Profile: probe.Profile{
			Target:  httpkind.HostPort(s.source.Target),
			URL:     httpx.RedactURL(s.source.Target),
			Phases:  []probe.Phase{probe.Accept, probe.Deliver},
			Metrics: []string{durationSeconds, pollSeconds, lateTotal, lostTotal, cleanupTotal},
			Values:  s.values(),
		},
	}, nil
}

// values returns the label values of this touchpoint.
func (s *settings) values() map[string][]string {
	var names []string
	for i := range s.sinks {
		names = append(names, s.sinks[i].name)
	}
	return map[string][]string{durationSeconds: names, lateTotal: names, lostTotal: names}
}

func (s *settings) redaction() probe.Redaction {
	secrets := s.source.Secrets
	for i := range s.sinks {
		secrets = append(secrets, s.sinks[i].call.Secrets...)
	}
	if s.cleanup != nil {
		secrets = append(secrets, s.cleanup.Secrets...)
	}
	return probe.NewRedaction(secrets...)
}

func (c *Config) checkWrites(s *settings) error {
	var errs []error
	if !c.Writes {
		errs = append(errs, probe.Fieldf("writes", "false, want true: each probe writes at the source"))
	}
	var err error
	s.source, err = c.Source.Compile("source", http.MethodPost)
	errs = append(errs, err)
	if !c.Source.Has() {
		errs = append(errs, probe.Fieldf("source.body", "nothing of the source has %s, want it where the sinks show it", httpkind.Marker))
	}
	if c.Source.Method == http.MethodGet {
		errs = append(errs, probe.Fieldf("source.method", "GET, want a method that writes"))
	}
	if c.Cleanup != nil {
		s.cleanup, err = c.Cleanup.Compile("cleanup", http.MethodDelete)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Config) checkSinks(s *settings) error {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, probe.Fieldf(field, format, args...)) }
	if n := len(c.Sinks); n == 0 || n > maxSinks {
		wrong("sinks", "%d, want 1 to %d", n, maxSinks)
	}
	name, seen := regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`), make(map[string]bool)
	for i := range c.Sinks {
		sink, field := &c.Sinks[i], fmt.Sprintf("sinks[%d]", i)
		switch {
		case !name.MatchString(sink.Name):
			wrong(field+".name", "%q, want lower-case letters, digits and hyphens", sink.Name)
		case seen[sink.Name]:
			wrong(field+".name", "%q is the name of another sink", sink.Name)
		}
		seen[sink.Name] = true
		switch sink.Method {
		case http.MethodPut, http.MethodPatch, http.MethodDelete:
			wrong(field+".method", "%s, want GET or POST: it is sent again at every look", sink.Method)
		}
		call, err := sink.Compile(field, http.MethodGet)
		errs = append(errs, err)
		ready := readySink{name: sink.Name, call: call}
		if sink.Path != "" {
			if ready.path, err = assert.ParsePath(sink.Path); err != nil {
				wrong(field+".path", "%w", err)
			}
		}
		s.sinks = append(s.sinks, ready)
	}
	return errors.Join(errs...)
}

// checkTimes fills in the defaults. What is left of the timeout behind the window is for the write and the cleanup.
func (c *Config) checkTimes(s *settings) error {
	s.window = cmp.Or(c.Window, s.timeout*3/4)
	s.deadline = cmp.Or(c.Deadline, min(defaultDeadline, s.window))
	s.poll = cmp.Or(c.Poll, defaultPoll)
	switch {
	case s.window <= 0 || s.window >= s.timeout:
		return probe.Fieldf("window", "%v is not between 0 and the timeout of %v, the rest of which is for the write and the cleanup", s.window, s.timeout)
	case s.deadline < 0 || s.deadline > s.window:
		return probe.Fieldf("deadline", "%v is not between 0 and the window of %v", s.deadline, s.window)
	case s.poll < leastPoll || s.poll > s.window:
		return probe.Fieldf("poll", "%v is not between %v and the window of %v", s.poll, leastPoll, s.window)
	case s.window/s.poll > maxLooks:
		return probe.Fieldf("poll", "%v are %d looks in a window of %v, want at most %d", s.poll, s.window/s.poll, s.window, maxLooks)
	case time.Duration(len(c.Sinks))*time.Second > maxRate*s.poll:
		return probe.Fieldf("poll", "%v is too short for %d sinks, want at least %v: all of them are looked at up to %d times a second",
			s.poll, len(c.Sinks), time.Duration(len(c.Sinks))*time.Second/maxRate, maxRate)
	}
	return nil
}
