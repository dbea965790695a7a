package agent

import (
	"context"
	"log/slog"
	"time"

	"github.com/channelwatch/channelwatch/internal/control"
	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
	"github.com/channelwatch/channelwatch/internal/quality"
	"github.com/channelwatch/channelwatch/internal/recent"
	"github.com/channelwatch/channelwatch/internal/schedule"
)

// confirmTimeout bounds the look at the agent's own network after a channel could not be reached.
const confirmTimeout = 3 * time.Second

// report takes one outcome from the schedule: it rates it, exports it, remembers it and logs a change. It returns
// whether the touchpoint should be looked at once more.
func (a *Agent) report(o *schedule.Outcome) (recheck bool) {
	tp := o.Touchpoint
	verdict, why := a.judge(o)
	if o.Recheck { // confirms or clears for alerts; it is no result of its own, so that page and metrics agree
		if verdict.Rating != probe.Unknown {
			for _, counted := range everywhere(tp) {
				a.metrics.Rechecked(counted, verdict.Rating == probe.Poor)
			}
		}
		a.aside(tp, &o.Result)
		return false
	}
	a.album.keep(tp.Key(), verdict.Rating, o.Result.Evidence)
	entry := recent.Entry{Touchpoint: tp, Result: o.Result, Err: why, Verdict: verdict}
	for _, name := range tp.AlsoIn {
		guest := entry
		guest.Touchpoint = tp.In(name)
		a.metrics.Record(guest.Touchpoint, &o.Result, verdict)
		a.recent.Add(guest)
	}
	a.metrics.Record(tp, &o.Result, verdict)
	changed, previous := a.recent.Add(entry)
	if changed || verdict.Rating < probe.Good && verdict.Cause != previous.Cause {
		a.logChange(&entry, previous)
	}
	return verdict.Rating == probe.Poor
}

// judge rates an outcome, or says why it says nothing about the channel.
func (a *Agent) judge(o *schedule.Outcome) (verdict quality.Verdict, why string) {
	if o.Err != nil {
		return quality.NotMeasured(probe.NotMeasured), o.Err.Error()
	}
	began, ended := o.Started, o.Started.Add(o.Result.Duration)
	profile := &o.Touchpoint.Profile
	if profile.Passive {
		began, ended = o.Started.Add(-o.Touchpoint.Every), o.Started // what it tells of is over
	} else if starved, why := a.starved(began, ended); starved {
		return quality.NotMeasured(probe.AgentStarved), why
	}
	verdict = quality.Rate(a.catalogue, o.Touchpoint.Limits, &o.Result)
	if a.control != nil && verdict.Rating == probe.Poor && silent(&verdict, &o.Result, profile) && control.Excuses(profile.Target) {
		ctx, cancel := context.WithTimeout(context.Background(), confirmTimeout)
		defer cancel()
		if blind, why := a.control.Blinded(ctx, began, ended); blind {
			return quality.NotMeasured(probe.AgentBlind), why
		}
	}
	return verdict, ""
}

// unanswered is the reason of the kind ping, which waits for echoes in vain.
const unanswered probe.Reason = "ping_unanswered"

// silent says whether a poor result can come from the agent's own network: the channel was not reached, or what others
// report did not reach the agent.
func silent(verdict *quality.Verdict, result *probe.Result, profile *probe.Profile) bool {
	if profile.Passive || profile.Receipts && verdict.Cause == push.Lost {
		return true
	}
	return verdict.Dimension == probe.Reachable && networkTrouble(result.Reason)
}

// aside takes in what a result that counts for nothing says of the way to the channel.
func (a *Agent) aside(tp *probe.Touchpoint, result *probe.Result) {
	for _, counted := range everywhere(tp) {
		a.metrics.Aside(counted, result)
	}
}

// networkTrouble says whether a reason can come from the agent's own network: nothing but silence, or a failure of the
// way there. An answer of the channel, whatever it says, shows that the network works.
func networkTrouble(reason probe.Reason) bool {
	switch reason {
	case probe.DNSNotFound, probe.DNSFailed, probe.DNSTimeout, probe.ConnectTimeout, probe.ConnectUnreachable,
		probe.TLSTimeout, probe.SendFailed, probe.ResponseTimeout, probe.BodyTimeout, push.Unsent,
		unanswered:
		return true
	}
	return false
}

// logChange writes one line when a rating changes, or its cause while it is below good; never one per probe. previous
// is the verdict before, zero for the first.
func (a *Agent) logChange(e *recent.Entry, previous quality.Verdict) {
	level := slog.LevelWarn
	if e.Verdict.Rating >= probe.Good {
		level = slog.LevelInfo
		if previous == (quality.Verdict{}) { // thousands of touchpoints begin so at every start
			level = slog.LevelDebug
		}
	}
	attrs := []any{
		"channel", e.Touchpoint.Channel, "touchpoint", e.Touchpoint.Name,
		"rating", e.Verdict.Rating.String(), "was", previous.Rating.String(),
		"duration", e.Result.Duration.Round(time.Microsecond).String(),
	}
	if e.Verdict.Cause != "" {
		attrs = append(attrs, "cause", string(e.Verdict.Cause))
	}
	if previous.Cause != "" {
		attrs = append(attrs, "was_cause", string(previous.Cause))
	}
	detail := e.Result.Detail
	if f := e.Result.Find(e.Verdict.Cause); f != nil && f.Detail != "" {
		detail = f.Detail
	}
	if detail != "" {
		attrs = append(attrs, "detail", detail)
	}
	if e.Err != "" {
		attrs = append(attrs, "why", e.Err)
	}
	a.log.Log(context.Background(), level, "rating changed", attrs...)
}
