//go:build !nohistory

package history

import (
	"context"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/rules"
)

// notify is the rules.NotifyFunc: it passes alerts on to Alertmanagers and to the agent.
func (e *evaluator) notify(_ context.Context, _ string, alerts ...*rules.Alert) {
	if len(alerts) == 0 {
		return
	}
	if e.receive != nil {
		own := make([]Alert, len(alerts))
		for i, a := range alerts {
			own[i] = Alert{Labels: a.Labels.Map(), Annotations: a.Annotations.Map(), Started: a.FiredAt, Ended: a.ResolvedAt}
		}
		e.receive(own)
	}
	foreign := make([]*notifier.Alert, len(alerts))
	for i, a := range alerts {
		ends := a.ResolvedAt
		if ends.IsZero() {
			ends = a.ValidUntil // when an Alertmanager that hears nothing more takes it for ended
		}
		foreign[i] = &notifier.Alert{
			Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.FiredAt, EndsAt: ends, GeneratorURL: e.pageOf(a.Labels),
		}
	}
	e.sender.send(foreign)
}

// remind tells of the alerts of a group that fire, as its evaluation would if they still do.
func (e *evaluator) remind(ctx context.Context, g *rules.Group, at time.Time) {
	for _, rule := range g.AlertingRules() {
		var due []*rules.Alert
		rule.ForEachActiveAlert(func(a *rules.Alert) {
			if a.State != rules.StateFiring || !a.LastSentAt.Add(e.resend).Before(at) {
				return
			}
			a.LastSentAt, a.ValidUntil = at, at.Add(4*max(g.Interval(), e.resend))
			told := *a
			told.Labels = a.Labels.Copy() // it may be changed by who sends it
			due = append(due, &told)
		})
		e.notify(ctx, rule.Query().String(), due...)
	}
}

// pageOf is where to look when an alert comes: the page of the channel, or that of all.
func (e *evaluator) pageOf(of labels.Labels) string {
	if e.page.Host == "" {
		return ""
	}
	if channel := of.Get("channel"); channel != "" {
		return e.page.JoinPath("channels", url.PathEscape(channel)).String()
	}
	return e.page.String()
}
