package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/channelwatch/channelwatch/internal/view"
)

// readMetrics reads the raw counters as /metrics shows them.
func readMetrics(c *client) tally {
	c.t.Helper()
	status, body := c.fetch("/metrics")
	if status != http.StatusOK {
		c.t.Fatalf("GET /metrics: status %d", status)
	}
	counted := make(tally)
	for _, line := range experienceLine.FindAllSubmatch(body, -1) {
		labels := make(map[string]string)
		for _, label := range labelPair.FindAllSubmatch(line[1], -1) {
			labels[string(label[1])] = string(label[2])
		}
		n, err := strconv.ParseFloat(string(line[2]), 64)
		if err != nil {
			c.t.Fatalf("/metrics: %s: %v", line[0], err)
		}
		key := labels["channel"] + "/" + labels["touchpoint"]
		if counted[key] == nil {
			counted[key] = make(map[explanation]float64)
		}
		counted[key][explanation{labels["rating"], labels["dimension"], labels["cause"]}] = n
	}
	return counted
}

var (
	experienceLine = regexp.MustCompile(`(?m)^channelwatch_experience_total\{(.*)\} (\S+)$`)
	labelPair      = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// measured leaves out what could not be measured.
func (t tally) measured() tally {
	all := make(tally)
	for key, counts := range t {
		all[key] = maps.Clone(counts)
		maps.DeleteFunc(all[key], func(e explanation, _ float64) bool { return e.rating == "unknown" })
	}
	return all
}

// recorded are the figures of channels over a window, as one surface shows them.
type recorded struct {
	score, up, gap map[string]float64 // by channel
	lost           map[string]float64 // by channel, dimension and cause, joined by slashes
}

// recorded returns what the rules recorded of a window.
func (c *client) recorded(at int64, window string) recorded {
	c.t.Helper()
	figure := func(name string) map[string]float64 {
		return c.values(at, "channel:channelwatch_"+name+":"+window, "channel")
	}
	return recorded{
		score: figure("score"), up: figure("up"), gap: figure("gap"),
		lost: c.values(at, "channel_cause:channelwatch_points_lost:"+window, "channel", "dimension", "cause"),
	}
}

// waitForHistory waits until an agent answers from its history, which is opened in the background.
func (c *client) waitForHistory() {
	c.t.Helper()
	eventually(c.t, "the history to be open", func() string {
		if status, body := c.fetch("/api/v1/query?query=1"); status != http.StatusOK {
			return fmt.Sprintf("status %d: %s", status, body)
		}
		return ""
	})
}

// overview reads the JSON of all channels.
func (c *client) overview() *view.Overview {
	c.t.Helper()
	var o view.Overview
	c.get("/api/v1/channels?range=1h", &o)
	return &o
}

// now returns the figures of the last five minutes in the JSON of all channels.
func now(o *view.Overview) recorded {
	r := recorded{make(map[string]float64), make(map[string]float64), make(map[string]float64), make(map[string]float64)}
	for _, c := range o.Channels {
		if c.Now == nil {
			continue
		}
		r.score[c.Name], r.up[c.Name], r.gap[c.Name] = c.Now.Score, c.Now.Up, c.Now.Gap
		if c.CausesOf != "5m" {
			continue
		}
		for _, cause := range c.Causes {
			r.lost[c.Name+"/"+cause.Dimension+"/"+string(cause.Check)] = cause.Points
		}
	}
	return r
}

// badge returns the text of a channel's badge after the title.
func (c *client) badge(channel string) string {
	c.t.Helper()
	status, body := c.fetch("/badge/" + channel + ".svg")
	if status != http.StatusOK {
		c.t.Fatalf("GET the badge of %s: status %d: %s", channel, status, body)
	}
	label := regexp.MustCompile(`aria-label="[^"]*: ([^":]*)"`).FindSubmatch(body)
	if label == nil {
		c.t.Fatalf("the badge of %s says nothing: %s", channel, body)
	}
	return string(label[1])
}

// panelQuery is a query of a panel of a committed dashboard.
type panelQuery struct {
	file  string
	panel int
	ref   string
}

// expression returns the query with the reader's choices filled in.
func (q panelQuery) expression(t *testing.T, channel, window string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "dashboards", q.file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	type panel struct {
		ID      int
		Targets []struct{ RefID, Expr string }
	}
	var board struct{ Panels []panel }
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			if p.ID == q.panel && target.RefID == q.ref {
				return strings.NewReplacer("${window}", window, "$channel", channel).Replace(target.Expr)
			}
		}
	}
	t.Fatalf("there is no query %+v", q)
	return ""
}

// alertTexts returns the sentences for IT of the alerts of a name by channel, whether they fire or wait, and when they
// were last evaluated.
func (c *client) alertTexts(name string) (texts map[string]string, evaluated time.Time) {
	c.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				LastEvaluation time.Time
				Rules          []struct{ Name string }
			}
			Alerts []alert
		}
	}
	c.get("/api/v1/rules?type=alert&"+url.Values{"rule_name[]": {name}}.Encode(), &answer)
	for _, g := range answer.Data.Groups {
		for _, rule := range g.Rules {
			if rule.Name == name {
				evaluated = g.LastEvaluation
			}
		}
	}
	c.get("/api/v1/alerts", &answer)
	texts = make(map[string]string)
	for _, a := range answer.Data.Alerts {
		if a.Labels["alertname"] == name {
			texts[a.Labels["channel"]] = a.Annotations["it"]
		}
	}
	return texts, evaluated
}

// rounded is a score as the alerts print it.
func rounded(score float64) string { return fmt.Sprintf("%.0f", score) }
