package probe

import (
	"encoding/json"
	"time"
)

// Evidence is the redacted record of a probe, the same on the command line, on the page and in JSON. It must not
// hold credentials, cookies, tokens or query values of the user's configuration. Sizes are bounded by the kinds.
type Evidence struct {
	Exchanges []Exchange `json:"exchanges,omitempty"` // HTTP requests in order, redirects included
	Events    []Event    `json:"events,omitempty"`    // for kinds that are not request and answer
	Visits    []Visit    `json:"visits,omitempty"`    // loads of a page by a browser
	Steps     []Step     `json:"steps,omitempty"`     // of a journey, in order; exchanges name theirs
}

// Step is one step of a journey.
type Step struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"` // in the customer's words
	Outcome  StepOutcome   `json:"outcome"`
	At       time.Duration `json:"-"` // since the start of the probe; meaningless when it was skipped
	Duration time.Duration `json:"-"`
	Phases   Phases        `json:"phases"`
	Detail   string        `json:"detail,omitempty"` // why it failed; never a secret
}

// StepOutcome is how a step of a journey ended.
type StepOutcome string

// The outcomes of steps.
const (
	StepPassed  StepOutcome = "passed"
	StepFailed  StepOutcome = "failed"
	StepSkipped StepOutcome = "skipped" // an earlier one failed
)

// MarshalJSON writes the times in seconds.
func (s Step) MarshalJSON() ([]byte, error) {
	type step Step
	return json.Marshal(struct {
		step
		At       float64 `json:"at_seconds"`
		Duration float64 `json:"duration_seconds"`
	}{step(s), s.At.Seconds(), s.Duration.Seconds()})
}

// Event is one step of a probe that is not an HTTP exchange.
type Event struct {
	At   time.Duration // since the start of the probe
	Text string
}

// Exchange is one HTTP request and what came back.
type Exchange struct {
	Step      string    `json:"step,omitempty"` // name of the step of a journey that it belongs to
	Method    string    `json:"method"`
	URL       string    `json:"url"` // user info and query values removed
	Protocol  string    `json:"protocol,omitempty"`
	Status    int       `json:"status,omitempty"`
	Address   string    `json:"address,omitempty"`   // the address that answered
	Addresses []string  `json:"addresses,omitempty"` // all that the name resolved to
	Phases    Phases    `json:"phases"`
	Header    []Header  `json:"header,omitempty"` // response fields from an allow-list
	WireBytes int64     `json:"wire_bytes"`       // body as transferred
	BodyBytes int64     `json:"body_bytes"`       // body after decoding
	BodyStart string    `json:"body_start,omitempty"`
	TLS       *TLSFacts `json:"tls,omitempty"`
}

// Header is one response header field.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TLSFacts is what a TLS handshake showed. The chain is captured even when its verification failed.
type TLSFacts struct {
	Version     string `json:"version,omitempty"`
	Cipher      string `json:"cipher,omitempty"`
	ALPN        string `json:"alpn,omitempty"`
	ServerName  string `json:"server_name,omitempty"`
	Chain       []Cert `json:"chain,omitempty"` // leaf first
	VerifyError string `json:"verify_error,omitempty"`
}

// Cert is one certificate of a chain.
type Cert struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Names     []string  `json:"names,omitempty"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"`
}

// MarshalJSON writes the time in seconds.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At   float64 `json:"at_seconds"`
		Text string  `json:"text"`
	}{e.At.Seconds(), e.Text})
}
