// Package dashboards_test holds the committed dashboards against what they promise: their form, the metrics that they
// ask for, and the data that each panel gets from a real Prometheus that scrapes the agent with the shipped rules. It
// reads the JSON as people get it and knows nothing of the generator in internal/tools/dashboards.
package dashboards_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is what the tests read of a dashboard.
type board struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	Editable      *bool    `json:"editable"`
	Refresh       string   `json:"refresh"`
	SchemaVersion int      `json:"schemaVersion"`
	Time          struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"time"`
	Links      []link `json:"links"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []annotation `json:"list"`
	} `json:"annotations"`
	Panels []panel `json:"panels"`

	file string
	raw  []byte
}

type link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	URL         string   `json:"url"`
	Tags        []string `json:"tags"`
	KeepTime    bool     `json:"keepTime"`
	IncludeVars bool     `json:"includeVars"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type variable struct {
	Name        string  `json:"name"`
	Type        string  `json:"type"`
	Label       string  `json:"label"`
	Description string  `json:"description"`
	Query       string  `json:"query"`
	Datasource  *source `json:"datasource"`
	Refresh     int     `json:"refresh"`
	Sort        int     `json:"sort"`
	Multi       bool    `json:"multi"`
	IncludeAll  bool    `json:"includeAll"`
	AllValue    string  `json:"allValue"`
}

type annotation struct {
	Name            string  `json:"name"`
	Datasource      *source `json:"datasource"`
	Expr            string  `json:"expr"`
	UseValueForTime bool    `json:"useValueForTime"`
}

type panel struct {
	ID            int     `json:"id"`
	Type          string  `json:"type"`
	Title         string  `json:"title"`
	Description   string  `json:"description"`
	Datasource    *source `json:"datasource"`
	Interval      string  `json:"interval"`
	TimeFrom      string  `json:"timeFrom"`
	MaxDataPoints int     `json:"maxDataPoints"`
	Collapsed     bool    `json:"collapsed"`
	Panels        []panel `json:"panels"`
	Links         []link  `json:"links"`
	GridPos       struct {
		X int `json:"x"`
		Y int `json:"y"`
		W int `json:"w"`
		H int `json:"h"`
	} `json:"gridPos"`
	Targets     []target `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Unit       string `json:"unit"`
			NoValue    string `json:"noValue"`
			Links      []link `json:"links"`
			Thresholds struct {
				Steps []struct {
					Color string   `json:"color"`
					Value *float64 `json:"value"`
				} `json:"steps"`
			} `json:"thresholds"`
			Mappings []struct {
				Options map[string]struct {
					Text  string `json:"text"`
					Color string `json:"color"`
				} `json:"options"`
			} `json:"mappings"`
			Max *float64 `json:"max"`
		} `json:"defaults"`
		Overrides []struct {
			Properties []struct {
				ID    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Options struct {
		ColorByField string `json:"colorByField"`
		ShowValue    string `json:"showValue"`
		MergeValues  bool   `json:"mergeValues"`
		Legend       struct {
			ShowLegend bool `json:"showLegend"`
		} `json:"legend"`
	} `json:"options"`
}

type target struct {
	RefID        string  `json:"refId"`
	Datasource   *source `json:"datasource"`
	Expr         string  `json:"expr"`
	LegendFormat string  `json:"legendFormat"`
	Instant      bool    `json:"instant"`
	Range        bool    `json:"range"`
}

// load reads all committed dashboards.
func load(t *testing.T) []board {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	var boards []board
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := board{file: file, raw: raw}
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		boards = append(boards, b)
	}
	var uids []string
	for _, b := range boards {
		uids = append(uids, b.UID)
	}
	for _, uid := range []string{"channelwatch-shared", "channelwatch-channel", "channelwatch-push", "channelwatch-web", "channelwatch-journeys", "channelwatch-hosts", "channelwatch-operations"} {
		if !slices.Contains(uids, uid) {
			t.Fatalf("no dashboard has the uid %s, got %v", uid, uids)
		}
	}
	return boards
}

// ofTheDemo leaves out the dashboards of what the demo of these tests does not have, or not all of: a browser that visits its
// pages, devices with receipts, and journeys. TestDashboards_ShowPagesInABrowser, TestDashboards_ShowPushMessages and
// TestDashboards_ShowJourneys fill them.
func ofTheDemo(boards []board) []board {
	return slices.DeleteFunc(boards, func(b board) bool { return slices.Contains(filled(), b.UID) })
}

func filled() []string {
	return []string{"channelwatch-web", "channelwatch-push", "channelwatch-journeys"}
}

// named returns the dashboard with a uid.
func named(t *testing.T, uid string) *board {
	t.Helper()
	boards := load(t)
	i := slices.IndexFunc(boards, func(b board) bool { return b.UID == uid })
	return &boards[i]
}

// all returns the panels that show something, those in closed rows included.
func (b *board) all() []panel {
	var all []panel
	for _, p := range b.Panels {
		if p.Type == "row" {
			all = append(all, p.Panels...)
			continue
		}
		all = append(all, p)
	}
	return all
}

// panel returns the panel with an id.
func (b *board) panel(t *testing.T, id int) panel {
	t.Helper()
	for _, p := range b.all() {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("%s has no panel %d", b.UID, id)
	return panel{}
}

// target returns the query of a panel with a letter.
func (p *panel) target(t *testing.T, ref string) target {
	t.Helper()
	for _, q := range p.Targets {
		if q.RefID == ref {
			return q
		}
	}
	t.Fatalf("panel %d has no query %s", p.ID, ref)
	return target{}
}

// expressions returns every query of the dashboard, its variables' and annotations' included, by where it stands.
func (b *board) expressions() map[string]string {
	all := make(map[string]string)
	for _, p := range b.all() {
		for _, q := range p.Targets {
			all[b.UID+"/"+p.Title+"/"+q.RefID] = q.Expr
		}
	}
	for _, a := range b.Annotations.List {
		all[b.UID+"/annotation "+a.Name] = a.Expr
	}
	for _, v := range b.Templating.List {
		if v.Type == "query" {
			series, _ := labelValues(v.Query)
			all[b.UID+"/variable "+v.Name] = series
		}
	}
	return all
}

// labelValues takes label_values(series, label) apart.
func labelValues(query string) (series, label string) {
	inside := strings.TrimSuffix(strings.TrimPrefix(query, "label_values("), ")")
	cut := strings.LastIndex(inside, ",")
	return inside[:cut], strings.TrimSpace(inside[cut+1:])
}
