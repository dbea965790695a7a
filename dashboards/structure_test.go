package dashboards_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// theme is what colours mean. No panel has another.
var theme = map[string]string{
	"#6B7785": "unknown, or without a meaning",
	"#C8374B": "poor",
	"#F0BE4A": "fair",
	"#A3D9A5": "good",
	"#1F6FB2": "excellent",
}

// units are those that panels may use; "none" stands for ratings and plain counts.
var units = []string{"none", "percent", "percentunit", "s", "m", "bytes", "Bps", "pps", "cps", "dtdurations", "suffix:points"}

var panelTypes = []string{"stat", "state-timeline", "status-history", "barchart", "table", "timeseries", "text", "row"}

func TestDashboards_HaveTheirForm(t *testing.T) {
	uids, titles := make(map[string]bool), make(map[string]bool)
	for _, b := range load(t) {
		if uids[b.UID] || titles[b.Title] {
			t.Errorf("%s: uid or title is taken: provisioning stops at the second one", b.file)
		}
		uids[b.UID], titles[b.Title] = true, true
		if b.file != b.UID+".json" {
			t.Errorf("%s: uid %s, want the name of the file", b.file, b.UID)
		}
		if b.Editable == nil || *b.Editable {
			t.Errorf("%s is editable: a change in the browser would be lost", b.UID)
		}
		if !slices.Contains(b.Tags, "channelwatch") || len(b.Tags) < 2 {
			t.Errorf("%s: tags %v, want channelwatch and the audience", b.UID, b.Tags)
		}
		if b.SchemaVersion != 42 || b.Description == "" || b.Refresh == "" || b.Time.To != "now" {
			t.Errorf("%s: schema %d, description %q, refresh %q, range until %q", b.UID, b.SchemaVersion, b.Description, b.Refresh, b.Time.To)
		}
		for _, word := range []string{"__inputs", "__requires", "libraryPanel", "angular", "displayMode\": \"color-background"} {
			if strings.Contains(string(b.raw), word) {
				t.Errorf("%s holds %q, which file provisioning cannot resolve", b.UID, word)
			}
		}
		if !slices.ContainsFunc(b.Links, func(l link) bool {
			return l.Type == "dashboards" && slices.Equal(l.Tags, []string{"channelwatch"}) && l.KeepTime && l.IncludeVars
		}) {
			t.Errorf("%s: no link to the dashboards with our tag that keeps time and variables", b.UID)
		}
	}
}

func TestPanels_HaveTheirForm(t *testing.T) {
	for _, b := range load(t) {
		ids := make(map[int]bool)
		questions := make(map[string]bool)
		open := 0
		for _, p := range b.Panels {
			if !slices.Contains(panelTypes, p.Type) {
				t.Errorf("%s/%d: type %q is no panel that every Grafana has", b.UID, p.ID, p.Type)
			}
			if p.Type == "row" {
				if ids[p.ID] || p.Title == "" || !p.Collapsed || len(p.Panels) == 0 {
					t.Errorf("%s/%d: row %q, want an own id, a title, panels and closed", b.UID, p.ID, p.Title)
				}
				ids[p.ID] = true
				continue
			}
			open++
		}
		if open > 20 {
			t.Errorf("%s: %d panels on load, want at most 20", b.UID, open)
		}
		for _, p := range b.all() {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: id %d of %q is taken or missing: links to single panels rest on it", b.UID, p.ID, p.Title)
			}
			ids[p.ID] = true
			if p.Type == "text" {
				continue
			}
			if questions[p.Title] || !strings.HasSuffix(p.Title, "?") {
				t.Errorf("%s/%d: title %q, want a question that no other panel asks", b.UID, p.ID, p.Title)
			}
			questions[p.Title] = true
			checkPanel(t, &b, &p)
		}
	}
}

