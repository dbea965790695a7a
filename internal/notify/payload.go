package notify

import (
	"fmt"
	"strings"
	"time"
)

// payload is the body of a webhook: a message in the form of Slack, which Mattermost, Rocket.Chat and others take too,
// and beside it the incident for programs.
type payload struct {
	Text        string       `json:"text"`
	Markdown    bool         `json:"mrkdwn"` // false: what stands in a sentence is no markup
	Attachments []attachment `json:"attachments"`
	Incident    machine      `json:"incident"`
}

// attachment is a block of a Slack message (api.slack.com, "Legacy: secondary attachments").
type attachment struct {
	Fallback  string  `json:"fallback"`
	Color     string  `json:"color"`
	Title     string  `json:"title"`
	TitleLink string  `json:"title_link,omitempty"`
	Text      string  `json:"text"`
	Fields    []field `json:"fields"`
	Footer    string  `json:"footer"`
	Time      int64   `json:"ts"` // Unix seconds
}

type field struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// machine is an incident for programs. An incident has one ID over all of its messages: of each ID come at most one
// message with status "opened" and one with status "ended", but for those that were sent in the moment of a crash.
type machine struct {
	ID             string         `json:"id"`
	Status         string         `json:"status"`            // opened or ended
	Late           bool           `json:"late,omitempty"`    // ended, and the message with status opened was never delivered
	Channel        string         `json:"channel,omitempty"` // absent for an incident of the agent itself
	Title          string         `json:"title"`
	Location       string         `json:"location"` // of the agent that tells
	Severity       string         `json:"severity"` // of the worst alert: critical, warning or what else the rule says
	Word           string         `json:"word"`     // Poor or Fair where the alert is about a rating; else Critical, Warning or Ended
	Headline       string         `json:"headline"`
	Marketing      string         `json:"marketing,omitempty"`
	IT             string         `json:"it,omitempty"`
	OwnerIT        string         `json:"owner_it,omitempty"`
	OwnerMarketing string         `json:"owner_marketing,omitempty"`
	Started        time.Time      `json:"started"`
	Ended          *time.Time     `json:"ended,omitempty"`
	Unreported     bool           `json:"unreported,omitempty"` // it ended because its alerts are no longer reported
	URL            string         `json:"url,omitempty"`
	Alerts         []machineAlert `json:"alerts"`                // the worst first, at most 20
	More           int            `json:"more_alerts,omitempty"` // alerts that were left out
}

// machineAlert is an alert of an incident.
type machineAlert struct {
	Name     string            `json:"name"`
	Severity string            `json:"severity"`
	Headline string            `json:"headline"`
	Started  time.Time         `json:"started"`
	Ended    *time.Time        `json:"ended,omitempty"`
	Labels   map[string]string `json:"labels"`
}

func newPayload(f form, n *notice, late bool) payload {
	l := f.letter(n, late)
	block := attachment{
		Fallback: slack(l.Subject), Color: l.Look.Fill, Title: slack(l.Title), TitleLink: slack(l.Link),
		Text:   slack(strings.Join(append([]string{l.When}, l.Remarks...), "\n")),
		Footer: slack("Channelwatch at " + n.Here), Time: n.At.Unix(),
	}
	add := func(title, value string, short bool) {
		if value != "" {
			block.Fields = append(block.Fields, field{title, slack(value), short})
		}
	}
	add("For marketing", l.Marketing, false)
	add("For IT", l.IT, false)
	for _, o := range l.Owners {
		add("Owner, "+o.Side, o.Name, true)
	}
	alerts := l.Alerts
	if l.More > 0 {
		alerts = append(alerts, fmt.Sprintf("and %d more", l.More))
	}
	add("Alerts", strings.Join(alerts, "\n"), false)
	return payload{
		Text:        slack(announcement(n, l)),
		Attachments: []attachment{block},
		Incident:    f.machine(n, l, late),
	}
}

// announcement is the line that people see first. It has the word of the look.
func announcement(n *notice, l letter) string {
	if n.Ended {
		return l.Subject
	}
	return l.Look.Word + ": " + l.Subject
}

func (f form) machine(n *notice, l letter, late bool) machine {
	m := machine{
		ID: n.ID, Status: "opened", Late: late, Channel: n.Group.Channel, Title: n.Title, Location: n.Here,
		Severity: n.Alerts[0].Severity, Word: l.Look.Word, Headline: n.Alerts[0].Headline,
		Marketing: n.Marketing, IT: n.IT, OwnerIT: n.OwnerIT, OwnerMarketing: n.OwnerMarketing,
		Started: n.Started.UTC(), Unreported: n.unreported(), URL: l.Link, More: n.More,
	}
	if n.Ended {
		m.Status, m.Ended = "ended", utc(n.Until)
	}
	for _, a := range n.Alerts {
		m.Alerts = append(m.Alerts, machineAlert{
			Name: a.Name, Severity: a.Severity, Headline: a.Headline, Started: a.Started.UTC(), Ended: utc(a.Ended), Labels: a.Labels,
		})
	}
	return m
}

// utc returns a time for JSON; nil for the zero time.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// slack escapes the three characters that begin markup in Slack, mentions of everybody among it.
func slack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
