package view

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// rounds are when the rules last recorded each window. A group of rules records all its series with one time, the
// ratings last: what is read at that time belongs together, even while the next evaluation is on its way.
type rounds map[window]time.Time

// askRounds asks for the last evaluations by the clock of the server. Where the rules have not run lately, the time of the
// shortest window is now.
func askRounds(ctx context.Context, engine query.Engine) (rounds, error) {
	answer, err := engine.Query(ctx, roundsExpr(), time.Time{})
	if err != nil {
		return nil, fmt.Errorf("asking when the rules last ran: %w", err)
	}
	last := rounds{recent: time.Now().Truncate(time.Millisecond).UTC()}
	for _, s := range answer {
		last[window(s.Labels["window"])] = time.UnixMilli(int64(value(s)*1000 + 0.5)).UTC()
	}
	return last, nil
}

// roundsExpr asks for all windows at once. The subqueries find the last evaluation of a rare group: PromQL looks back
// for 5 minutes only, and steps of 4 leave no sample out. Their steps are multiples of 4 minutes since 1970, so that what
// was recorded after the last of them is asked for beside.
func roundsExpr() string {
	var terms []string
	for _, w := range windows() {
		expr := "max(timestamp(channel:channelwatch_rating:" + string(w) + "))"
		if w != recent {
			expr = "(" + expr + " or max_over_time(" + expr + "[" + promDuration(w.back()) + ":4m]))"
		}
		terms = append(terms, `label_replace(`+expr+`, "window", "`+string(w)+`", "", "")`)
	}
	return strings.Join(terms, " or ")
}
