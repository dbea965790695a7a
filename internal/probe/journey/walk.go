package journey

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/httpx"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// prober walks one journey.
type prober struct {
	steps, cleanup []*step
	fatal          map[probe.CheckID]bool
	unique         bool // whether runs have a text of their own
	secrets        []string
	redaction      probe.Redaction // of the secrets
	certificate    bool            // whether dates of certificates are exported
	timeout        time.Duration
}

// Probe walks the steps until one fails, then cleans up. What a customer waits for is the sum of the steps; cleanup is
// the agent's own time. A cancelled journey is cleaned up, too, as far as a moment allows.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return probe.Result{}, fmt.Errorf("beginning a journey: %w", context.Cause(ctx))
	}
	w := newWalk(p)
	until, cancel := w.deadlines(ctx)
	defer cancel()
	err := w.walk(until)
	w.cleanUp(ctx)
	redaction := p.redaction
	if len(w.secrets) > 0 {
		redaction = probe.NewRedaction(slices.Concat(p.secrets, w.secrets)...)
	}
	if err != nil {
		return probe.Result{}, redaction.Error(err)
	}
	w.conclude()
	redaction.Hide(&w.result)
	return w.result, nil
}

// walk is one run of a journey.
type walk struct {
	*prober
	jar                 httpx.Jar
	values              map[string]value
	secrets             []string // values that results hide
	result              probe.Result
	end                 time.Time // of all, cleanup included
	notBefore, notAfter time.Time // of the certificate that expires first
	passed              int
	slowest             time.Duration
}

func newWalk(p *prober) *walk {
	w := &walk{prober: p, values: make(map[string]value)}
	if p.unique {
		w.values[runVariable] = value{text: strings.ToLower(rand.Text())}
	}
	w.result.Start = time.Now()
	w.result.Evidence = &probe.Evidence{Steps: make([]probe.Step, 0, len(p.steps)+len(p.cleanup))}
	return w
}

// What cleanup may take.
const (
	cleanupShare = 4                // the part of a journey's time that its steps leave
	cleanupMost  = 10 * time.Second // of a long one
	farewell     = 2 * time.Second  // after a cancel: whoever cancels waits for it
)

// deadlines returns a context for the steps that leaves time for cleanup, and remembers when all has to be over.
func (w *walk) deadlines(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		end = w.result.Start.Add(w.timeout)
	}
	w.end = end
	if len(w.cleanup) > 0 {
		end = end.Add(-min(max(0, end.Sub(w.result.Start))/cleanupShare, cleanupMost))
	}
	return context.WithDeadline(ctx, end)
}

// walk goes through the steps; those after the first that fails are skipped. An error means that nothing can be said of
// the channel.
func (w *walk) walk(ctx context.Context) error {
	failed := false
	for _, s := range w.steps {
		if failed {
			w.skip(s)
			continue
		}
		attempt, err := w.attempt(ctx, s)
		if err != nil {
			return err
		}
		w.count(s, attempt)
		failed = attempt.failed
	}
	return nil
}

