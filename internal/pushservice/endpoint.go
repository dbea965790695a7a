package pushservice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/channelwatch/channelwatch/internal/webpush"
)

const (
	endpointPath = "/wpush/v2/"
	maxBody      = 4096                // bytes (RFC 8030, section 7.2)
	maxTTL       = 30 * 24 * time.Hour // longer ones are cut to that, as by autopush
)

// The errors of autopush (docs/src/errors.md), by their errno.
const (
	errnoNoSuch       = 102
	errnoTooLarge     = 104
	errnoGone         = 106
	errnoUnauthorized = 109
	errnoHeader       = 110
	errnoTTL          = 111
	errnoTopic        = 113
	errnoDemanded     = 999 // by Fault: any
)

// refusal is why a message is not taken.
type refusal struct {
	Status  int    `json:"code"`
	Errno   int    `json:"errno"`
	Error   string `json:"error"`
	Message string `json:"message"`
}

func refuse(status, errno int, message string) *refusal {
	return &refusal{Status: status, Errno: errno, Error: http.StatusText(status), Message: message}
}

func (s *Service) serveEndpoint(w http.ResponseWriter, r *http.Request, token string) {
	m, refused := s.check(r, token)
	fault := Fault{}
	if refused == nil && s.opts.Fault != nil {
		if fault = s.opts.Fault(); fault.Status != 0 {
			refused = refuse(fault.Status, errnoDemanded, "as demanded")
		}
	}
	if refused == nil {
		s.send(m, fault)
	}
	if fault.Hold > 0 {
		hold(r.Context(), s.running, fault.Hold)
	}
	status := http.StatusCreated
	if refused != nil {
		status = refused.Status
	}
	if s.opts.Seen != nil {
		s.opts.Seen(r.Header, status)
	}
	if refused != nil {
		answerRefused(w, refused, fault)
		return
	}
	w.Header().Set("TTL", strconv.Itoa(int(m.ttl.Seconds())))
	w.Header().Set("Location", webpush.Origin(base(r))+"/m/"+m.version)
	w.WriteHeader(status)
}

func answerRefused(w http.ResponseWriter, refused *refusal, fault Fault) {
	w.Header().Set("Content-Type", "application/json")
	maps.Copy(w.Header(), fault.Header)
	w.WriteHeader(refused.Status)
	if fault.Body != "" {
		_, _ = io.WriteString(w, fault.Body) // whoever asked may be gone
		return
	}
	_ = json.NewEncoder(w).Encode(refused)
}

// check reads a request and says what it sends, or why that is not taken.
func (s *Service) check(r *http.Request, token string) (*message, *refusal) {
	if r.Method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, 0, "want POST")
	}
	to, gone := s.store.find(token)
	switch {
	case gone:
		return nil, refuse(http.StatusGone, errnoGone, "the subscription has ended")
	case to == nil:
		return nil, refuse(http.StatusNotFound, errnoNoSuch, "no such subscription")
	}
	if refused := s.authorize(r, to); refused != nil {
		return nil, refused
	}
	ttl, err := strconv.ParseUint(r.Header.Get("TTL"), 10, 31)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, errnoTTL, "TTL: want a number of seconds")
	}
	topic := r.Header.Get("Topic")
	if r.Header["Topic"] != nil && !regexp.MustCompile(`^[\w-]{1,32}$`).MatchString(topic) {
		return nil, refuse(http.StatusBadRequest, errnoTopic, "Topic: want 1 to 32 characters of base64url")
	}
	urgency := r.Header.Get("Urgency")
	if urgency != "" && !slices.Contains([]string{"very-low", "low", "normal", "high"}, urgency) {
		return nil, refuse(http.StatusBadRequest, errnoHeader, "Urgency: want very-low, low, normal or high")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, errnoHeader, "no complete body")
	case len(body) > maxBody:
		return nil, refuse(http.StatusRequestEntityTooLarge, errnoTooLarge, "want at most 4096 bytes")
	case len(body) > 0 && r.Header.Get("Content-Encoding") != webpush.ContentEncoding:
		return nil, refuse(http.StatusBadRequest, errnoHeader, "Content-Encoding: want aes128gcm")
	}
	return &message{
		to: to, version: newName(), data: body, topic: topic, ttl: min(time.Duration(ttl)*time.Second, maxTTL),
	}, nil
}

// send delivers a message that was taken, or does not.
func (s *Service) send(m *message, fault Fault) {
	if fault.Drop {
		return
	}
	if fault.Corrupt && len(m.data) > 0 {
		m.data = bytes.Clone(m.data)
		m.data[len(m.data)-1] ^= 1
	}
	if fault.Delay == 0 {
		s.deliver(m, fault)
		return
	}
	if leave, ok := s.enter(); ok {
		go func() {
			defer leave()
			if hold(s.running, s.running, fault.Delay) {
				s.deliver(m, fault)
			}
		}()
	}
}

func (s *Service) deliver(m *message, fault Fault) {
	times := 1
	if fault.Duplicate {
		times = 2
	}
	receiver := s.store.put(m)
	for range times {
		if receiver == nil {
			return
		}
		if receiver.deliver(s.running, m) != nil {
			receiver.cut(errors.New("it takes no message"))
		}
	}
}

// hold waits for d, and reports whether neither context ended meanwhile.
func hold(asking, running context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-asking.Done():
	case <-running.Done():
	}
	return false
}
