//go:build !nohistory

package history

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
)

type ruleGroup struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"` // alertingRule or recordingRule
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

type alertingRule struct {
	State          string           `json:"state"`
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Duration       float64          `json:"duration"`
	KeepFiringFor  float64          `json:"keepFiringFor"`
	Labels         labels.Labels    `json:"labels"`
	Annotations    labels.Labels    `json:"annotations"`
	Alerts         []activeAlert    `json:"alerts"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type recordingRule struct {
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Labels         labels.Labels    `json:"labels"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type activeAlert struct {
	Labels          labels.Labels `json:"labels"`
	Annotations     labels.Labels `json:"annotations"`
	State           string        `json:"state"`
	ActiveAt        *time.Time    `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time    `json:"keepFiringSince,omitempty"`
	Value           string        `json:"value"`
}

// ruleFilter is what a request wants to know of rules.
type ruleFilter struct {
	kind                string // alert, record or empty for both
	names, groups, file []string
	sets                [][]*labels.Matcher
	quiet               bool // without active alerts
}

func (a *api) ruleFilter(p params) (f ruleFilter, err error) {
	f = ruleFilter{
		kind:  strings.ToLower(p.Get("type")),
		names: p.Values["rule_name[]"], groups: p.Values["rule_group[]"], file: p.Values["file[]"],
	}
	if f.kind != "" && f.kind != "alert" && f.kind != "record" {
		return f, invalid("type", fmt.Errorf("not supported value %.100q", f.kind))
	}
	if text := p.Get("exclude_alerts"); text != "" {
		if f.quiet, err = strconv.ParseBool(text); err != nil {
			return f, invalid("exclude_alerts", fmt.Errorf("error converting exclude_alerts: %w", err))
		}
	}
	f.sets, err = p.matchers(a.queries.parser)
	return f, err
}

func (f *ruleFilter) wants(wanted []string, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}

func (a *api) rules(_ context.Context, p params, answer answer) error {
	filter, err := a.ruleFilter(p)
	if err != nil {
		return err
	}
	groups := []ruleGroup{}
	if source := a.ruler(); source != nil {
		for _, g := range source.RuleGroups() {
			if group := filter.group(g); len(group.Rules) > 0 {
				groups = append(groups, group)
			}
		}
	}
	answer(func(w *jsonWriter) {
		w.any(struct {
			Groups []ruleGroup `json:"groups"`
		}{groups})
	}, notes{})
	return nil
}

// group returns of a group what the filter lets through.
func (f *ruleFilter) group(g *rules.Group) ruleGroup {
	group := ruleGroup{
		Name: g.Name(), File: g.File(), Interval: g.Interval().Seconds(), Limit: g.Limit(),
		EvaluationTime: g.GetEvaluationTime().Seconds(), LastEvaluation: g.GetLastEvaluation(),
	}
	if !f.wants(f.groups, g.Name()) || !f.wants(f.file, g.File()) {
		return group
	}
	for _, r := range g.Rules(f.sets...) {
		if !f.wants(f.names, r.Name()) {
			continue
		}
		switch r := r.(type) {
		case *rules.AlertingRule:
			if f.kind != "record" {
				group.Rules = append(group.Rules, f.alerting(r))
			}
		case *rules.RecordingRule:
			if f.kind != "alert" {
				group.Rules = append(group.Rules, recording(r))
			}
		}
	}
	return group
}

func (f *ruleFilter) alerting(r *rules.AlertingRule) alertingRule {
	rule := alertingRule{
		State: r.State().String(), Name: r.Name(), Query: r.Query().String(),
		Duration: r.HoldDuration().Seconds(), KeepFiringFor: r.KeepFiringFor().Seconds(),
		Labels: r.Labels(), Annotations: r.Annotations(), Health: r.Health(), LastError: lastError(r),
		EvaluationTime: r.GetEvaluationDuration().Seconds(), LastEvaluation: r.GetEvaluationTimestamp(), Type: "alerting",
	}
	if !f.quiet {
		rule.Alerts = activeAlerts(r)
	}
	return rule
}

func recording(r *rules.RecordingRule) recordingRule {
	return recordingRule{
		Name: r.Name(), Query: r.Query().String(), Labels: r.Labels(), Health: r.Health(), LastError: lastError(r),
		EvaluationTime: r.GetEvaluationDuration().Seconds(), LastEvaluation: r.GetEvaluationTimestamp(), Type: "recording",
	}
}

func lastError(r rules.Rule) string {
	if err := r.LastError(); err != nil {
		return err.Error()
	}
	return ""
}

func activeAlerts(r *rules.AlertingRule) []activeAlert {
	all := []activeAlert{}
	for _, active := range r.ActiveAlerts() {
		alert := activeAlert{
			Labels: active.Labels, Annotations: active.Annotations, State: active.State.String(), ActiveAt: &active.ActiveAt,
			Value: strconv.FormatFloat(active.Value, 'e', -1, 64),
		}
		if !active.KeepFiringSince.IsZero() {
			alert.KeepFiringSince = &active.KeepFiringSince
		}
		all = append(all, alert)
	}
	return all
}

func (a *api) alerts(_ context.Context, _ params, answer answer) error {
	all := []activeAlert{}
	if source := a.ruler(); source != nil {
		for _, r := range source.AlertingRules() {
			all = append(all, activeAlerts(r)...)
		}
	}
	answer(func(w *jsonWriter) {
		w.any(struct {
			Alerts []activeAlert `json:"alerts"`
		}{all})
	}, notes{})
	return nil
}
