package view

import (
	"math"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// agreementNames are the recorded series of agreements. Their group of rules runs every 5 minutes.
func agreementNames() []string {
	return []string{
		"channel:channelwatch_agreement_score", "channel:channelwatch_agreement_budget_left:ratio",
		"channel:channelwatch_agreement_coverage:ratio", "channel:channelwatch_agreement_state",
	}
}

func (a *asker) agreements(at time.Time, matchers []string, into *[]query.Series) {
	expr := "last_over_time(" + selector(agreementNames(), matchers...) + "[" + promDuration(daily.back()) + "])"
	a.at("the agreements", expr, at, into)
}

// readAgreements returns how the agreements of the channels stand at a time.
func readAgreements(answer []query.Series, objectives map[string]*objective, at time.Time) map[string]Agreement {
	all := make(map[string]Agreement)
	for channel, o := range objectives {
		if o.ratio <= 0 {
			continue
		}
		// A ratio in binary is not exactly what was agreed in decimal.
		agreed := Agreement{State: TooEarly, Score: math.Round(o.ratio*1e8) / 1e6, Window: windowWord(o.window)}
		if o.review > 0 {
			review := time.Unix(int64(o.review), 0).UTC()
			agreed.Review, agreed.Overdue = &review, at.After(review.Add(day))
		}
		all[channel] = agreed
	}
	for _, s := range oneSource(answer) {
		if agreed, ok := all[s.Labels["channel"]]; ok {
			agreed.read(s)
			all[s.Labels["channel"]] = agreed
		}
	}
	for channel, agreed := range all {
		if agreed.State == TooEarly {
			agreed.Got, agreed.Left = nil, nil
			all[channel] = agreed
		}
	}
	return all
}

func (a *Agreement) read(s query.Series) {
	v := value(s)
	switch strings.TrimPrefix(s.Labels["__name__"], "channel:channelwatch_agreement_") {
	case "score":
		a.Got = &v
	case "budget_left:ratio":
		a.Left = &v
	case "coverage:ratio":
		a.Coverage = v
	case "state":
		a.State = stateOf(v)
	}
}

// stateOf reads a state as the rules write it.
func stateOf(v float64) AgreementState {
	switch v {
	case 0:
		return Broken
	case 1:
		return AtRisk
	case 2:
		return Kept
	}
	return TooEarly
}

// windowWord names the window of an agreement.
func windowWord(seconds float64) string {
	switch time.Duration(seconds) * time.Second {
	case day:
		return string(daily)
	case 7 * day:
		return string(weekly)
	}
	return string(monthly)
}