func checkPanel(t *testing.T, b *board, p *panel) {
	t.Helper()
	at := b.UID + "/" + p.Title
	if sentences := strings.Count(p.Description, ". ") + 1; sentences < 2 || sentences > 3 || !strings.HasSuffix(p.Description, ".") {
		t.Errorf("%s: description %q, want what it shows and what to do", at, p.Description)
	}
	defaults := &p.FieldConfig.Defaults
	if !slices.Contains(units, defaults.Unit) {
		t.Errorf("%s: unit %q, want one of %q", at, defaults.Unit, units)
	}
	if defaults.NoValue != "No data yet" {
		t.Errorf("%s: without data it says %q: a broken query must not look like a rating", at, defaults.NoValue)
	}
	if p.Datasource == nil || *p.Datasource != (source{"prometheus", "${datasource}"}) || len(p.Targets) == 0 {
		t.Errorf("%s: data source %v and %d queries", at, p.Datasource, len(p.Targets))
	}
	refs := make(map[string]bool)
	for _, q := range p.Targets {
		if refs[q.RefID] || q.Datasource == nil || *q.Datasource != (source{"prometheus", "${datasource}"}) || q.Instant == q.Range {
			t.Errorf("%s/%s: letter taken, data source %v, or both or neither of instant and range", at, q.RefID, q.Datasource)
		}
		refs[q.RefID] = true
	}
	switch p.Type {
	case "state-timeline", "status-history":
		if p.Options.Legend.ShowLegend {
			t.Errorf("%s: the legend of a timeline prints thresholds", at)
		}
		// Values are merged by threshold, before mappings: without a step for each, all look the same.
		if len(defaults.Thresholds.Steps) != len(defaults.Mappings[0].Options) {
			t.Errorf("%s: %d thresholds for %d states", at, len(defaults.Thresholds.Steps), len(defaults.Mappings[0].Options))
		}
	case "barchart":
		if p.Options.ShowValue != "always" || p.Options.Legend.ShowLegend {
			t.Errorf("%s: bars without numbers, or with a legend", at)
		}
	}
	if len(p.Links)+len(defaults.Links) == 0 && !strings.Contains(string(b.raw), `"id": "links"`) {
		t.Errorf("%s: no link to what explains it", at)
	}
}

// ratingWords are the five words with their colours. The same five stand in every panel that shows ratings.
var ratingWords = map[string][2]string{
	"0": {"Unknown", "#6B7785"}, "1": {"Poor", "#C8374B"}, "2": {"Fair", "#F0BE4A"}, "3": {"Good", "#A3D9A5"}, "4": {"Excellent", "#1F6FB2"},
}

func TestRatings_LookTheSameEverywhere(t *testing.T) {
	seen := 0
	for _, b := range load(t) {
		for _, p := range b.all() {
			for _, m := range p.FieldConfig.Defaults.Mappings {
				if len(m.Options) != 5 {
					continue
				}
				seen++
				for value, want := range ratingWords {
					if got := m.Options[value]; got.Text != want[0] || got.Color != want[1] {
						t.Errorf("%s/%s: %s reads %v, want %v", b.UID, p.Title, value, got, want)
					}
				}
				for i, step := range p.FieldConfig.Defaults.Thresholds.Steps {
					if want := ratingWords[string(rune('0'+i))][1]; step.Color != want || (i > 0 && *step.Value != float64(i)-0.5) {
						t.Errorf("%s/%s: threshold %d is not %s from %v on", b.UID, p.Title, i, want, float64(i)-0.5)
					}
				}
			}
		}
	}
	if seen < 6 {
		t.Errorf("%d panels with ratings were found, want at least 6", seen)
	}
}

func TestColours_AreOfTheTheme(t *testing.T) {
	for _, b := range load(t) {
		var tree any
		if err := json.Unmarshal(b.raw, &tree); err != nil {
			t.Fatal(err)
		}
		walk(tree, func(key string, value any) {
			text, ok := value.(string)
			if !ok || !slices.Contains([]string{"color", "fixedColor", "iconColor", "lineColor", "fillColor"}, key) {
				return
			}
			if theme[text] == "" {
				t.Errorf("%s: colour %q has no meaning here, want one of %v", b.UID, text, theme)
			}
		})
	}
}

// walk calls f for each key of a JSON tree.
func walk(tree any, f func(key string, value any)) {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			f(key, value)
			walk(value, f)
		}
	case []any:
		for _, value := range node {
			walk(value, f)
		}
	}
}

