package freshness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// source is where data is looked at. It is safe for concurrent use.
type source interface {
	// look returns what stands there, nothing when the result says why, and a result that lacks only what is concluded
	// from it. An error means that nothing could be measured.
	look(ctx context.Context) (found, probe.Result, error)
}

// found is what stands at a source: a text to be read, or the time itself.
type found struct {
	text string
	at   time.Time // zero: it is in text
}

// settings are a validated Config but for its source. It is immutable.
type settings struct {
	age         bool // values are ages
	zone        *time.Location
	zoneSet     bool
	warn, error time.Duration
	ahead       time.Duration
	timeout     time.Duration
	redaction   probe.Redaction
}

// prober looks once for each probe.
type prober struct {
	settings
	source source
}

// Probe looks at the source and concludes how old the data is.
func (p *prober) Probe(ctx context.Context) (probe.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	seen, result, err := p.source.look(ctx)
	switch {
	case err != nil:
		return probe.Result{}, p.redaction.Error(err)
	case errors.Is(ctx.Err(), context.Canceled):
		return probe.Result{}, fmt.Errorf("looking at the data: %w", ctx.Err())
	}
	if result.Reason == "" && seen != (found{}) {
		p.conclude(&result, seen, result.Start.Add(result.Duration))
	}
	p.redaction.Hide(&result)
	return result, nil
}

// conclude adds to a result how old the data was at time now.
func (s *settings) conclude(result *probe.Result, seen found, now time.Time) {
	age, flaw, err := s.ageOf(seen, now)
	if err != nil {
		result.Reason, result.Detail = unreadable, err.Error()
		return
	}
	if flaw != nil {
		result.Findings = append(result.Findings, *flaw)
	}
	result.Measurements = append(result.Measurements, probe.Measurement{Metric: ageSeconds, Value: age.Seconds()})
	shown := age.Round(time.Second)
	result.Detail = fmt.Sprintf("newest data is %v old", shown)
	add := func(check probe.CheckID, format string, args ...any) {
		result.Findings = append(result.Findings, *probe.Findingf(check, format, args...))
	}
	switch {
	case age > s.error:
		add(stale, "newest data is %v old, want at most %v", shown, s.error)
	case age > s.warn:
		add(aging, "newest data is %v old, want at most %v", shown, s.warn)
	case -age > s.ahead:
		result.Detail = fmt.Sprintf("newest data is %v ahead of our clock", -shown)
		add(future, "time is %v ahead of our clock, want at most %v", -shown, s.ahead)
	}
}

// ageOf reads what was found. The flaw is one of its form.
func (s *settings) ageOf(seen found, now time.Time) (age time.Duration, flaw *probe.Finding, err error) {
	if !seen.at.IsZero() {
		return now.Sub(seen.at), nil, nil
	}
	if s.age {
		age, err = parseAge(seen.text)
		return age, nil, err
	}
	got, err := parseTime(seen.text, s.zone)
	if err != nil {
		return 0, nil, err
	}
	if got.zoneless && !s.zoneSet {
		flaw = probe.Findingf(zoneless, "time is %q, read as UTC; want a zone or offset in it", clip(seen.text))
	}
	return now.Sub(got.at), flaw, nil
}