// cleanUp undoes what the steps did, as far as there is something to undo. The context of the probe may have ended.
func (w *walk) cleanUp(ctx context.Context) {
	if len(w.cleanup) == 0 {
		return
	}
	end := w.end
	if errors.Is(ctx.Err(), context.Canceled) {
		if soon := time.Now().Add(farewell); soon.Before(end) {
			end = soon
		}
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	for _, s := range w.cleanup {
		if slices.ContainsFunc(s.needs, func(name string) bool { return w.values[name] == value{} }) {
			w.skip(s)
			continue
		}
		attempt, err := w.attempt(ctx, s)
		if err == nil && !attempt.failed {
			continue
		}
		wrong := attempt.detail
		if err != nil {
			wrong = err.Error()
		}
		w.result.Findings = append(w.result.Findings, probe.Finding{
			Check: cleanupFailed, Title: s.title + " failed", Detail: s.place + ": " + wrong,
		})
	}
}

// skip notes a step that was not taken.
func (w *walk) skip(s *step) {
	w.result.Evidence.Steps = append(w.result.Evidence.Steps, probe.Step{Name: s.name, Title: s.title, Outcome: probe.StepSkipped})
}

// attempt is what came of a step.
type attempt struct {
	took     time.Duration
	phases   probe.Phases
	reason   probe.Reason // why the answer is not complete
	findings []probe.Finding
	failed   bool
	detail   string // why it failed
}

// attempt takes one step and notes it as evidence.
func (w *walk) attempt(ctx context.Context, s *step) (attempt, error) {
	at := time.Since(w.result.Start)
	a, err := w.try(ctx, s)
	outcome := probe.StepPassed
	if a.failed || err != nil {
		outcome = probe.StepFailed
	}
	w.result.Evidence.Steps = append(w.result.Evidence.Steps, probe.Step{
		Name: s.name, Title: s.title, Outcome: outcome, At: at, Duration: a.took, Phases: a.phases, Detail: a.detail,
	})
	return a, err
}

func (w *walk) try(ctx context.Context, s *step) (attempt, error) {
	request, err := s.ask(w.values)
	if err != nil {
		return broken(attempt{}, err), nil
	}
	response, err := s.client.DoWithJar(ctx, request, &w.jar)
	if err != nil {
		return attempt{}, err
	}
	w.noteCertificate(response)
	a := attempt{took: response.Duration, phases: response.Phases, reason: response.Reason}
	if a.reason != "" {
		a.failed, a.detail = true, response.Detail
		a.findings = []probe.Finding{{Check: a.reason, Detail: response.Detail}}
		hideBody(s, response)
	} else {
		a = w.judge(s, a, response) //nolint:contextcheck // rules have a limit of time of their own, whatever the step has left
	}
	for i := range response.Exchanges {
		response.Exchanges[i].Step = s.name
	}
	w.result.Evidence.Exchanges = append(w.result.Evidence.Exchanges, response.Exchanges...)
	return a, nil
}

// broken says that a step does not give what the journey needs.
func broken(a attempt, err error) attempt {
	a.failed, a.detail = true, err.Error()
	a.findings = append(a.findings, probe.Finding{Check: stepFailed, Detail: a.detail})
	return a
}

// judge looks at a complete answer and takes values out of one that is right.
func (w *walk) judge(s *step, a attempt, response *httpx.Response) attempt {
	answered := assert.Response{
		Status: response.Status, Header: response.Header, Body: response.Body, Start: response.Start, Duration: response.Duration,
		Phases: response.Phases, NotBefore: response.NotBefore, NotAfter: response.NotAfter,
	}
	wrong := s.expect.Check(&answered)
	if !slices.ContainsFunc(wrong, func(f probe.Finding) bool { return f.Check == assert.StatusUnexpected }) {
		wrong = append(wrong, s.asserts.Check(&answered)...)
	}
	a.findings = append(slices.Clone(response.Findings), wrong...)
	values, err := w.extract(s, response) // of a wrong answer, too: it may hold secrets
	if i := slices.IndexFunc(wrong, func(f probe.Finding) bool { return w.fatal[f.Check] }); i >= 0 {
		a.failed, a.detail = true, wrong[i].Detail
	} else if err != nil {
		a = broken(a, err)
	} else {
		maps.Copy(w.values, values)
	}
	if a.failed || len(wrong) > 0 {
		response.KeepBodyStart()
	}
	if response.Status < http.StatusBadRequest && s.lacks(values) { // a refusal holds no secret that was not sent
		hideBody(s, response)
		for i := range wrong { // what they quote may hold it, under another name
			if at := len(response.Findings) + i; wrong[i].Check != assert.StatusUnexpected && at < len(a.findings) {
				a.findings[at].Detail = "the answer is not shown, because a secret was to come in it and was not found"
			}
		}
		if i := slices.IndexFunc(wrong, func(f probe.Finding) bool { return w.fatal[f.Check] }); i >= 0 {
			a.detail = a.findings[len(response.Findings)+i].Detail
		}
	}
	return a
}

// lacks reports whether a secret that an answer was to hold was not found in it: nothing knows how to hide it then.
func (s *step) lacks(found map[string]value) bool {
	return slices.ContainsFunc(s.extract, func(x extraction) bool {
		_, ok := found[x.name]
		return x.secret && !ok
	})
}

// extract takes values out of an answer and has results hide those that are secrets. The error says what the first that
// is not there lacks.
func (w *walk) extract(s *step, response *httpx.Response) (map[string]value, error) {
	if len(s.extract) == 0 {
		return nil, nil
	}
	values := make(map[string]value, len(s.extract))
	answered := newAnswer(response, &w.jar)
	var first error
	for i := range s.extract {
		found, err := s.extract[i].of(answered)
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		values[s.extract[i].name] = found
		if s.extract[i].secret {
			w.secrets = append(w.secrets, found.text)
		}
	}
	return values, first
}

// hideBody takes the start of an incomplete body out of evidence where a secret was to come, which may be in it.
func hideBody(s *step, response *httpx.Response) {
	if slices.ContainsFunc(s.extract, func(x extraction) bool { return x.secret }) {
		response.Exchanges[len(response.Exchanges)-1].BodyStart = ""
	}
}

// noteCertificate remembers the dates of the certificate that expires first.
func (w *walk) noteCertificate(response *httpx.Response) {
	if !response.NotAfter.IsZero() && (w.notAfter.IsZero() || response.NotAfter.Before(w.notAfter)) {
		w.notBefore, w.notAfter = response.NotBefore, response.NotAfter
	}
}

// count adds a step to the result.
func (w *walk) count(s *step, a attempt) {
	r := &w.result
	r.Duration += a.took
	r.Phases.AddAll(&a.phases)
	ended := stepPasses
	if a.failed {
		ended = stepFailures
		r.Reason, r.Detail = a.reason, fmt.Sprintf("%s: %s", s.place, a.detail)
	} else {
		w.passed++
	}
	r.Measurements = append(r.Measurements, probe.Measurement{Metric: ended, Label: s.name, Value: 1})
	if a.took > 0 { // else there was no request
		r.Measurements = append(r.Measurements, probe.Measurement{Metric: stepSeconds, Label: s.name, Value: a.took.Seconds()})
	}
	if a.took > w.slowest {
		w.slowest, r.Slowest = a.took, fmt.Sprintf("%s took %v", s.place, a.took.Round(time.Millisecond))
	}
	for _, finding := range a.findings {
		r.Findings = append(r.Findings, w.tell(s, a, finding))
	}
	if s.budget > 0 && a.took > s.budget && !a.failed {
		r.Findings = append(r.Findings, probe.Finding{
			Check: stepSlow, Title: s.title + " is slow", Marketing: fmt.Sprintf("Customers wait too long at “%s”.", s.title),
			Detail: fmt.Sprintf("%s took %v, want at most %v", s.place, a.took.Round(time.Millisecond), s.budget),
		})
	}
}

// tell says of a finding which step it is about, in the customer's words.
func (w *walk) tell(s *step, a attempt, f probe.Finding) probe.Finding {
	f.Detail = s.place + ": " + f.Detail
	ends := f.Check == a.reason || w.fatal[f.Check]
	switch {
	case f.Title != "":
		f.Title = s.title + ": " + f.Title
	case ends:
		f.Title = s.title + " failed"
	}
	if ends {
		f.Marketing = cmp.Or(f.Marketing, fmt.Sprintf("Customers cannot get past “%s”.", s.title))
	}
	return f
}

// conclude adds what is known when the journey is over.
func (w *walk) conclude() {
	r := &w.result
	measured := r.Measurements
	r.Measurements = nil
	r.NoteCertificate(w.notBefore, w.notAfter, r.Start)
	if !w.certificate {
		r.Measurements = nil
	}
	r.Measurements = append(r.Measurements, measured...)
	if r.Detail == "" {
		r.Detail = fmt.Sprintf("%d of %d steps passed", w.passed, len(w.steps))
	}
}