func TestGrid_HasNoOverlap(t *testing.T) {
	for _, b := range load(t) {
		checkGrid(t, b.UID, b.Panels)
		for _, row := range b.Panels {
			checkGrid(t, b.UID+"/"+row.Title, row.Panels)
		}
	}
}

func checkGrid(t *testing.T, at string, panels []panel) {
	t.Helper()
	taken := make(map[[2]int]int)
	for _, p := range panels {
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%s/%d: at %+v, want inside of 24 columns", at, p.ID, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%s: panels %d and %d overlap", at, other, p.ID)
				}
				taken[[2]int{x, y}] = p.ID
			}
		}
	}
}

var dashboardLink = regexp.MustCompile(`^d/([a-z-]+)\?(?:var-([a-z]+)=[^&]+&)?(?:var-([a-z]+)=[^&]+&)?\$\{datasource:queryparam\}&\$\{__url_time_range\}$`)

func TestLinks_LeadToDashboardsAndTheirVariables(t *testing.T) {
	boards := make(map[string]*board)
	all := load(t)
	for i := range all {
		boards[all[i].UID] = &all[i]
	}
	for _, b := range all {
		for _, l := range allLinks(t, &b) {
			match := dashboardLink.FindStringSubmatch(l.URL)
			if match == nil {
				t.Errorf("%s: link %q, want a dashboard with data source and time", b.UID, l.URL)
				continue
			}
			to := boards[match[1]]
			if to == nil {
				t.Errorf("%s: link to %s, which does not exist", b.UID, match[1])
				continue
			}
			for _, name := range match[2:] {
				if name != "" && !slices.ContainsFunc(to.Templating.List, func(v variable) bool { return v.Name == name }) {
					t.Errorf("%s: link sets the variable %s, which %s does not have", b.UID, name, to.UID)
				}
			}
		}
	}
}

// allLinks returns the links of panels, values and columns.
func allLinks(t *testing.T, b *board) []link {
	t.Helper()
	var all []link
	for _, p := range b.all() {
		all = append(all, p.Links...)
		all = append(all, p.FieldConfig.Defaults.Links...)
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if property.ID != "links" {
					continue
				}
				var links []link
				if err := json.Unmarshal(property.Value, &links); err != nil {
					t.Fatal(err)
				}
				all = append(all, links...)
			}
		}
	}
	if len(all) == 0 {
		t.Errorf("%s has no links", b.UID)
	}
	return all
}

func TestVariables_HaveTheirForm(t *testing.T) {
	for _, b := range load(t) {
		sources := 0
		for _, v := range b.Templating.List {
			if v.Label == "" || v.Description == "" {
				t.Errorf("%s: variable %s has label %q and description %q", b.UID, v.Name, v.Label, v.Description)
			}
			switch v.Type {
			case "datasource":
				sources++
				if v.Name != "datasource" || v.Query != "prometheus" {
					t.Errorf("%s: data source variable %s of %s", b.UID, v.Name, v.Query)
				}
			case "query":
				if *v.Datasource != (source{"prometheus", "${datasource}"}) || v.Refresh != 2 || v.Sort != 1 {
					t.Errorf("%s: variable %s: data source %v, refresh %d, sort %d", b.UID, v.Name, v.Datasource, v.Refresh, v.Sort)
				}
				if v.IncludeAll && (v.AllValue != ".*" || !v.Multi) {
					t.Errorf("%s: variable %s: all is %q", b.UID, v.Name, v.AllValue)
				}
			}
			if v.Name != "datasource" && !strings.Contains(string(b.raw), "$"+v.Name) && !strings.Contains(string(b.raw), "${"+v.Name) {
				t.Errorf("%s: variable %s is used nowhere", b.UID, v.Name)
			}
		}
		if sources != 1 {
			t.Errorf("%s: %d data source variables, want 1", b.UID, sources)
		}
		for _, a := range b.Annotations.List {
			if *a.Datasource != (source{"prometheus", "${datasource}"}) {
				t.Errorf("%s: annotation %s asks %v", b.UID, a.Name, a.Datasource)
			}
		}
	}
}
